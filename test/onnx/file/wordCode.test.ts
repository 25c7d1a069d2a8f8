import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { StreamReader } from '../../../src/onnx/file/byteStreams.js';
import { decodeWords, encodeWords } from '../../../src/onnx/file/wordCode.js';
import { encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';
import { weightValues } from '../smallModels.js';

const coded = (values: Uint16Array | Uint32Array) => Buffer.concat(encodeWords(values));
const decoded = (bytes: Uint8Array, count: number) =>
  decodeWords(new StreamReader(bytes, 'here'), new Uint16Array(count));

/** Bits a value that no code of the values, one by one, goes below (Shannon). */
function entropyBits(values: Uint16Array): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce(
    (sum, count) => sum - (count / values.length) * Math.log2(count / values.length),
    0,
  );
}

const COUNT = 50_000;
/** Like trained weights: about zero, the small ones most frequent. */
const dense = weightValues(COUNT, 1).map((value, i) => value * (weightValues(1, i)[0] ?? 0));
const pruned = (share: number) => {
  const cut = [...dense].map(Math.abs).sort((a, b) => a - b)[Math.floor(share * COUNT)] ?? 0;
  return dense.map((value) => (Math.abs(value) < cut ? 0 : value));
};
const largest = dense.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const onGrid = dense.map((value) => Math.round((value / largest) * 127) * (largest / 127));

describe('the code of weights', () => {
  it.each([
    ['dense', dense],
    ['half pruned', pruned(0.5)],
    ['pruned to a quarter', pruned(0.75)],
    ['pruned to a tenth', pruned(0.9)],
    ['on an eight-bit grid', onGrid],
  ])('%s weights come back and take little more than their entropy', (_kind, weights) => {
    const values = encodeFloat16(weights);
    const bytes = coded(values);
    expect(decoded(bytes, COUNT)).toEqual(values);
    expect((8 * bytes.length) / COUNT).toBeLessThan(1.05 * entropyBits(values));
  });

  it.each([
    ['nothing', []],
    ['one value', [0x3c00]],
    ['zeros of both signs', [0, 0x8000, 0, 0, 0x8000]],
    ['zeros alone', new Array<number>(1000).fill(0)],
    ['every pattern, NaN and infinities among them', Array.from({ length: 65_536 }, (_, code) => code)],
    ['256 different values', Array.from({ length: 999 }, (_, i) => (i % 256) * 77)],
    ['257 different values', Array.from({ length: 999 }, (_, i) => (i % 257) * 77)],
  ])('%s come back', (_kind, list) => {
    const values = Uint16Array.from(list);
    expect(decoded(coded(values), values.length)).toEqual(values);
  });

  it.each([
    ['float32 of every kind', Float32Array.from(dense, (value, i) => (i % 9 === 0 ? -0 : value / 3))],
    ['float32, half pruned', Float32Array.from(pruned(0.5), (value) => value / 3)],
    ['float32 on a grid', Float32Array.from(onGrid, (value) => value / 3)],
    ['NaN and infinities', Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0, -0, 1e-45)],
  ])('%s comes back in words of 32 bits', (_kind, weights) => {
    const words = new Uint32Array(weights.buffer);
    const bytes = coded(words);
    expect(decodeWords(new StreamReader(bytes, 'here'), new Uint32Array(words.length))).toEqual(words);
    if (words.length > 99) expect(bytes.length).toBeLessThan(0.9 * weights.byteLength);
  });

  it('refuses what is cut, damaged or of another length', () => {
    const bytes = coded(encodeFloat16(pruned(0.75)));
    for (const length of [0, 1, 4, 100, bytes.length - 1]) {
      expect(() => decoded(bytes.subarray(0, length), COUNT)).toThrow(InputError);
    }
    expect(() => decoded(bytes, COUNT + 64)).toThrow(/here: a stream of .* bytes were required/);
    expect(() => decoded(bytes, COUNT - 64)).toThrow(InputError);
    bytes[40] = (bytes[40] ?? 0) ^ 0xff;
    expect(() => decoded(bytes, COUNT)).toThrow(InputError);
  });
});
