import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteCounts,
  codedSizeBytes,
  entropyBits,
  huffmanDecode,
  huffmanEncode,
  huffmanLengths,
} from '../../../src/compress/coding/huffman.js';
import { InputError } from '../../../src/errors.js';

const counted = (pairs: Readonly<Record<number, number>>): number[] =>
  Array.from({ length: 256 }, (_, byte) => pairs[byte] ?? 0);

describe('a code of Huffman’s', () => {
  it('is that of the example in Cormen et al., Introduction to Algorithms, figure 16.3', () => {
    const counts = counted({ 97: 45, 98: 13, 99: 12, 100: 16, 101: 9, 102: 5 });
    const lengths = huffmanLengths(counts);
    expect([97, 98, 99, 100, 101, 102].map((byte) => lengths[byte])).toEqual([1, 3, 3, 3, 4, 4]);
    // 224 thousand bits for a file of 100,000 characters.
    expect(counts.reduce((sum, count, byte) => sum + count * (lengths[byte] ?? 0), 0)).toBe(224);
    expect(codedSizeBytes(counts, lengths)).toBe(28);
  });

  it('has codes of whole bits where the probabilities are powers of two: the entropy', () => {
    const counts = counted({ 0: 8, 1: 4, 2: 2, 3: 1, 4: 1 });
    expect(entropyBits(counts)).toBeCloseTo(1.875, 12);
    expect(codedSizeBytes(counts, huffmanLengths(counts))).toBe(Math.ceil((1.875 * 16) / 8));
  });

  it('brings any bytes back, in less than a bit a byte above the entropy', () => {
    const skewed = fc.array(fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 126, max: 130 }) }, fc.nat(255)), {
      maxLength: 600,
    });
    fc.assert(
      fc.property(fc.oneof(skewed, fc.array(fc.constant(7), { maxLength: 40 })), (values) => {
        const bytes = Uint8Array.from(values);
        const coded = huffmanEncode(bytes);
        expect(Buffer.compare(huffmanDecode(coded), bytes)).toBe(0);
        const counts = byteCounts(bytes);
        expect(coded.bits.length * 8).toBeLessThan((entropyBits(counts) + 1) * bytes.length + 8);
        expect(coded.bits.length * 8).toBeGreaterThanOrEqual(entropyBits(counts) * bytes.length - 1e-6);
        // Kraft: a code that wastes nothing.
        const sum = coded.lengths.reduce((total, length) => total + (length === 0 ? 0 : 2 ** -length), 0);
        if (new Set(values).size > 1) expect(sum).toBe(1);
      }),
      { numRuns: 300, seed: 20_261_121 },
    );
  });

  it('never has codes beyond 24 bits, however unequal the counts', () => {
    // Fibonacci numbers make the deepest tree.
    const counts = counted({});
    let [a, b] = [1, 1];
    for (let byte = 0; byte < 60; byte++) {
      counts[byte] = a;
      [a, b] = [b, a + b];
    }
    const lengths = huffmanLengths(counts);
    expect(Math.max(...lengths)).toBe(24);
    expect(lengths.reduce((total, length) => total + (length === 0 ? 0 : 2 ** -length), 0)).toBe(1);
  });

  it('of nothing is nothing', () => {
    const coded = huffmanEncode(new Uint8Array());
    expect(coded.bits.length).toBe(0);
    expect(huffmanDecode(coded)).toEqual(new Uint8Array());
  });

  it('is refused when damaged', () => {
    const coded = huffmanEncode(Uint8Array.from({ length: 100 }, (_, i) => (i * i) % 17));
    expect(() => huffmanDecode({ ...coded, bits: coded.bits.subarray(0, 9) })).toThrow(InputError);
    expect(() => huffmanDecode({ ...coded, lengths: new Uint8Array(256) })).toThrow(/table with codes/);
    expect(() => huffmanDecode({ ...coded, lengths: new Uint8Array(256).fill(1) })).toThrow(/damaged/);
    expect(() => huffmanDecode({ ...coded, lengths: new Uint8Array(256).fill(30) })).toThrow(/damaged/);
  });
});
