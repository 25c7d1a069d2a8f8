import { describe, expect, it } from 'vitest';
import { cheHitRate, poissonArrivals, zipfRequests, zipfShares } from '../../../src/measure/load/arrivals.js';
import { mean, standardDeviation } from '../../../src/measure/statistics/statistics.js';
import { createRandom } from '../../../src/random.js';

describe('poissonArrivals', () => {
  it('have exponential gaps: mean and standard deviation are one over the rate', () => {
    const arrivals = poissonArrivals(80_000, 50, createRandom(1));
    const gaps = arrivals.map((time, place) => time - (arrivals[place - 1] ?? 0));
    expect(gaps.every((gap) => gap >= 0)).toBe(true);
    // The standard error of the mean is 0.02 / √80,000 = 0.00007.
    expect(mean(gaps)).toBeCloseTo(0.02, 3);
    expect(standardDeviation(gaps)).toBeCloseTo(0.02, 3);
    // P(gap > 2 / rate) = e⁻² = 0.1353; its standard error here is 0.0012.
    expect(gaps.filter((gap) => gap > 0.04).length / gaps.length).toBeCloseTo(Math.exp(-2), 2);
  });

  it('are the same for the same seed', () => {
    expect(poissonArrivals(5, 2, createRandom(7))).toEqual(poissonArrivals(5, 2, createRandom(7)));
    expect(() => poissonArrivals(5, 0, createRandom(7))).toThrow(/a rate above 0/);
  });
});

describe('zipfRequests', () => {
  it('ask for the k-th thing in proportion to 1 / k', () => {
    // H₁₀ = 7381 / 2520: the first of ten has 0.3414 of all requests.
    expect(zipfShares(10, 1)[0]).toBeCloseTo(2520 / 7381, 12);
    const requests = zipfRequests(50_000, 10, 1, createRandom(3));
    for (let item = 0; item < 10; item++) {
      const share = requests.filter((request) => request === item).length / requests.length;
      expect(share).toBeCloseTo(2520 / 7381 / (item + 1), 2);
    }
    expect(zipfShares(4, 0)).toEqual(Float64Array.of(0.25, 0.25, 0.25, 0.25));
    expect(() => zipfRequests(1, 0, 1, createRandom(1))).toThrow(/one thing or more/);
  });
});

describe('cheHitRate', () => {
  it('is near the hit rate of a simulated cache', () => {
    // The approximation is known to be within a per cent or two for Zipf's law (Fricker et al. 2012, arXiv:1202.3974).
    const [items, capacity] = [200, 40];
    const requests = zipfRequests(60_000, items, 0.8, createRandom(5));
    const cache = new Set<number>();
    let hits = 0;
    for (const [place, request] of requests.entries()) {
      if (cache.delete(request) && place >= 10_000) hits++;
      cache.add(request);
      if (cache.size > capacity) cache.delete(cache.values().next().value as number);
    }
    expect(cheHitRate(zipfShares(items, 0.8), capacity)).toBeCloseTo(hits / 50_000, 1.7);
  });

  it('is nothing without room, and everything with enough', () => {
    const shares = zipfShares(10, 1);
    expect(cheHitRate(shares, 0)).toBe(0);
    expect(cheHitRate(shares, 10)).toBe(1);
    expect(cheHitRate(shares, 5)).toBeLessThan(cheHitRate(shares, 6));
    // All alike: the share of things that fit. Che's is exact here.
    expect(cheHitRate(zipfShares(10, 0), 3)).toBeCloseTo(0.3, 9);
  });
});
