import { describe, expect, it } from 'vitest';
import { decodeGreedy } from '../../../src/speech/decode/ctc.js';

const labels = ['', ' ', 'a', 'b'];

/** One row a class: nearly certain of it. */
function steps(...classes: readonly number[]): Float32Array {
  return Float32Array.from(classes.flatMap((best) => labels.map((_, i) => (i === best ? -0.25 : -4))));
}

describe('decodeGreedy', () => {
  it('joins repeats and drops blanks, so that a blank between repeats keeps both', () => {
    expect(decodeGreedy(steps(0, 2, 2, 0, 2, 1, 3, 3, 0), 9, labels, 0)).toEqual({
      text: 'aa b',
      logProbability: 9 * -0.25,
      sequence: [2, 2, 1, 3],
    });
  });

  it('reads as many steps as it is told', () => {
    expect(decodeGreedy(steps(2, 3, 3), 1, labels, 0).text).toBe('a');
  });

  it('takes the blank from the card', () => {
    expect(decodeGreedy(steps(0, 3, 2), 3, ['x', ' ', 'a', ''], 3).text).toBe('xa');
  });

  it('leaves single spaces between words only', () => {
    expect(decodeGreedy(steps(1, 2, 1, 0, 1, 3, 1), 7, labels, 0).text).toBe('a b');
  });

  it('reads the word marks of wav2vec 2.0 and of SentencePiece', () => {
    expect(decodeGreedy(steps(2, 1, 3, 0, 1), 5, ['', '|', 'a', 'b'], 0).text).toBe('a b');
    expect(decodeGreedy(steps(1, 2, 0, 1, 3, 0, 3), 7, ['', '▁a', 'b', '▁'], 0).text).toBe('ab a');
  });

  it('takes the first of equal classes', () => {
    expect(decodeGreedy(new Float32Array(4).fill(-1), 1, labels, 0).text).toBe('');
  });

  it('refuses too few values, and steps without a number', () => {
    expect(() => decodeGreedy(steps(2), 2, labels, 0)).toThrow(/2 × 4 values were required, got 4/);
    expect(() => decodeGreedy(new Float32Array(4).fill(Number.NaN), 1, labels, 0)).toThrow(
      /required in step 0, got NaN/,
    );
  });
});
