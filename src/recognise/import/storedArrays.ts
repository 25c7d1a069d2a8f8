import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { bindSlice } from '../../onnx/file/payload.js';
import { bitsOf, type Dtype } from '../../onnx/tensor/dtype.js';
import { makeUnfilledTensor } from '../../onnx/tensor/tensor.js';

/** A file that is read piece by piece, to find where its arrays lie; what is missing or behind the end is an error. */
export class ArrayFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #file: number;
  readonly #modifiedMs: number;
  /** Where the next piece begins. */
  at = 0;

  /** @throws {InputError} when there is no such file */
  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      throw describeFileError(path, error);
    }
    const stats = fstatSync(this.#file);
    this.sizeBytes = stats.size;
    this.#modifiedMs = stats.mtimeMs;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** The next bytes. */
  read(length: number, what: string): Buffer {
    this.#require(length, what);
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#file, bytes, done, length - done, this.at + done);
      if (count === 0) throw this.damaged(`${what} was required, got the end of the file`);
      done += count;
    }
    this.at += length;
    return bytes;
  }

  /** An array whose elements are the next bytes, which stay in the file; the place moves behind them. */
  array(name: string, dtype: Dtype, shape: readonly number[], length: number): TensorProto {
    const wanted = shape.reduce((product, dim) => product * dim, 1) * (bitsOf(dtype) / 8);
    if (length !== wanted) {
      throw this.damaged(
        `${wanted} bytes were required for ${name}, ${dtype} [${shape.join(', ')}], got ${length} in its head`,
      );
    }
    this.#require(length, name);
    const tensor = makeUnfilledTensor(name, dtype, shape);
    bindSlice(tensor, {
      path: this.path,
      offset: this.at,
      length,
      fileSizeBytes: this.sizeBytes,
      modifiedMs: this.#modifiedMs,
      internal: true,
    });
    this.at += length;
    return tensor;
  }

  /** The error of a file whose content does not hold together. */
  damaged(what: string): InputError {
    return new InputError(`${this.path}: ${what}; the file is cut or damaged: get it again`);
  }

  #require(length: number, what: string): void {
    if (this.at + length <= this.sizeBytes) return;
    throw this.damaged(`${length} bytes of ${what} from ${this.at} on were required, got a file of ${this.sizeBytes}`);
  }
}
