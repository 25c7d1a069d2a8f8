// Expected values: NIST's SCTK (sclite, sc_stats 1.3), SciPy 1.17.1, by test/fixtures/measure/make_significance.py.
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { matchedPairsTest, segmentErrors } from '../../../src/measure/statistics/matchedPairs.js';
import { twoSidedNormalTail } from '../../../src/measure/statistics/normalDistribution.js';
import { alignWords } from '../../../src/speech/text/alignmentView.js';
import { pairsOf, significance } from './significance.js';

function align(...texts: readonly string[]): ReturnType<typeof alignWords>[] {
  return texts.map((text) => alignWords('please hold the line now and wait', text));
}

describe('matchedPairsTest', () => {
  it.each(significance.cases.map((one, index) => [index, one] as const))(
    'finds the segments and the statistic of SCTK and SciPy, set %i',
    (_, { utterances, sctk, scipy }) => {
      const test = matchedPairsTest(
        utterances.map(([, one]) => pairsOf(one)),
        utterances.map(([, , two]) => pairsOf(two)),
      );
      expect(test.segments).toBe(sctk.segments);
      expect(Math.abs(test.meanDifference - sctk.mean)).toBeLessThan(0.000_501);
      expect(Math.abs(test.standardDeviation - sctk.deviation)).toBeLessThan(0.000_501);
      expect(Math.abs((test.z ?? 0) - sctk.z)).toBeLessThan(0.000_501);
      expect(test.meanDifference).toBeCloseTo(scipy.mean, 13);
      expect(test.standardDeviation).toBeCloseTo(scipy.deviation, 13);
      expect(test.z).toBeCloseTo(scipy.z, 12);
      expect((test.p ?? 0) / scipy.p).toBeCloseTo(1, 10);
    },
  );

  it('sees no difference in the same texts', () => {
    const texts = align('please told the line now and wait', 'hold the line', '');
    expect(matchedPairsTest(texts, texts)).toMatchObject({ meanDifference: 0, z: 0, p: 1 });
    expect(matchedPairsTest([], [])).toMatchObject({ segments: 0, p: 1 });
  });

  it('gives no statistic where nothing varies', () => {
    const said = align('please hold the line now and wait');
    expect(matchedPairsTest(said, align('told'))).toMatchObject({ segments: 1, meanDifference: 7, z: null, p: null });
  });

  it('refuses alignments of other references', () => {
    const other = [alignWords('hold the line', 'hold the line')];
    expect(() => matchedPairsTest(align('please'), other)).toThrow(InputError);
    expect(() => matchedPairsTest(align('please'), [])).toThrow(/1 and 0 utterances/);
  });
});

describe('segmentErrors', () => {
  const cut = (one: string, other: string): readonly number[][] => {
    const [base = [], alternative = []] = align(one, other);
    return segmentErrors(base, alternative).map((errors) => [errors.base, errors.other]);
  };

  it('cuts where both have two words right in a row', () => {
    expect(cut('pleas hold the lion now and wait', 'please hold the line now and weight')).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
  });

  it('does not cut at one word, nor where a word was added between two', () => {
    expect(cut('pleas hold thy line now and wait', 'please hold the line now and wait')).toEqual([[2, 0]]);
    expect(cut('pleas hold the line now and wait', 'please hold um the line now and wait')).toEqual([[1, 1]]);
  });

  it('counts words that either adds at the end', () => {
    expect(cut('please hold the line now and wait um', 'please hold the line now and wait a bit')).toEqual([[1, 2]]);
  });
});

describe('twoSidedNormalTail', () => {
  it.each(significance.tails)('is that of SciPy at %d', (z, tail) => {
    expect(twoSidedNormalTail(-z) / tail).toBeCloseTo(1, 11);
  });
});
