// Expected values: NumPy 2.4.6, 40,000 resamples, by test/fixtures/measure/make_significance.py.
import { describe, expect, it } from 'vitest';
import { type Heard, summarizeAccuracy } from '../../../src/measure/accuracy/accuracy.js';
import { compareTexts } from '../../../src/measure/accuracy/textComparison.js';
import { pairsOf, significance } from '../statistics/significance.js';

/** Texts whose alignment has these steps: each word of a reference is another, and so is each wrong one. */
function heardOf(speaker: string, steps: string): Heard {
  const pairs = pairsOf(steps);
  const reference = pairs.flatMap((pair) => pair.reference ?? []).join(' ');
  const text = pairs.flatMap((pair) => pair.hypothesis ?? []).join(' ');
  return { reference, text, speaker };
}

describe('compareTexts', () => {
  it.each(significance.cases.map((one, index) => [index, one] as const))(
    'bounds the difference as NumPy does, set %i',
    (_, { utterances, numpy }) => {
      const base = utterances.map(([speaker, one]) => heardOf(speaker, one));
      const other = utterances.map(([speaker, , two]) => heardOf(speaker, two));
      const found = compareTexts(base, other, { resamples: 10_000, normaliser: 'none' });
      expect(found.werChange.value).toBeCloseTo(numpy.change, 12);
      const width = numpy.byUtterance[1] - numpy.byUtterance[0];
      const within = (value: number | undefined, expected: number): void => {
        expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThan(0.08 * width);
      };
      within(found.werChange.low, numpy.byUtterance[0]);
      within(found.werChange.high, numpy.byUtterance[1]);
      within(found.werChangeBySpeaker?.low, numpy.bySpeaker[0]);
      within(found.werChangeBySpeaker?.high, numpy.bySpeaker[1]);
      expect(Math.abs(found.probabilityOfImprovement - numpy.improvement)).toBeLessThan(0.01);
    },
  );

  it('says how far two recognisers agree', () => {
    const said = ['hold the line', 'press one', 'thank you'];
    const base = said.map((reference) => ({ reference, text: reference.replace('press', 'dress') }));
    const other = [{ text: 'hold a line' }, { text: 'dress one' }, { text: 'thank you' }].map(({ text }, index) => {
      return { reference: said[index] ?? '', text };
    });
    const found = compareTexts(base, other, { normaliser: 'none' });
    expect(found.sameText).toBeCloseTo(2 / 3, 12);
    expect(found.werAgainstBase).toBeCloseTo(1 / 7, 12);
    expect(found.werChange.value).toBeCloseTo(1 / 7, 12);
    expect(found.werChangeBySpeaker).toBeNull();
    expect(found.matchedPairs.segments).toBe(2);
  });

  it('finds nothing between a recogniser and itself', () => {
    const heard = [heardOf('a', 'CCSCCD'), heardOf('b', 'CICC')];
    expect(compareTexts(heard, heard)).toMatchObject({
      werChange: { value: 0, low: 0, high: 0 },
      probabilityOfImprovement: 0,
      matchedPairs: { z: 0, p: 1 },
      sameText: 1,
      werAgainstBase: 0,
    });
  });

  it('refuses references without a word, and other references', () => {
    expect(() => compareTexts([{ reference: '', text: 'a' }], [{ reference: '', text: 'b' }])).toThrow(/with a word/);
    expect(() => compareTexts([{ reference: 'a', text: 'a' }], [])).toThrow(/same references/);
  });
});

describe('summarizeAccuracy', () => {
  it('draws speakers, too, where it knows several', () => {
    // One speaker errs in every second word, the others never: drawing utterances hides that it is one speaker.
    const heard = ['a', 'b', 'c', 'd', 'e'].flatMap((speaker) => {
      return Array.from({ length: 20 }, () => heardOf(speaker, speaker === 'a' ? 'CSCSCS' : 'CCCCCC'));
    });
    const { wer, bySpeaker } = summarizeAccuracy(heard);
    expect(bySpeaker?.speakers).toBe(5);
    expect(bySpeaker?.wer.value).toBe(wer.value);
    // Five speakers are drawn: none of them is the first with chance 0.33, so 0 is within the interval.
    expect(bySpeaker?.wer.low).toBe(0);
    expect(wer.low).toBeGreaterThan(0.05);
  });

  it('draws none where it knows fewer than five, or not all', () => {
    expect(summarizeAccuracy([heardOf('a', 'CC'), heardOf('a', 'CS')]).bySpeaker).toBeUndefined();
    const four = ['a', 'b', 'c', 'd'].map((speaker) => heardOf(speaker, 'CS'));
    expect(summarizeAccuracy(four).bySpeaker).toBeUndefined();
    const unknown = { reference: 'a', text: 'a' };
    expect(summarizeAccuracy([heardOf('a', 'CC'), heardOf('b', 'CS'), unknown]).bySpeaker).toBeUndefined();
  });
});
