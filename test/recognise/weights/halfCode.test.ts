import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { StreamReader } from '../../../src/onnx/file/byteStreams.js';
import { encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';
import { decodeHalves, encodeHalves } from '../../../src/recognise/weights/halfCode.js';
import { weightValues } from '../../onnx/smallModels.js';

const coded = (values: Uint16Array) => Buffer.concat(encodeHalves(values));
const decoded = (bytes: Uint8Array, count: number) => decodeHalves(new StreamReader(bytes, 'here'), count);

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

describe('the code of half-precision weights', () => {
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
