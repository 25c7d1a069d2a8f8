import { describe, expect, it } from 'vitest';
import { highestHolding, nextRate, type Rung } from '../../../src/measure/load/ladder.js';

/** Climbs with a server that holds up to a rate. */
function climb(limit: number, startPerS: number): readonly Rung[] {
  const rungs: Rung[] = [];
  for (let rate = nextRate(rungs, { startPerS }); rate !== null; rate = nextRate(rungs, { startPerS })) {
    rungs.push({ ratePerS: rate, holds: rate <= limit });
  }
  return rungs;
}

describe('nextRate', () => {
  it('goes up until the bound breaks, then comes near, and tries what it found again', () => {
    const rungs = climb(33, 20);
    expect(rungs.slice(0, 4)).toEqual([
      { ratePerS: 20, holds: true },
      { ratePerS: 25, holds: true },
      { ratePerS: 31.25, holds: true },
      { ratePerS: 39.0625, holds: false },
    ]);
    const highest = highestHolding(rungs) ?? 0;
    expect(highest).toBeLessThanOrEqual(33);
    expect(highest).toBeGreaterThan(33 / 1.05);
    expect(rungs.filter(({ ratePerS }) => ratePerS === highest)).toHaveLength(2);
  });

  it('goes down when it began too high, and gives up in the end', () => {
    const found = highestHolding(climb(5, 20)) ?? 0;
    expect(found).toBeLessThanOrEqual(5);
    expect(found).toBeGreaterThan(5 / 1.05);
    expect(climb(-1, 20).map(({ ratePerS }) => ratePerS)).toEqual([20, 10, 5, 2.5]);
    expect(highestHolding(climb(-1, 20))).toBeNull();
  });

  it('does not believe a rate that held by luck', () => {
    const rungs: Rung[] = [
      { ratePerS: 10, holds: true },
      { ratePerS: 12, holds: false },
      { ratePerS: 11, holds: true },
      { ratePerS: 11, holds: false },
    ];
    expect(highestHolding(rungs)).toBe(10);
    expect(highestHolding([...rungs, { ratePerS: 13, holds: true }])).toBe(10);
    expect(nextRate(rungs, { startPerS: 10 })).toBeCloseTo(Math.sqrt(110), 9);
  });

  it('refuses what never ends', () => {
    expect(() => nextRate([], { startPerS: 0 })).toThrow(/a start above 0/);
    expect(() => nextRate([], { startPerS: 1, growth: 1 })).toThrow(/factors above 1/);
  });
});
