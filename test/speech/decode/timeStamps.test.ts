import { describe, expect, it } from 'vitest';
import { decodeGreedy } from '../../../src/speech/decode/ctc.js';
import { timeWords } from '../../../src/speech/decode/timeStamps.js';
import { LABELS, readMatrices, readReferenceBeams } from '../decoderFixtures.js';

const labels = ['', ' ', 'a', 'b'];

/** One row a class: nearly certain of it. */
function steps(...classes: readonly number[]): Float32Array {
  return Float32Array.from(classes.flatMap((best) => labels.map((_, i) => (i === best ? -0.25 : -4))));
}

describe('timeWords', () => {
  it('says from which step to which each word reaches, in seconds', () => {
    //                      0  1  2  3  4  5  6  7  8
    const values = steps(/**/ 0, 2, 2, 0, 3, 1, 0, 3, 0);
    const { sequence } = decodeGreedy(values, 9, labels, 0);
    const words = timeWords(values, 9, sequence, labels, 0, 0.04);
    expect(words.map(({ word }) => word)).toEqual(['ab', 'b']);
    expect(words[0]?.startS).toBeCloseTo(0.04, 9);
    expect(words[0]?.endS).toBeCloseTo(0.2, 9);
    expect(words[1]?.startS).toBeCloseTo(0.28, 9);
    expect(words[1]?.endS).toBeCloseTo(0.32, 9);
    for (const { confidence } of words) expect(confidence).toBeCloseTo(Math.exp(-0.25), 6);
  });

  it('places a text that is not the best path where it fits best', () => {
    // The network says "a", and "b" is almost as likely in steps 2 and 3.
    const values = steps(0, 2, 2, 2, 0);
    values[1 * 4] = -1;
    values[2 * 4 + 3] = -0.5;
    values[3 * 4 + 3] = -0.5;
    const [word] = timeWords(values, 5, [3], labels, 0, 1);
    expect(word).toMatchObject({ word: 'b', startS: 2, endS: 4 });
    expect(word?.confidence).toBeCloseTo(Math.exp(-0.5), 6);
  });

  it('keeps repeated letters apart, and words that begin with a low line', () => {
    const values = steps(2, 0, 2, 2, 3);
    const [word] = timeWords(values, 5, [2, 2, 3], labels, 0, 1);
    expect(word).toMatchObject({ word: 'aab', startS: 0, endS: 5 });
    const low = timeWords(values, 5, [2, 2, 3], ['', ' ', '▁a', 'b'], 0, 1);
    expect(low.map(({ word, startS, endS }) => [word, startS, endS])).toEqual([
      ['a', 0, 1],
      ['ab', 2, 5],
    ]);
  });

  it('gives the best path’s own steps for what best path decoding heard', () => {
    const matrices = readMatrices();
    for (const { id, steps: count } of readReferenceBeams()[0]?.utterances.slice(0, 8) ?? []) {
      const values = matrices.get(id) as Float32Array;
      const { text, sequence } = decodeGreedy(values, count, LABELS, 0);
      const words = timeWords(values, count, sequence, LABELS, 0, 1);
      expect(words.map(({ word }) => word).join(' ')).toBe(text);
      const best = Array.from({ length: count }, (_, step) => {
        const row = values.subarray(step * 29, (step + 1) * 29);
        return row.indexOf(Math.max(...row));
      });
      for (const { word, startS, endS } of words) {
        expect(LABELS[best[startS] ?? 0], `${id}: ${word}`).toBe(word[0]);
        expect(LABELS[best[endS - 1] ?? 0], `${id}: ${word}`).toBe(word.at(-1));
      }
    }
  });

  it('has no words for no text, and refuses a text that does not fit', () => {
    expect(timeWords(steps(0, 0), 2, [], labels, 0, 1)).toEqual([]);
    expect(() => timeWords(steps(2, 2), 2, [2, 2], labels, 0, 1)).toThrow(/2 classes in 2 steps were required/);
    const many = new Array<number>(20_000).fill(2);
    expect(() => timeWords(steps(2), 10_000, many, labels, 0, 1)).toThrow(
      /at most 268435456 pairs .* got 400010000; cut/,
    );
  });

  it('is never surer than sure, whatever the last digits of the logarithms are', () => {
    const rounded = steps(2, 2).map((value) => value + 1e-6);
    expect(timeWords(rounded, 2, [2], labels, 0, 1)[0]?.confidence).toBeLessThanOrEqual(1);
  });
});
