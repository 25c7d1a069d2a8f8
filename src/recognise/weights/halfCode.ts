import { type StreamReader, writeStream } from '../../onnx/file/byteStreams.js';

/** Bits of a tensor's first byte: what was done to its values. */
const ZEROS_APART = 1;
const TABLE = 2;

/** From this share of zeros on, one bit for every value costs less than the zeros do. */
const ZEROS_APART_FROM = 1 / 8;

/** A table's places are bytes. */
const LARGEST_TABLE = 256;

/**
 * Codes float16 bit patterns of trained weights without loss, in few bytes and within one per cent of the entropy of
 * the patterns, one by one (measured: `data/models/README.md`).
 *
 * - Where many are zero (pruned weights), a bit a value says which, and only the others go on.
 * - Where there are at most 256 different ones (weights on a grid of eight bits), they stand in a table, and each value is its place.
 * - Else upper bytes (sign, exponent, first bits of the fraction: few of them are frequent) and lower bytes (nearly
 *   noise) are two streams.
 *
 * Every stream is deflated where that is shorter.
 *
 * @returns chunks, to be written one after the other
 */
export function encodeHalves(values: Uint16Array): readonly Uint8Array[] {
  const zeros = values.reduce((count, value) => (value === 0 ? count + 1 : count), 0);
  const zerosApart = values.length > 0 && zeros / values.length >= ZEROS_APART_FROM;
  const rest = zerosApart ? values.filter((value) => value !== 0) : values;
  const table = [...new Set(rest)].sort((a, b) => a - b);
  const short = table.length <= LARGEST_TABLE;
  const mask = zerosApart ? writeStream(maskOf(values)) : [];
  const head = Uint8Array.of((zerosApart ? ZEROS_APART : 0) | (short ? TABLE : 0));
  return [head, ...mask, ...(short ? placesOf(rest, table) : bytePlanes(rest))];
}

function maskOf(values: Uint16Array): Uint8Array {
  const mask = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) mask[i >> 3] = (mask[i >> 3] ?? 0) | (1 << (i & 7));
  return mask;
}

function placesOf(values: Uint16Array, table: readonly number[]): readonly Uint8Array[] {
  const place = new Map(table.map((value, index) => [value, index]));
  const head = Buffer.alloc(2 + 2 * table.length);
  head.writeUInt16LE(table.length, 0);
  for (const [index, value] of table.entries()) head.writeUInt16LE(value, 2 + 2 * index);
  return [head, ...writeStream(Uint8Array.from(values, (value) => place.get(value) ?? 0))];
}

function bytePlanes(values: Uint16Array): readonly Uint8Array[] {
  return [
    ...writeStream(Uint8Array.from(values, (value) => value >> 8)),
    ...writeStream(Uint8Array.from(values, (value) => value & 0xff)),
  ];
}

/**
 * Brings back what {@link encodeHalves} coded.
 *
 * @param count - values of the tensor
 * @throws {InputError} when the file is cut or damaged
 */
export function decodeHalves(reader: StreamReader, count: number): Uint16Array {
  const form = reader.take(1).readUInt8(0);
  const mask = form & ZEROS_APART ? reader.stream(Math.ceil(count / 8)) : undefined;
  const rest = mask === undefined ? count : bitsSet(mask);
  const values = form & TABLE ? readPlaces(reader, rest) : readPlanes(reader, rest);
  if (mask === undefined) return values;
  if (rest > count) throw reader.damaged(`${count} values`, `${rest}`);
  const all = new Uint16Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) if (((mask[i >> 3] ?? 0) >> (i & 7)) & 1) all[i] = values[next++] ?? 0;
  return all;
}

function bitsSet(mask: Uint8Array): number {
  let count = 0;
  for (let byte of mask) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

function readPlaces(reader: StreamReader, count: number): Uint16Array {
  const size = reader.take(2).readUInt16LE(0);
  const bytes = reader.take(2 * size);
  const table = Uint16Array.from({ length: size }, (_, index) => bytes.readUInt16LE(2 * index));
  const values = new Uint16Array(reader.stream(count));
  for (let i = 0; i < count; i++) values[i] = table[values[i] ?? 0] ?? 0;
  return values;
}

function readPlanes(reader: StreamReader, count: number): Uint16Array {
  const [upper, lower] = [reader.stream(count), reader.stream(count)];
  const values = new Uint16Array(count);
  for (let i = 0; i < count; i++) values[i] = ((upper[i] ?? 0) << 8) | (lower[i] ?? 0);
  return values;
}
