import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { countEdits } from '../../../src/speech/text/alignment.js';
import { editDistance } from '../../../src/speech/text/editTable.js';
import {
  characterErrorRate,
  countCharacterEdits,
  countWordEdits,
  errorRate,
  ratesOf,
  wordErrorRate,
} from '../../../src/speech/text/wer.js';
import type { EditCounts } from '../../../src/speech/types.js';
import { fixture } from '../npy.js';

interface Case {
  readonly reference: string;
  readonly hypothesis: string;
  readonly words: readonly number[];
  readonly characters: readonly number[];
}

const cases = JSON.parse(readFileSync(fixture('edits.json'), 'utf8')) as readonly Case[];

function listed({ substitutions, deletions, insertions, hits }: EditCounts): number[] {
  return [substitutions, deletions, insertions, hits];
}

/** The textbook's table (Wagner and Fischer 1974). */
function leastEdits(a: readonly number[], b: readonly number[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, unit] of a.entries()) {
    const next = [i + 1];
    for (const [j, other] of b.entries()) {
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (unit === other ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

describe('edits', () => {
  it(`are those of jiwer 4.0.0 with RapidFuzz 3.14.6 on ${cases.length} pairs, words and characters`, () => {
    for (const { reference, hypothesis, words, characters } of cases) {
      expect(listed(countWordEdits(reference, hypothesis))).toEqual(words);
      expect(listed(countCharacterEdits(reference, hypothesis))).toEqual(characters);
    }
  });

  it('are as few as the textbook finds, with the distance known or not', () => {
    const sequence = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 100 });
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        const least = leastEdits(a, b);
        const [x, y] = [Int32Array.from(a), Int32Array.from(b)];
        const counts = countEdits(x, y);
        expect(counts.substitutions + counts.deletions + counts.insertions).toBe(least);
        expect(counts.substitutions + counts.deletions + counts.hits).toBe(a.length);
        expect(counts.substitutions + counts.insertions + counts.hits).toBe(b.length);
        expect(editDistance(x, y)).toBe(least);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('of an empty reference are insertions, of an empty hypothesis deletions', () => {
    expect(listed(countWordEdits('', 'a b'))).toEqual([0, 0, 2, 0]);
    expect(listed(countWordEdits(' a  b ', ''))).toEqual([0, 2, 0, 0]);
    expect(listed(countWordEdits('', ''))).toEqual([0, 0, 0, 0]);
  });

  it('stay right with more than 65,536 different words', () => {
    const words = Array.from({ length: 70_000 }, (_, i) => `w${i}`);
    const changed = ['new', ...words.slice(0, 30_000), 'other', ...words.slice(30_001, 69_999), 'w0', 'w65536'];
    // One in front, one other, and the last one replaced by two.
    expect(listed(countWordEdits(words.join(' '), changed.join(' ')))).toEqual([2, 0, 2, 69_998]);
  });

  it('are refused of texts that would take minutes, and counted of a long run of spaces', () => {
    const [reference, hypothesis] = [new Int32Array(400_000), new Int32Array(800_000).fill(1)];
    expect(() => editDistance(reference, hypothesis)).toThrow(/score them utterance by utterance/);
    expect(countCharacterEdits(`a${' '.repeat(1e6)}b`, `a${' '.repeat(1e6)}b `).hits).toBe(1e6 + 2);
  });

  it('count characters outside the basic plane once', () => {
    expect(listed(countCharacterEdits('a𝄞b', 'ab'))).toEqual([0, 1, 0, 2]);
  });
});

describe('errorRate', () => {
  it('sums over the corpus', () => {
    // Two edits in five words; the mean of the rates would be (1 + 0.25) / 2.
    expect(errorRate([countWordEdits('a', 'b'), countWordEdits('a b c d', 'a b c')])).toBe(2 / 5);
  });

  it('may exceed 1', () => {
    expect(errorRate([countWordEdits('a', 'b c d')])).toBe(3);
  });

  it('is the number of insertions without a reference, as in jiwer 4', () => {
    expect(errorRate([])).toBe(0);
    expect(errorRate([countWordEdits('', '')])).toBe(0);
    expect(errorRate([countWordEdits('', 'a b')])).toBe(2);
  });

  it('of texts compares them in one form', () => {
    expect(ratesOf([{ reference: 'Für!', text: 'für' }])).toEqual({ wer: 0, cer: 0 });
    expect(ratesOf([{ reference: 'Für!', text: 'für' }], 'none')).toEqual({ wer: 1, cer: 0.5 });
    expect(ratesOf([{ reference: '$5', text: 'five dollars' }], 'whisper')).toEqual({ wer: 0, cer: 0 });
    expect(ratesOf([{ reference: '', text: '' }])).toEqual({ wer: 0, cer: 0 });
  });
});

describe('the error rates of texts', () => {
  const said = ['please hold the line', 'you have', ''];
  const heard = ['please told a line', 'you have mail', 'no'];

  it('are those of jiwer 4.0.0 for one text and for a corpus, an empty reference among it', () => {
    expect(wordErrorRate('please hold the line', 'please told a line')).toBe(0.5);
    expect(characterErrorRate('please hold the line', 'please told a line')).toBeCloseTo(0.2, 12);
    expect(wordErrorRate(said, heard)).toBeCloseTo(4 / 6, 12);
    expect(characterErrorRate(said, heard)).toBeCloseTo(11 / 28, 12);
  });

  it('need a hypothesis for each reference', () => {
    expect(() => wordErrorRate(said, ['one'])).toThrow(/as many as references \(3\) were required, got 1/);
    expect(() => characterErrorRate('one', [])).toThrow(InputError);
  });
});
