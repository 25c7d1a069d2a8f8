// Fewest trials for each percentile, and its rank in 300 trials: MLPerf's published tables; the larger ranks were
// computed with scipy.stats.binom.cdf (SciPy 1.17.1): the largest t with cdf(t, n, 1 - p) <= 0.01. The long table:
// test/fixtures/measure/make_statistics.py, the formula of the MLPerf Inference Rules with SciPy's incomplete beta function.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  boundPercentile,
  earlyStoppingPercentile,
  earlyStoppingRank,
  fewestTrials,
} from '../../../src/measure/statistics/earlyStopping.js';

const GOLDEN = JSON.parse(readFileSync(new URL('../../fixtures/measure/statistics.json', import.meta.url), 'utf8'));

/** 1, 2, … n in no order: the value tells its rank. */
function ranks(count: number): number[] {
  return Array.from({ length: count }, (_, index) => ((index * 7919) % count) + 1);
}

describe('earlyStoppingPercentile', () => {
  it.each([
    [0.9, 64],
    [0.95, 130],
    [0.99, 662],
  ])('of %d needs %i trials', (percentile, fewest) => {
    expect(earlyStoppingPercentile(ranks(fewest - 1), percentile)).toBeNull();
    expect(earlyStoppingPercentile(ranks(fewest), percentile)).toBe(fewest);
  });

  it.each([
    [0.9, 300, 18],
    [0.95, 300, 6],
    [0.99, 2000, 9],
    [0.99, 24_576, 209],
  ])('of %d in %i trials is the %i-th highest', (percentile, trials, rank) => {
    expect(earlyStoppingPercentile(ranks(trials), percentile)).toBe(trials - rank + 1);
  });

  it.each(['0.9', '0.95', '0.97', '0.99'])('of %s takes each place from as many trials as the rules say', (share) => {
    for (const [index, trials] of (GOLDEN.fewest[share] as number[]).entries()) {
      expect(earlyStoppingRank(trials, Number(share)), `${trials} trials`).toBe(index + 1);
      expect(earlyStoppingRank(trials - 1, Number(share)), `${trials - 1} trials`).toBe(index);
    }
    expect(fewestTrials(Number(share))).toBe(GOLDEN.fewest[share][0]);
  });

  it('says what a 99th percentile would need, instead of claiming one', () => {
    expect(boundPercentile(ranks(300), 0.99)).toEqual({
      percentile: 0.99,
      valueMs: null,
      rank: null,
      trialsNeeded: 662,
    });
    expect(boundPercentile(ranks(300), 0.95)).toEqual({ percentile: 0.95, valueMs: 295, rank: 6, trialsNeeded: 130 });
  });

  it('says nothing without trials and refuses percentages', () => {
    expect(earlyStoppingPercentile([], 0.9)).toBeNull();
    expect(() => earlyStoppingPercentile([1], 90)).toThrow(/fraction between 0 and 1/);
  });
});
