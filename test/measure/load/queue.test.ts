// M/M/1: the sojourn is exponential with rate μ − λ, so its 95th percentile is ln 20 / (μ − λ) (Kleinrock, Queueing Systems I, 1975, section 3.2).
import { describe, expect, it } from 'vitest';
import { rateWithin, ratiosWithin, simulateP95 } from '../../../src/measure/load/queue.js';
import { mean } from '../../../src/measure/statistics/statistics.js';

/** Exponential service times with a mean of 10 ms, by their quantiles. */
const exponential = Array.from({ length: 2000 }, (_, place) => -10 * Math.log(1 - (place + 0.5) / 2000));

describe('simulateP95', () => {
  it('agrees with theory: M/M/1 at half and at four fifths of its capacity', () => {
    const seeds = Array.from({ length: 10 }, (_, place) => 7 * place + 3);
    for (const ratePerS of [50, 80]) {
      const p95s = seeds.map((seed) => simulateP95(exponential, 1, { ratePerS, requests: 40_000, seed }));
      const theory = (1000 * Math.log(20)) / (100 - ratePerS);
      // One draw differs by some five in a hundred.
      expect(Math.abs(mean(p95s) / theory - 1)).toBeLessThan(0.06);
    }
  });

  it('is the service alone where nobody waits, and less with more servers', () => {
    expect(simulateP95([10, 10, 10], 1, { ratePerS: 0.01 })).toBeCloseTo(10, 6);
    const busy = { ratePerS: 90 };
    expect(simulateP95(exponential, 2, busy)).toBeLessThan(simulateP95(exponential, 1, busy) / 2);
  });
});

describe('rateWithin', () => {
  it('is the rate at which the 95th percentile is the bound', () => {
    const rate = rateWithin(exponential, 1, 100) ?? Number.NaN;
    // μ − λ = ln 20 / 0.1 s.
    expect(rate).toBeGreaterThan(0.93 * (100 - Math.log(20) / 0.1));
    expect(rate).toBeLessThan(1.07 * (100 - Math.log(20) / 0.1));
    expect(simulateP95(exponential, 1, { ratePerS: rate })).toBeLessThanOrEqual(100);
    expect(simulateP95(exponential, 1, { ratePerS: 1.001 * rate })).toBeGreaterThan(100);
  });

  it('is none where the service alone takes longer, and at most what all servers do', () => {
    expect(rateWithin([10, 10], 2, 9)).toBeNull();
    expect(rateWithin([10, 10], 2, 1e6)).toBeCloseTo(200, 9);
  });
});

describe('ratiosWithin', () => {
  it('compares start by start: half the service time carries twice the load within half the bound, and more within the same', () => {
    const [base, other] = [1, 0.5].map((factor) =>
      [1, 1.1, 0.9].map((start) => exponential.map((ms) => ms * start * factor)),
    );
    const [row, ...rest] = ratiosWithin(base ?? [], other ?? [], 1, [100, 1]);
    expect(rest).toEqual([]);
    expect(row?.boundMs).toBe(100);
    // (200 − ln 20 / 0.1) / (100 − ln 20 / 0.1)
    expect(row?.ratio.value).toBeGreaterThan(2.3);
    expect(row?.ratio.value).toBeLessThan(2.6);
    expect(row?.ratio.low).toBeLessThan(row?.ratio.value ?? 0);
    expect(ratiosWithin((base ?? []).slice(1), (other ?? []).slice(1), 1, [100])).toEqual([]);
  });
});
