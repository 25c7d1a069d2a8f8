import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly } from '../peers/programs.js';
import type { Condition, Missing } from '../peers/turns.js';
import { runJson } from '../quantizer/processes.js';

/** Where everything lies. */
export interface Places {
  /** Of CTranslate2: `model.bin`, `config.json`, `tokenizer.json`. */
  readonly weights: string;
  /** For models that are made of them. */
  readonly folder: string;
  readonly python: string;
  /** Silence behind a recording in the condition with a short window, in seconds. */
  readonly marginS: string;
}

const here = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));
/** Python programs are not compiled, and stay with the sources. */
const source = (name: string): string => here(`../../../bench/whisper/${name}`);

/** Makes the models of all conditions from the same weights, anew. */
export async function makeConditions(places: Places): Promise<{ conditions: Condition[]; missing: Missing[] }> {
  const { weights, folder, python, marginS } = places;
  await mkdir(folder, { recursive: true });
  const [float32, int8, table4] = ['float32', 'int8', 'table4'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const cli = here('../../cli.js');
  await runQuietly(process.execPath, [cli, 'model', 'import', weights, '-o', float32]);
  await runQuietly(process.execPath, [cli, 'quantize', float32, '-o', int8]);
  await runQuietly(process.execPath, [cli, 'quantize', float32, '-o', table4, '--recipe', 'transformer']);
  const ours = (id: string, title: string, description: string, model: string, ...rest: string[]): Condition => {
    return {
      ...{ id, title, description, isOurs: true },
      program: process.execPath,
      args: (threads) => [here('ours.js'), model, String(threads), ...rest],
      files: [model],
    };
  };
  const peer = (id: string, title: string, description: string, script: string, ...args: string[]): Condition => {
    return {
      ...{ id, title, description, isOurs: false },
      program: python,
      args: (threads) => [source(script), ...args, String(threads)],
      files: args.slice(0, 1),
    };
  };
  const conditions = [
    ours('quantlab-float32', 'quantlab float32', 'as imported', float32),
    ours('quantlab-int8', 'quantlab int8', 'recipe `dynamic`: products in int8, a scale for each tensor', int8),
    ours(
      'quantlab-table4',
      'quantlab int8, table 4 bits',
      'recipe `transformer`: products in int8, a scale for each channel, the table of tokens in 4 bits',
      table4,
    ),
    ours(
      'quantlab-table4-short',
      'quantlab 4 bits, short window',
      `the model before; the window ends ${marginS} s after the recording, and what is doubtful is heard again in a whole one`,
      ...[table4, marginS],
    ),
    peer(
      'faster-whisper-float32',
      'faster-whisper float32',
      'CTranslate2',
      'faster_whisper_peer.py',
      weights,
      'float32',
    ),
    peer(
      'faster-whisper-int8',
      'faster-whisper int8',
      'CTranslate2, which stores half precision and makes int8 of it when it loads',
      ...['faster_whisper_peer.py', weights, 'int8'],
    ),
    peer('openai-whisper-float32', 'openai-whisper float32', 'PyTorch', 'openai_whisper_peer.py', weights, 'float32'),
    peer(
      'openai-whisper-int8',
      'openai-whisper int8 dynamic',
      'PyTorch, its linear layers by torch.ao.quantization.quantize_dynamic as it loads',
      ...['openai_whisper_peer.py', weights, 'int8'],
    ),
  ];
  const missing: Missing[] = [];
  const attempt = async (title: string, make: () => Promise<Condition>): Promise<void> => {
    try {
      conditions.push(await make());
    } catch (error) {
      missing.push({ title, reason: (error as Error).message });
    }
  };
  const tool = "ONNX Runtime's tool";
  await attempt(tool, async () => {
    const made = await quantizedByRuntime(places, float32);
    const description = 'quantize_dynamic of the Python package onnxruntime on our float32 graphs, run by quantlab';
    return { ...ours('onnxruntime-int8', tool, description, made), isOurs: false };
  });
  for (const [id, title, kind] of [
    ['whisper-cpp-8', 'whisper.cpp 8 bits', 'q8_0'],
    ['whisper-cpp-5', 'whisper.cpp 5 bits', 'q5_0'],
  ] as const) {
    await attempt(title, async () => {
      const path = join(folder, `${kind}.bin`);
      await runQuietly(python, [source('ggml_file.py'), weights, path, kind]);
      const description = `whisper.cpp, ${kind}; the binding on PyPI is built for AVX2`;
      return peer(id, title, description, 'whisper_cpp_peer.py', path);
    });
  }
  missing.push({ title: 'sherpa-onnx int8', reason: SHERPA });
  return { conditions, missing };
}

const SHERPA =
  'it loads graphs with names and a cache of their own, written by a script of its repository that traces PyTorch; its package has no converter, and graphs that we had to rewrite for it would measure ours';

/** A folder like the float32 one, with the graphs as ONNX Runtime's tool made them. */
async function quantizedByRuntime({ folder, python }: Places, float32: string): Promise<string> {
  const out = join(folder, 'onnxruntime-int8');
  const { errors } = await runJson<{ errors: Record<string, string> }>(python, [
    source('onnxruntime_quantizer.py'),
    float32,
    out,
  ]);
  const [first] = Object.entries(errors);
  if (first !== undefined) throw new Error(`${first[0]}.onnx: ${first[1]}`);
  await copyFile(join(float32, 'tokenizer.json'), join(out, 'tokenizer.json'));
  const card = JSON.parse(await readFile(join(float32, 'model.json'), 'utf8')) as {
    graphs: Record<string, { file: { path: string } }>;
  };
  // Checksums are left out: they are those of the float32 graphs.
  for (const graph of Object.values(card.graphs)) graph.file = { path: graph.file.path };
  await writeFile(join(out, 'model.json'), JSON.stringify(card));
  return out;
}
