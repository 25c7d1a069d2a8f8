import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { choosingFigure } from '../../../src/report/figures/choosingFigure.js';
import {
  type Candidate,
  candidatesOf,
  commonMetrics,
  paretoFront,
  recommend,
  standingIn,
} from '../../../src/report/post/choosing.js';
import { readInventedRun } from '../fixture.js';

const nothing = { audioSPerS: null, joules: null, peakBytes: null, usdPer1000Hours: null };
function candidate(id: string, wer: number, latencyMs: number, sizeBytes: number): Candidate {
  return { id, title: id, metrics: { ...nothing, wer, latencyMs, sizeBytes } };
}

const float = candidate('float', 0.2, 40, 32e6);
const int8 = candidate('int8', 0.2, 20, 8e6);
const small = candidate('small', 0.25, 10, 4e6);
const slow = candidate('slow', 0.2, 41, 32e6);
const all = [float, int8, small, slow];

describe('choosing', () => {
  it('keeps what no other beats', () => {
    expect(commonMetrics(all)).toEqual(['latencyMs', 'wer', 'sizeBytes']);
    expect(paretoFront(all)).toEqual([int8, small]);
    expect(paretoFront(all, ['wer'])).toEqual([float, int8, slow]);
  });

  it('calls nothing better that its intervals do not show to be better', () => {
    // Latencies of four starts: one is 1 % faster on average, and not in each start.
    const started = (id: string, latencies: readonly number[]): Candidate => {
      const own = candidate(id, 0.2, 10, 8e6);
      const estimate = { value: 10, low: 9, high: 11 };
      return { ...own, evidence: { latencyMs: { estimate, samples: latencies } } };
    };
    const [one, other] = [started('one', [10, 10, 10, 10]), started('other', [10.5, 9.7, 10.4, 9.8])];
    const slower = started('slower', [10.9, 11, 11.1, 11]);
    expect(paretoFront([one, other, slower])).toEqual([one, other]);
    const [best, second, third] = recommend([one, other, slower], { latencyMs: 1 });
    expect([best, second, third].map((entry) => entry?.isAsGood)).toEqual([true, true, false]);
    // Without pairs, intervals must not touch.
    const alone = (id: string, low: number, high: number): Candidate => {
      return { ...candidate(id, 0.2, 10, 8e6), evidence: { latencyMs: { estimate: { value: 10, low, high } } } };
    };
    expect(standingIn('latencyMs', alone('a', 8, 9), alone('b', 9.1, 11))).toBe('better');
    expect(standingIn('latencyMs', alone('a', 9.5, 10), alone('b', 9.1, 11))).toBe('undecided');
    expect(standingIn('audioSPerS', one, other)).toBe('undecided');
  });

  it('leaves out what follows from another metric', () => {
    const derived = all.map((own) => ({ ...own, derived: ['latencyMs'] as const }));
    expect(commonMetrics(derived)).toEqual(['wer', 'sizeBytes']);
  });

  it('recommends by priorities, within what may be lost in words', () => {
    const best = recommend(all, { latencyMs: 1, sizeBytes: 1 });
    expect(best.map(({ candidate: one }) => one.id)).toEqual(['int8', 'float', 'slow']);
    // Twice as fast and four times smaller: the geometric mean of 2 and 4.
    expect(best[0]?.score).toBeCloseTo(Math.sqrt(8), 12);
    expect(recommend(all, { latencyMs: 1 }, 0.05)[0]?.candidate.id).toBe('small');
  });

  it('refuses what it cannot weigh', () => {
    expect(() => recommend(all, {})).toThrow(InputError);
    expect(() => recommend(all, { joules: 1 })).toThrow(/joules was required/);
  });

  it('reads a run, more sound a second being better', async () => {
    const { summary } = readInventedRun();
    const candidates = candidatesOf(summary, []);
    expect(candidates.map(({ id }) => id)).toEqual(['cpu-float32', 'cpu-int8-dynamic']);
    expect(recommend(candidates, { audioSPerS: 1 })[0]?.candidate.id).toBe('cpu-int8-dynamic');
    const { alt } = choosingFigure(candidates, paretoFront(candidates));
    expect(alt).toContain('CPU int8 dynamic: 11.8 ms, 8.30 MB');
  });
});
