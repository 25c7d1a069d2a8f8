import { describe, expect, it } from 'vitest';
import { readPrices } from '../../../src/measure/cost/prices.js';
import { pricedConditions, speedsOf, timesCheaper } from '../../../src/report/tables/costOf.js';
import type { ConditionSummary, Summary } from '../../../src/study/schema.js';
import { readInventedRun } from '../fixture.js';

const { summary } = readInventedRun();
const prices = await readPrices();
const at = (value: number) => ({ value, low: 0.9 * value, high: 1.1 * value });

/** The invented run with these speeds, of which the middle one is that of streams. */
function withSpeeds(batches: number, streams: readonly number[] | undefined, single: number): Summary {
  const conditions = summary.conditions.map((entry): ConditionSummary => {
    const { latency, throughput, outcome } = entry;
    if (latency === null || throughput === null || outcome.status !== 'measured') return entry;
    const realTimeFactors = { ...latency.realTimeFactors, total: at(1 / single) };
    return {
      ...entry,
      latency: { ...latency, realTimeFactors },
      throughput: { ...throughput, audioSPerS: at(batches) },
      outcome: streams
        ? { ...outcome, streams: { streams: entry.condition.threads, threads: 1, audioSPerS: streams } }
        : outcome,
    };
  });
  return { ...summary, conditions };
}

describe('speedsOf', () => {
  it('takes the arrangement in which a condition heard the most', () => {
    const kinds = (run: Summary): readonly string[] => speedsOf(run).map(({ kind }) => kind);
    expect(kinds(withSpeeds(100, undefined, 50))).toEqual(['batches', 'batches']);
    expect(kinds(withSpeeds(100, undefined, 150))).toEqual(['single', 'single']);
    const [best] = speedsOf(withSpeeds(100, [190, 200, 210], 150));
    expect(best).toMatchObject({ kind: 'streams', audioSPerS: { value: 200 } });
    // Student's t of 190, 200 and 210: 4.3027 · 10/√3.
    expect(best?.audioSPerS.high).toBeCloseTo(200 + (4.3027 * 10) / Math.sqrt(3), 6);
    expect(best?.arrangement).toMatch(/^one utterance at a time in each of \d+ processes$/);
  });
});

describe('cost', () => {
  it('is of that arrangement, says which, and compares in pairs where both have the same', () => {
    const [base, own] = pricedConditions(withSpeeds(100, undefined, 150), prices);
    if (base === undefined || own === undefined) throw new Error('two conditions are invented');
    expect(own.cost?.assumption).toMatch(/^one utterance at a time, \d+ threads?; each of its/);
    expect(timesCheaper(own, base)).toEqual(own.comparison?.latencySpeedUp);
    const [, batched] = pricedConditions(withSpeeds(300, undefined, 150), prices);
    if (batched === undefined) throw new Error('two conditions are invented');
    // 300 against 150 s a second, and the ends of the intervals crosswise.
    const ratio = timesCheaper(batched, base);
    expect(ratio?.value).toBeCloseTo(2, 10);
    expect(ratio?.low).toBeCloseTo(2 * 0.9 * 0.9, 10);
  });
});
