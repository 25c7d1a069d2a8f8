// Expected values: NumPy 2.4.6 (`mean`, `std(ddof=1)`, `quantile` with its default method).
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { mean, median, quantile, standardDeviation } from '../../../src/measure/statistics/statistics.js';

const SAMPLE = [12.5, 9.0, 31.25, 7.75, 18.0, 11.0, 14.5];

describe('statistics', () => {
  it('computes mean and deviation as NumPy does', () => {
    expect(mean(SAMPLE)).toBeCloseTo(14.857142857142858, 12);
    expect(standardDeviation(SAMPLE)).toBeCloseTo(7.999813985932661, 12);
    expect(standardDeviation([3])).toBe(0);
  });

  it('interpolates quantiles as NumPy does', () => {
    const shares = [0, 0.1, 0.25, 0.5, 0.9, 1];
    const expected = [7.75, 8.5, 10, 12.5, 23.3, 31.25];
    for (const [index, share] of shares.entries()) {
      expect(quantile(SAMPLE, share)).toBeCloseTo(expected[index] as number, 12);
    }
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('leaves the caller’s order alone', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses what has no answer', () => {
    expect(() => mean([])).toThrow(InputError);
    expect(() => median([])).toThrow(/at least one value/);
    expect(() => quantile([1], 90)).toThrow(/0…1 was required, got 90/);
  });
});
