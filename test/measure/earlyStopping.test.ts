// Fewest trials for each percentile, and its rank in 300 trials: MLPerf's published tables; the larger ranks were
// computed with scipy.stats.binom.cdf (SciPy 1.17.1): the largest t with cdf(t, n, 1 - p) <= 0.01.
import { describe, expect, it } from 'vitest';
import { earlyStoppingPercentile } from '../../src/measure/earlyStopping.js';

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

  it('says nothing without trials and refuses percentages', () => {
    expect(earlyStoppingPercentile([], 0.9)).toBeNull();
    expect(() => earlyStoppingPercentile([1], 90)).toThrow(/fraction between 0 and 1/);
  });
});
