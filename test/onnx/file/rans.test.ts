import { describe, expect, it } from 'vitest';
import { ransDecode, ransEncode } from '../../../src/onnx/file/rans.js';
import { createRandom } from '../../../src/random.js';

/** Bytes that occur about as often as their weights say. */
function drawn(weights: readonly number[], count: number, seed = 1): Uint8Array {
  const random = createRandom(seed);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return Uint8Array.from({ length: count }, () => {
    let left = random.next() * sum;
    return Math.max(
      0,
      weights.findIndex((weight) => {
        left -= weight;
        return left < 0;
      }),
    );
  });
}

/** Bytes that no code of single bytes goes below (Shannon 1948). */
function entropyBytes(bytes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  return counts.reduce((sum, count) => (count === 0 ? sum : sum - count * Math.log2(count / bytes.length)), 0) / 8;
}

const COUNT = 100_000;
const bell = Array.from({ length: 256 }, (_, value) => Math.exp(-(((value - 128) / 20) ** 2)));

describe('range asymmetric numeral systems', () => {
  it.each([
    ['a bell of weights', bell],
    ['nine tenths zeros', [0.9, ...bell.slice(1).map((weight) => weight / 350)]],
    ['99 of 100 zeros', [0.99, ...bell.slice(1).map((weight) => weight / 3500)]],
    ['all alike', new Array<number>(256).fill(1)],
    ['two values', [1, 3]],
  ])('%s come back, within two per cent of the entropy', (_kind, weights) => {
    const bytes = drawn(weights, COUNT);
    const code = ransEncode(bytes);
    expect(ransDecode(code, COUNT).equals(bytes)).toBe(true);
    // What stands before the code: which bytes occur, how often, and the state.
    const head = 32 + 2 * new Set(bytes).size + 4;
    expect(code.length - head).toBeLessThan(1.02 * entropyBytes(bytes));
  });

  it.each([
    ['nothing', []],
    ['one byte', [7]],
    ['one value', new Array<number>(999).fill(200)],
    ['every value once', Array.from({ length: 256 }, (_, value) => value)],
    ['one rare value among many', [255, ...new Array<number>(70_000).fill(0)]],
    ['rare values that do not shrink', Array.from({ length: 300 }, (_, i) => (i * 181) % 256)],
  ])('%s comes back', (_kind, list) => {
    const bytes = Uint8Array.from(list);
    expect(ransDecode(ransEncode(bytes), bytes.length).equals(bytes)).toBe(true);
  });

  it('refuses what is cut, damaged or of another length', () => {
    const code = ransEncode(drawn(bell, COUNT));
    for (const length of [0, 31, 40, 600, code.length - 1]) {
      expect(() => ransDecode(code.subarray(0, length), COUNT)).toThrow(RangeError);
    }
    expect(() => ransDecode(code, COUNT - 1)).toThrow(RangeError);
    expect(() => ransDecode(code, COUNT + 1)).toThrow(RangeError);
    for (const at of [2, 33, 700, code.length - 9]) {
      const bad = code.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x55;
      expect(() => ransDecode(bad, COUNT)).toThrow(RangeError);
    }
  });
});
