import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJson } from '../quantizer/processes.js';

/** What is measured: a program that hears recordings, with the files that it loads. */
export interface Condition {
  readonly name: string;
  readonly program: string;
  /** Arguments, by the number of threads. */
  readonly args: (threads: number) => readonly string[];
  /** Files or folders that it loads. */
  readonly files: readonly string[];
}

/** A condition that cannot be had, and why. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

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
  const ours = (name: string, model: string, ...rest: string[]): Condition => {
    return {
      name,
      program: process.execPath,
      args: (threads) => [here('ours.js'), model, String(threads), ...rest],
      files: [model],
    };
  };
  const peer = (name: string, script: string, files: readonly string[], ...args: string[]): Condition => {
    return { name, program: python, args: (threads) => [source(script), ...args, String(threads)], files };
  };
  const conditions = [
    ours('quantlab float32', float32),
    ours('quantlab int8', int8),
    ours('quantlab int8, table 4 bits', table4),
    ours(`quantlab int8, table 4 bits, ${marginS} s margin`, table4, marginS),
    peer('faster-whisper float32', 'faster_whisper_peer.py', [weights], weights, 'float32'),
    peer('faster-whisper int8', 'faster_whisper_peer.py', [weights], weights, 'int8'),
    peer('openai-whisper float32', 'openai_whisper_peer.py', [weights], weights, 'float32'),
    peer('openai-whisper quantize_dynamic', 'openai_whisper_peer.py', [weights], weights, 'int8'),
  ];
  const missing: Missing[] = [];
  const attempt = async (name: string, make: () => Promise<Condition>): Promise<void> => {
    try {
      conditions.push(await make());
    } catch (error) {
      missing.push({ name, reason: (error as Error).message });
    }
  };
  await attempt("ONNX Runtime's quantizer", async () =>
    ours("ONNX Runtime's quantizer", await quantizedByRuntime(places, float32)),
  );
  for (const [name, kind] of [
    ['whisper.cpp 8 bits', 'q8_0'],
    ['whisper.cpp 5 bits', 'q5_0'],
  ] as const) {
    await attempt(name, async () => {
      const path = join(folder, `${kind}.bin`);
      await runQuietly(python, [source('ggml_file.py'), weights, path, kind]);
      return peer(name, 'whisper_cpp_peer.py', [path], path);
    });
  }
  missing.push({ name: 'sherpa-onnx int8', reason: SHERPA });
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

async function runQuietly(program: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { maxBuffer: 2 ** 26 }, (error, _, messages) => {
      if (error === null) resolve();
      else reject(new Error(messages.trim().split('\n').at(-1) ?? error.message));
    });
  });
}

/** Bytes of the network: what a program loads besides words and settings. */
export async function modelBytes(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const found = await stat(file);
    if (!found.isDirectory()) bytes += found.size;
    else
      for (const name of await readdir(file))
        if (/\.(onnx|bin)$/.test(name)) bytes += (await stat(join(file, name))).size;
  }
  return bytes;
}
