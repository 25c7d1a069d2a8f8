import { readFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import type { GraphArray } from '../../recognise/session/graphArrays.js';

/** ONNX's element types, NumPy's code for each, and what holds them. */
const TYPES = {
  float32: ['<f4', Float32Array],
  float64: ['<f8', Float64Array],
  float16: ['<f2', Uint16Array],
  int64: ['<i8', BigInt64Array],
  int32: ['<i4', Int32Array],
  int16: ['<i2', Int16Array],
  int8: ['|i1', Int8Array],
  uint8: ['|u1', Uint8Array],
  bool: ['|b1', Uint8Array],
} as const;

/** Most bytes that an entry of an archive may unpack to. */
const MOST_BYTES = 2 ** 31;

/**
 * Reads the arrays of a NumPy file (numpy.lib.format): of an `.npz` each by its name, of an `.npy` its one by the name `''`.
 *
 * @throws {InputError} when it is no such file, or holds a type or an order that is not read
 */
export async function readNumpy(path: string): Promise<ReadonlyMap<string, GraphArray>> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw describeFileError(path, error);
  }
  if (bytes.subarray(0, 4).toString('latin1') !== 'PK\u0003\u0004') return new Map([['', parseArray(bytes, path)]]);
  const arrays = new Map<string, GraphArray>();
  try {
    for (const [file, content] of unzip(bytes)) {
      const name = file.replace(/\.npy$/, '');
      arrays.set(name, parseArray(content, `${path}: ${name}`));
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: a whole .npz file was required, got a damaged one; save it again`, { cause: error });
  }
  return arrays;
}

function parseArray(bytes: Buffer, where: string): GraphArray {
  if (bytes.length < 12 || bytes.subarray(0, 6).toString('latin1') !== '\u0093NUMPY') {
    throw new InputError(`${where}: an array of numpy.save or numpy.savez was required, got other bytes; save it so`);
  }
  const wide = (bytes[6] ?? 1) > 1;
  const start = wide ? 12 : 10;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.subarray(start, start + length).toString('latin1');
  const code = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const known = Object.entries(TYPES).find(([, [numpy]]) => numpy === code);
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (known === undefined || dims === undefined || !/'fortran_order':\s*False/.test(header)) {
    const types = Object.keys(TYPES).join(', ');
    throw new InputError(
      `${where}: little-endian ${types} in C's order were required, got ${header.trim()}; save numpy.ascontiguousarray of such a type`,
    );
  }
  const shape = dims
    .split(',')
    .map((dim) => dim.trim())
    .filter((dim) => dim !== '')
    .map(Number);
  const [type, [, Elements]] = known;
  const size = shape.reduce((product, dim) => product * dim, Elements.BYTES_PER_ELEMENT as number);
  const content = bytes.subarray(start + length);
  if (content.length !== size) {
    throw new InputError(`${where}: ${size} bytes were required, got ${content.length}; the file is damaged`);
  }
  return { type, shape, data: new Elements(Uint8Array.from(content).buffer) };
}

/** The files of an archive as NumPy writes it: stored or deflated, up to 4 GB (PKWARE's APPNOTE, 4.3). */
function* unzip(bytes: Buffer): Generator<[name: string, content: Buffer]> {
  const end = bytes.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const [method, packed] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [nameLength, extra, comment] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ];
    const local = bytes.readUInt32LE(at + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(from, from + packed);
    const name = bytes.subarray(at + 46, at + 46 + nameLength).toString('utf8');
    yield [name, method === 0 ? content : inflateRawSync(content, { maxOutputLength: MOST_BYTES })];
    at += 46 + nameLength + extra + comment;
  }
}
