import { constants } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { TensorProto } from 'onnx-buf';
import { InputError, UnavailableError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { copyMessage } from '../graph/copy.js';

/** Bytes of a weight that are still in a file. */
export interface FileSlice {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** Size and time of the file when it was read, to notice that it changed since. */
  readonly fileSizeBytes: number;
  readonly modifiedMs: number;
  /** Whether the slice lies in the model's own file (`raw_data`), not in an external one. */
  readonly internal: boolean;
}

const slices = new WeakMap<TensorProto, FileSlice>();

/** Says where a tensor's bytes lie, instead of loading them. */
export function bindSlice(tensor: TensorProto, slice: FileSlice): void {
  slices.set(tensor, slice);
}

/** Forgets where a tensor's bytes lie. */
export function unbindSlice(tensor: TensorProto): void {
  slices.delete(tensor);
}

const makers = new WeakMap<TensorProto, () => Uint8Array>();

/** Says how a tensor's bytes are made when they are asked for, each time anew. */
export function bindLazy(tensor: TensorProto, make: () => Uint8Array): void {
  makers.set(tensor, make);
}

/** How a tensor's bytes are made, if they are not stored. */
export function makerOf(tensor: TensorProto): (() => Uint8Array) | undefined {
  return makers.get(tensor);
}

/** A tensor under another name, its bytes where they were. */
export function renamedTensor(tensor: TensorProto, name: string): TensorProto {
  const copy = copyMessage(tensor, { name });
  const slice = slices.get(tensor);
  const make = makers.get(tensor);
  if (slice !== undefined) slices.set(copy, slice);
  if (make !== undefined) makers.set(copy, make);
  return copy;
}

/** Where a tensor's bytes lie, if they are in a file still. */
export function sliceOf(tensor: TensorProto): FileSlice | undefined {
  return slices.get(tensor);
}

/**
 * Reads part of a slice.
 *
 * @param start - first byte, relative to the slice
 * @param length - number of bytes
 * @param into - array to fill, of that length; a new one by default
 * @throws {InputError} when the file is gone, shorter than it was, or changed since the model was read
 */
export function readSlice(
  slice: FileSlice,
  start = 0,
  length: number = slice.length - start,
  into?: Uint8Array,
): Uint8Array {
  if (length > constants.MAX_LENGTH) {
    throw new UnavailableError(
      `${slice.path}: a weight of at most ${constants.MAX_LENGTH} bytes was required, got ${length}; use a newer Node`,
    );
  }
  let file: number;
  try {
    file = openSync(slice.path, 'r');
  } catch (error) {
    throw describeFileError(slice.path, error);
  }
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (size !== slice.fileSizeBytes || mtimeMs !== slice.modifiedMs) {
      throw new InputError(
        `${slice.path}: the file as it was when the model was opened was required, got a changed one; open the model again`,
      );
    }
    const bytes = into ?? new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, Math.min(length - done, 0x4000_0000), slice.offset + start + done);
      if (count === 0) {
        throw new InputError(`${slice.path}: ${length} bytes were required, got ${done}; restore the file`);
      }
      done += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
