import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { TensorProto } from 'onnx-buf';
import { describeFileError } from '../../files.js';
import { sliceOf } from '../../onnx/file/payload.js';
import { readModel } from '../../onnx/file/read.js';
import { modelTensors } from '../../onnx/graph/subgraphs.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { elementCount, storedSizeBytes, tensorDtype } from '../../onnx/tensor/tensor.js';

/** Stored values of one element type. */
export interface TypeSize {
  readonly dtype: Dtype;
  /** How many values. */
  readonly values: number;
  readonly sizeBytes: number;
}

/** How large a model is. */
export interface ModelSize {
  /** The `.onnx` files, and the external files they name. */
  readonly sizeBytes: number;
  /** The same files by gzip at level 9, as package registries and web servers send them. */
  readonly gzipBytes: number;
  /** Values in weights and constants, those of nested graphs too; small integers that say shapes are among them. */
  readonly values: number;
  /** The same by element type, the most bytes first. */
  readonly types: readonly TypeSize[];
}

/** Level of gzip: the smallest result; it takes longer than the usual 6, not more memory. */
const GZIP_LEVEL = 9;

/**
 * Measures how large a model is on the disk, compressed, and by element type.
 *
 * @param paths - the `.onnx` file of each of its graphs
 * @throws {InputError} when a file is missing, damaged or no ONNX model
 */
export async function measureModelSize(paths: readonly string[]): Promise<ModelSize> {
  const files = new Set(paths);
  const types = new Map<Dtype, { values: number; sizeBytes: number }>();
  for (const tensor of await tensorsOf(paths)) {
    const slice = sliceOf(tensor);
    if (slice !== undefined && !slice.internal) files.add(slice.path);
    const dtype = tensorDtype(tensor);
    const before = types.get(dtype) ?? { values: 0, sizeBytes: 0 };
    types.set(dtype, {
      values: before.values + elementCount(tensor),
      sizeBytes: before.sizeBytes + storedSizeBytes(tensor),
    });
  }
  let sizeBytes = 0;
  let gzipBytes = 0;
  for (const file of files) {
    sizeBytes += await fileSize(file);
    gzipBytes += await gzipSize(file);
  }
  const sizes = [...types].map(([dtype, size]) => ({ dtype, ...size }));
  return {
    sizeBytes,
    gzipBytes,
    values: sizes.reduce((total, { values }) => total + values, 0),
    types: sizes.sort((a, b) => b.sizeBytes - a.sizeBytes),
  };
}

async function tensorsOf(paths: readonly string[]): Promise<readonly TensorProto[]> {
  const models = await Promise.all(paths.map(readModel));
  return models.flatMap(({ proto }) => [...modelTensors(proto)]);
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw describeFileError(path, error);
  }
}

async function gzipSize(path: string): Promise<number> {
  let total = 0;
  const count = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      total += chunk.length;
      done();
    },
  });
  await pipeline(createReadStream(path), createGzip({ level: GZIP_LEVEL }), count);
  return total;
}
