import { type StreamReader, writeStream } from './byteStreams.js';

/** Bit patterns of elements: of 8, 16 or 32 bits. */
export type Words = Uint8Array | Uint16Array | Uint32Array;

/** Bits of the first byte of a code: what was done to the values. */
const ZEROS_APART = 1;
const TABLE = 2;

/** From this share of zeros on, one bit for every value costs less than the zeros do. */
const ZEROS_APART_FROM = 1 / 8;

/** A table's places are bytes. */
const LARGEST_TABLE = 256;

/**
 * Codes bit patterns of weights without loss, in few bytes: float16 patterns of trained weights within one per cent of the
 * entropy of the patterns, one by one (measured: `data/models/README.md`).
 *
 * - Where many are zero (pruned weights), a bit a value says which, and only the others go on.
 * - Where there are at most 256 different ones (weights on a grid of eight bits), they stand in a table, and each value is its place.
 * - Else the bytes of each place, from the highest (sign, exponent: few of them are frequent) to the lowest (nearly noise), are a
 *   stream each.
 *
 * Every stream has the form that is shortest ({@link writeStream}).
 *
 * @returns chunks, to be written one after the other
 */
export function encodeWords(values: Uint16Array | Uint32Array): readonly Uint8Array[] {
  let zeros = 0;
  for (const value of values) if (value === 0) zeros += 1;
  const zerosApart = values.length > 0 && zeros / values.length >= ZEROS_APART_FROM;
  const rest = zerosApart ? values.filter((value) => value !== 0) : values;
  const table = shortTable(rest);
  const mask = zerosApart ? writeStream(maskOf(values)) : [];
  const head = Uint8Array.of((zerosApart ? ZEROS_APART : 0) | (table === undefined ? 0 : TABLE));
  return [head, ...mask, ...(table === undefined ? bytePlanes(rest) : placesOf(rest, table))];
}

/** The different values in order; `undefined` where they are too many. */
function shortTable(values: Uint16Array | Uint32Array): readonly number[] | undefined {
  const different = new Set<number>();
  for (const value of values) if (different.add(value).size > LARGEST_TABLE) return undefined;
  return [...different].sort((a, b) => a - b);
}

function maskOf(values: Words): Uint8Array {
  const mask = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) mask[i >> 3] = (mask[i >> 3] ?? 0) | (1 << (i & 7));
  return mask;
}

function placesOf(values: Uint16Array | Uint32Array, table: readonly number[]): readonly Uint8Array[] {
  const place = new Map(table.map((value, index) => [value, index]));
  const width = values.BYTES_PER_ELEMENT;
  const head = Buffer.alloc(2 + width * table.length);
  head.writeUInt16LE(table.length, 0);
  for (const [index, value] of table.entries()) head.writeUIntLE(value, 2 + width * index, width);
  return [head, ...writeStream(Uint8Array.from(values, (value) => place.get(value) ?? 0))];
}

function bytePlanes(values: Uint16Array | Uint32Array): readonly Uint8Array[] {
  return shiftsOf(values.BYTES_PER_ELEMENT).flatMap((shift) =>
    writeStream(Uint8Array.from(values, (value) => value >>> shift)),
  );
}

/** How far the bytes of a word are shifted, from the highest to the lowest. */
function shiftsOf(width: number): readonly number[] {
  return Array.from({ length: width }, (_, place) => 8 * (width - 1 - place));
}

/**
 * Brings back what {@link encodeWords} coded.
 *
 * @param words - to be filled: as many as there were, all zero
 * @throws {InputError} when the file is cut or damaged
 */
export function decodeWords<T extends Uint16Array | Uint32Array>(reader: StreamReader, words: T): T {
  const form = reader.take(1).readUInt8(0);
  const count = words.length;
  const mask = form & ZEROS_APART ? reader.stream(Math.ceil(count / 8)) : undefined;
  const rest = mask === undefined ? words : words.slice(0, bitsSet(mask, count, reader));
  if (form & TABLE) readPlaces(reader, rest);
  else readPlanes(reader, rest);
  if (mask === undefined) return words;
  let next = 0;
  for (let i = 0; i < count; i++) if (((mask[i >> 3] ?? 0) >> (i & 7)) & 1) words[i] = rest[next++] ?? 0;
  return words;
}

function bitsSet(mask: Uint8Array, most: number, reader: StreamReader): number {
  let count = 0;
  for (let byte of mask) for (; byte !== 0; byte &= byte - 1) count++;
  if (count > most) throw reader.damaged(`${most} values`, `${count}`);
  return count;
}

function readPlaces(reader: StreamReader, values: Uint16Array | Uint32Array): void {
  const width = values.BYTES_PER_ELEMENT;
  const size = reader.take(2).readUInt16LE(0);
  const bytes = reader.take(width * size);
  const table = Uint32Array.from({ length: size }, (_, index) => bytes.readUIntLE(width * index, width));
  const places = reader.stream(values.length);
  for (let i = 0; i < values.length; i++) values[i] = table[places[i] ?? 0] ?? 0;
}

function readPlanes(reader: StreamReader, values: Uint16Array | Uint32Array): void {
  for (const shift of shiftsOf(values.BYTES_PER_ELEMENT)) {
    const plane = reader.stream(values.length);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) | ((plane[i] ?? 0) << shift);
  }
}
