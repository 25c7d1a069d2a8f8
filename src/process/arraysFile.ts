import { closeSync, constants, openSync, readSync, writevSync } from 'node:fs';
import { UnavailableError } from '../errors.js';
import { describeFileError } from '../files.js';
import type { Elements, GraphArray, GraphSample } from '../recognise/session/graphArrays.js';

/** Arrays begin at multiples of this, so that any element can be read where it lies. */
const ALIGNMENT = 64;

/** Bytes before the header: its length. */
const LENGTH_BYTES = 8;

/** The array of each element type that goes from process to process, by ONNX Runtime's names. */
const ARRAYS: Readonly<Record<string, (bytes: ArrayBuffer) => Elements>> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  float16: (bytes) => new Uint16Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
};

/** Element types that go from process to process. */
export const HANDED_TYPES: readonly string[] = Object.keys(ARRAYS);

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly at: number;
  readonly bytes: number;
}

/**
 * A file by which processes hand arrays to each other: it lies in memory that they share (`/dev/shm`), so that writing and reading
 * are a copy each, and nothing is turned into text but names and shapes. It is written again and again; who may, the processes agree on
 * by messages.
 */
export class ArraysFile {
  readonly path: string;
  readonly #file: number;

  /**
   * Opens the file, and makes it where there is none.
   *
   * @throws {UnavailableError} when the place cannot be written
   */
  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT);
    } catch (error) {
      throw describeFileError(path, error);
    }
  }

  /**
   * Writes arrays over what was there.
   *
   * @returns bytes of the arrays
   * @throws {UnavailableError} when an array has elements that are not handed over, or there is no more room
   */
  write(arrays: GraphSample): number {
    const entries: Entry[] = [];
    const parts: Uint8Array[] = [];
    let at = 0;
    for (const [name, { type, shape, data }] of Object.entries(arrays)) {
      if (!Object.hasOwn(ARRAYS, type)) throw notHanded(name, type);
      entries.push({ name, type, shape: [...shape], at, bytes: data.byteLength });
      const padding = -data.byteLength & (ALIGNMENT - 1);
      parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), new Uint8Array(padding));
      at += data.byteLength + padding;
    }
    const header = Buffer.from(JSON.stringify(entries));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeDoubleLE(header.length);
    const gap = new Uint8Array(-(LENGTH_BYTES + header.length) & (ALIGNMENT - 1));
    const all = [length, header, gap, ...parts].filter(({ byteLength }) => byteLength > 0);
    try {
      writeAll(this.#file, all);
    } catch (error) {
      throw describeFileError(this.path, error);
    }
    return entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Reads arrays by their names.
   *
   * @param names - of those that are wanted. Default: all
   * @throws {UnavailableError} when one is missing
   */
  read(names?: readonly string[]): GraphSample {
    const length = this.#bytes(0, LENGTH_BYTES).readDoubleLE();
    const header = this.#bytes(LENGTH_BYTES, length);
    const begin = Math.ceil((LENGTH_BYTES + length) / ALIGNMENT) * ALIGNMENT;
    const entries = new Map((JSON.parse(header.toString('utf8')) as Entry[]).map((entry) => [entry.name, entry]));
    const found: Record<string, GraphArray> = {};
    for (const name of names ?? entries.keys()) {
      const entry = entries.get(name);
      const make = ARRAYS[entry?.type ?? ''];
      if (entry === undefined || make === undefined) {
        throw new UnavailableError(`${this.path}: an array named ${name} was required, got none; run again`);
      }
      const bytes = new ArrayBuffer(entry.bytes);
      readAll(this.#file, new Uint8Array(bytes), begin + entry.at, this.path);
      found[name] = { type: entry.type, shape: entry.shape, data: make(bytes) };
    }
    return found;
  }

  /** Lets go of the file, which stays. */
  close(): void {
    closeSync(this.#file);
  }

  #bytes(at: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    readAll(this.#file, buffer, at, this.path);
    return buffer;
  }
}

function notHanded(name: string, type: string): UnavailableError {
  const known = HANDED_TYPES.join(', ');
  return new UnavailableError(`${name}: elements of ${known} were required, got ${type}; no others are handed over`);
}

function writeAll(file: number, parts: readonly Uint8Array[]): void {
  let rest = [...parts];
  for (let at = 0; rest.length > 0; ) {
    let written = writevSync(file, rest, at);
    at += written;
    // A call may write less than it was given.
    while (rest[0] !== undefined && written >= rest[0].byteLength) written -= rest.shift()?.byteLength ?? 0;
    if (written > 0 && rest[0] !== undefined) rest = [rest[0].subarray(written), ...rest.slice(1)];
  }
}

function readAll(file: number, into: Uint8Array, at: number, path: string): void {
  for (let done = 0; done < into.byteLength; ) {
    const count = readSync(file, into, done, into.byteLength - done, at + done);
    if (count === 0)
      throw new UnavailableError(`${path}: arrays as they were written were required, got a part; run again`);
    done += count;
  }
}
