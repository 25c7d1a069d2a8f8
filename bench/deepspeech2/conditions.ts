import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestPath, quantize, readAudio, readManifest, resolveModel } from 'quantlab';
import { requireCtc } from 'quantlab/recognise';
import { createFrontEnd } from 'quantlab/speech';
import type { Condition, Missing, Sound } from '../peers/turns.js';
import { pythonProgram, runJson } from '../quantizer/processes.js';

const MODEL = 'deepspeech2-lstm';

/** Makes the models of all conditions from the shipped weights, anew. */
export async function makeConditions(
  folder: string,
  python: string,
): Promise<{ conditions: readonly Condition[]; missing: readonly Missing[] }> {
  await mkdir(folder, { recursive: true });
  const model = await resolveModel(MODEL);
  const card = requireCtc(model.card);
  const float = model.graphs['model'] as string;
  const labels = join(folder, 'labels.json');
  await writeFile(labels, JSON.stringify({ labels: card.labels, blank: card.blank }));
  const [dynamic, hybrid] = await Promise.all(
    ['dynamic', 'hybrid'].map(async (recipe) => (await quantize(MODEL, recipe, folder)).model.path),
  );
  const program = fileURLToPath(new URL('./ours.js', import.meta.url));
  const run = (graph: string): Pick<Condition, 'program' | 'args' | 'files'> => {
    return { program: process.execPath, args: (threads) => [program, MODEL, graph, String(threads)], files: [graph] };
  };
  const peer = (kind: string, graph: string): Pick<Condition, 'isOurs' | 'program' | 'args' | 'files'> => {
    const script = fileURLToPath(new URL('../../../bench/deepspeech2/deepspeech2_peer.py', import.meta.url));
    const { bins } = card.frontEnd as { readonly bins: number };
    return {
      isOurs: false,
      program: python,
      args: (threads) => [script, kind, graph, labels, String(bins), String(threads)],
      files: [graph],
    };
  };
  const conditions: Condition[] = [
    {
      id: 'quantlab-float32',
      title: 'quantlab float32',
      description: 'the shipped model as it is',
      isOurs: true,
      ...run(float),
    },
    {
      id: 'quantlab-int8',
      title: 'quantlab int8',
      description: 'our recipe `dynamic`: products and LSTM layers in int8, convolutions in float32',
      isOurs: true,
      ...run(dynamic as string),
    },
    {
      id: 'quantlab-hybrid',
      title: 'quantlab hybrid',
      description: 'our recipe `hybrid`, which calibrates: `dynamic`, and convolutions in int8 with fixed ranges',
      isOurs: true,
      ...run(hybrid as string),
    },
    {
      id: 'pytorch-float32',
      title: 'PyTorch float32',
      description: 'the same weights in the modules of torch, loaded from the ONNX file',
      ...peer('torch-float32', float),
    },
    {
      id: 'pytorch-int8',
      title: 'PyTorch quantize_dynamic',
      description:
        'torch.ao.quantization.quantize_dynamic of its LSTM and linear layers; its size is that of the state saved',
      ...peer('torch-int8', float),
    },
  ];
  const missing: Missing[] = [];
  const tool = join(folder, 'onnxruntime.onnx');
  try {
    await runJson(python, [pythonProgram('onnxruntime_peer'), float, tool]);
    conditions.push(
      {
        id: 'onnxruntime-int8',
        title: "ONNX Runtime's tool",
        description:
          'quantize_dynamic of the Python package onnxruntime, of MatMul and LSTM in signed int8, run in Python',
        ...peer('onnxruntime', tool),
      },
      {
        id: 'onnxruntime-int8-ours',
        title: "ONNX Runtime's tool, run by quantlab",
        description: 'the same file in our process',
        isOurs: false,
        ...run(tool),
      },
    );
  } catch (error) {
    missing.push({ title: "ONNX Runtime's tool", reason: (error as Error).message });
  }
  return { conditions, missing };
}

/** The features of the hold-out's recordings, as raw float32 files. */
export async function writeFeatures(folder: string): Promise<readonly (Sound & { durationS: number; text: string })[]> {
  const sounds = join(folder, 'features');
  await mkdir(sounds, { recursive: true });
  const frontEnd = await createFrontEnd(requireCtc((await resolveModel(MODEL)).card).frontEnd);
  const written: (Sound & { durationS: number; text: string })[] = [];
  for (const { id, audioPath, text, durationS } of await readManifest(manifestPath('holdout'))) {
    const { data } = frontEnd.compute(await readAudio(audioPath));
    const path = join(sounds, `${written.length}.f32`);
    await writeFile(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    written.push({ id, path, durationS, text });
  }
  return written;
}
