// Expected intervals: NumPy 2.4.6, `default_rng(1).choice`, 200,000 resamples (ratio: 100,000 drawn in pairs).
// With 20,000 resamples here, the bounds must agree to a tenth of the interval.
import { describe, expect, it } from 'vitest';
import {
  bootstrap,
  bootstrapMean,
  bootstrapMedian,
  bootstrapRatio,
} from '../../../src/measure/statistics/bootstrap.js';

const VALUES = Array.from({ length: 100 }, (_, index) => 20 + ((index * 37) % 101) / 10);
const HALVES = VALUES.map((value, index) => value / 2 + ((index * 13) % 7) / 5);
const MANY = { resamples: 20_000 };

describe('bootstrap', () => {
  it('bounds the mean as NumPy does', () => {
    const { value, low, high } = bootstrapMean(VALUES, MANY);
    expect(value).toBeCloseTo(24.986, 10);
    expect(Math.abs(low - 24.411)).toBeLessThan(0.05);
    expect(Math.abs(high - 25.559)).toBeLessThan(0.05);
  });

  it('bounds the median as NumPy does', () => {
    const { value, low, high } = bootstrapMedian(VALUES, { resamples: 5000 });
    expect(value).toBeCloseTo(24.95, 10);
    expect(Math.abs(low - 24)).toBeLessThan(0.11);
    expect(Math.abs(high - 25.9)).toBeLessThan(0.11);
  });

  it('draws the two sides of a ratio together', () => {
    const { value, low, high } = bootstrapRatio(VALUES, HALVES, MANY);
    expect(value).toBeCloseTo(1.9083479721988845, 12);
    expect(Math.abs(low - 1.89659616)).toBeLessThan(0.001);
    expect(Math.abs(high - 1.92009915)).toBeLessThan(0.001);
    const same = bootstrapRatio(VALUES, VALUES, MANY);
    expect([same.low, same.high]).toEqual([1, 1]);
  });

  it('gives the same interval for the same seed, another for another', () => {
    expect(bootstrapMean(VALUES, { seed: 3 })).toEqual(bootstrapMean(VALUES, { seed: 3 }));
    expect(bootstrapMean(VALUES, { seed: 3 }).low).not.toBe(bootstrapMean(VALUES, { seed: 4 }).low);
  });

  it('refuses what has no answer', () => {
    expect(() => bootstrap(0, () => 1)).toThrow(/at least one value/);
    expect(() => bootstrapRatio([1, 2], [1])).toThrow(/pairs were required, got 2 numerators and 1/);
    expect(() => bootstrapRatio([0, 0], [0, 0])).toThrow(/a statistic that is a number was required, got NaN/);
    expect(() => bootstrapRatio([1, 0], [0, 0])).toThrow(/got Infinity/);
  });

  it('draws again where a resample has nothing below the line', () => {
    // Half of the pairs weigh nothing: of two, every fourth resample has none that does.
    const { value, low, high } = bootstrapRatio([1, 3], [2, 0]);
    expect(value).toBe(2);
    expect([low, high]).toEqual([0.5, 2]);
  });
});
