import { describe, expect, it } from 'vitest';
import { compareTimes, expandedConfidence, type TimedTrial } from '../../../src/measure/latency/speedUp.js';
import { createRandom } from '../../../src/random.js';

function trial(totalMs: number, utterance: string, turn?: number): TimedTrial {
  const parts = { featuresMs: 0, inferenceMs: totalMs, decodingMs: 0 };
  return { utterances: [utterance], audioS: 1, totalMs, ...parts, texts: [''], ...(turn !== undefined && { turn }) };
}

describe('compareTimes', () => {
  it('divides means and draws turns', () => {
    const base = Array.from({ length: 12 }, (_, index) => trial(20 + index, `u${index % 3}`, index >> 1));
    const own = base.map((one) => ({ ...one, totalMs: one.totalMs / 2 }));
    expect(compareTimes(base, own)).toEqual({ value: 2, low: 2, high: 2, draws: 'turns' });
    expect(compareTimes(base.slice(0, 10), own.slice(0, 10)).draws).toBe('utterances');
    expect(compareTimes([trial(8, 'a')], [trial(2, 'a')])).toMatchObject({ value: 4, draws: 'utterances' });
  });

  it('is over starts where there are three or more: Student’s t of the ratio', () => {
    // Ratios 2, 2.2 and 1.8 of 100 ms each: (200 + 220 + 180)/300 = 2, deviation 20/√3/100, t of 2 degrees 4.3027.
    const own = [0, 1, 2].map((start) => ({ ...trial(100, 'a', start), start }));
    const base = own.map((one, start) => ({ ...one, totalMs: [200, 220, 180][start] ?? 0 }));
    const { value, low, high, draws } = compareTimes(base, own);
    expect([value, draws]).toEqual([2, 'starts']);
    expect(high - value).toBeCloseTo((4.3027 * 0.2) / Math.sqrt(3), 10);
    expect(value - low).toBeCloseTo(high - value, 10);
    expect(compareTimes(base.slice(1), own.slice(1)).draws).toBe('utterances');
  });

  it('holds 1 for a condition against itself on a machine with moods, where drawing utterances does not', () => {
    // A mood lasts a turn of one condition and slows all its trials alike.
    const random = createRandom(5);
    let [byTurn, byUtterance] = [0, 0];
    const runs = 60;
    for (let run = 0; run < runs; run++) {
      const side = (): TimedTrial[] =>
        Array.from({ length: 30 }, (_, turn) => {
          const mood = random.next() < 0.2 ? 1.5 : 1;
          return Array.from({ length: 10 }, (_, at) => trial(mood * (20 + random.next()), `u${10 * turn + at}`, turn));
        }).flat();
      const [base, own] = [side(), side()];
      const holds = ({ low, high }: { low: number; high: number }): number => (low <= 1 && high >= 1 ? 1 : 0);
      byTurn += holds(compareTimes(base, own));
      const without = (trials: TimedTrial[]): TimedTrial[] => trials.map(({ turn: _, ...rest }) => rest);
      byUtterance += holds(compareTimes(without(base), without(own)));
    }
    // 95 % of 60 are 57.
    expect(byTurn).toBeGreaterThanOrEqual(51);
    expect(byUtterance).toBeLessThan(45);
  });

  it.each([
    // 1 - 2 * norm.cdf(-sqrt(n / (n - 1)) * t.ppf(0.975, n - 1)), SciPy 1.17.1.
    [6, 0.99514],
    [10, 0.9829],
    [20, 0.96824],
    [60, 0.9564],
    [300, 0.9513],
  ])('asks for more confidence where %i values are drawn from', (count, confidence) => {
    expect(expandedConfidence(count)).toBeCloseTo(confidence, 3);
  });

  it('refuses sides that have not run the same', () => {
    expect(() => compareTimes([], [])).toThrow(/the same trials of both were required, got 0 and 0/);
    expect(() => compareTimes([trial(1, 'a')], [])).toThrow(/got 1 and 0/);
  });
});
