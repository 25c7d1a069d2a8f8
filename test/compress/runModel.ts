import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { SampleRunner } from '../../src/compress/pass.js';
import { sha256OfBytes } from '../../src/files.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import type { OnnxModel } from '../../src/onnx/model.js';

/** A value fed to a model or answered by it. */
export interface Fed {
  readonly type: 'float32' | 'int64' | 'int32' | 'uint8' | 'bool';
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array;
}

/** Runs a model on one thread and returns its float outputs by name. */
export async function runModel(
  model: OnnxModel | string,
  feeds: Readonly<Record<string, Fed>>,
  chosen: InferenceSession.SessionOptions = {},
): Promise<Record<string, { shape: readonly number[]; data: Float32Array }>> {
  if (typeof model !== 'string') keep(modelToBytes(model));
  const options: InferenceSession.SessionOptions = { intraOpNumThreads: 1, logSeverityLevel: 3, ...chosen };
  const session =
    typeof model === 'string'
      ? await InferenceSession.create(model, options)
      : await InferenceSession.create(modelToBytes(model), options);
  try {
    const tensors: Record<string, Tensor> = {};
    for (const [name, { type, data, shape }] of Object.entries(feeds)) {
      tensors[name] = new Tensor(type as 'float32', data as Float32Array, shape);
    }
    const outputs = await session.run(tensors);
    const result: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      if (tensor.type === 'float32') result[name] = { shape: tensor.dims, data: tensor.data as Float32Array };
    }
    return result;
  } finally {
    await session.release();
  }
}

/**
 * Keeps what the tests run, for ONNX's own checker: `QUANTLAB_KEEP_MODELS=DIR npx vitest run test/compress`, then
 * `python test/compress/checkModels.py DIR`.
 */
function keep(bytes: Uint8Array): void {
  const folder = process.env['QUANTLAB_KEEP_MODELS'];
  if (folder !== undefined) writeFileSync(join(folder, `${sha256OfBytes(bytes).slice(0, 16)}.onnx`), bytes);
}

/** Numbers in −1…1, the same as `pattern` in make_dynamic.py makes. */
export function pattern(shape: readonly number[], seed: number): Fed {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: count }, (_, index) =>
    Math.fround(Math.fround(((index * 7919 + 104_729 * seed) % 1009) / 504.5) - 1),
  );
  return { type: 'float32', shape, data };
}

/** Largest difference between two arrays. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

/** Power of an array over the power of its difference from another, in decibels. */
export function signalToErrorDb(reference: Float32Array, other: Float32Array): number {
  let signal = 0;
  let error = 0;
  for (const [index, value] of reference.entries()) {
    signal += value ** 2;
    error += (value - (other[index] ?? Number.NaN)) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

/** Runs models on samples: what `applyRecipe` takes as its calibration set. */
export function samplesOf(all: readonly Readonly<Record<string, Fed>>[]): SampleRunner {
  return async function* (model, tensors) {
    for (const feeds of all) {
      const outputs = await runModel(model, feeds);
      yield Object.fromEntries(tensors.map((name) => [name, outputs[name]?.data ?? new Float32Array()]));
    }
  };
}
