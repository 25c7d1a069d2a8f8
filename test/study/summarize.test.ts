// Expected values: test/fixtures/experiment/README.md (a run made by hand; NumPy 2.4.6 over all resamples).
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRun } from '../../src/study/runFolder.js';
import type { ConditionSummary, Estimate, Observation, RunRecord } from '../../src/study/schema.js';
import { summarize, summarizeRun } from '../../src/study/summarize.js';

const FOLDER = fileURLToPath(new URL('../fixtures/experiment/summary', import.meta.url));

function expectEstimate(estimate: Estimate | undefined, value: number, low: number, high: number): void {
  expect(estimate?.value).toBeCloseTo(value, 12);
  // Few utterances have few possible resamples: the bounds are values that really occur, not near ones.
  expect(estimate?.low).toBeCloseTo(low, 12);
  expect(estimate?.high).toBeCloseTo(high, 12);
}

describe('summarize', () => {
  let record: RunRecord;
  let observations: readonly Observation[];
  let a: ConditionSummary | undefined;
  let b: ConditionSummary | undefined;

  beforeAll(async () => {
    ({ record, observations } = await readRun(FOLDER));
    [, a, b] = summarize(record, observations).conditions;
  });

  it('takes a name that every object knows for a condition like any other', () => {
    const [like] = record.conditions;
    if (like === undefined) throw new Error('no condition');
    for (const id of ['constructor', 'toString', 'valueOf', 'hasOwnProperty']) {
      const { conditions } = summarize(
        { ...record, conditions: [...record.conditions, { ...like, id }] },
        observations,
      );
      const outcome = { status: 'failed', reason: 'the run has not finished' };
      expect(conditions.at(-1)).toMatchObject({ outcome, latency: null, accuracy: null });
    }
  });

  it('describes latency', () => {
    expectEstimate(a?.latency?.meanMs, 21, 12, 40);
    expectEstimate(a?.latency?.medianMs, 17, 12, 40);
    expect(a?.latency?.standardDeviationMs).toBeCloseTo(Math.sqrt(532 / 3), 12);
    expect(a?.latency).toMatchObject({ trials: 4, minMs: 10, maxMs: 40, p90Ms: 34, featuresMs: 1, inferenceMs: 19 });
    // 84 ms for 1 + 2 + 4 + 1 s.
    expect(a?.latency?.realTimeFactor).toBeCloseTo(0.084 / 8, 12);
  });

  it('describes throughput', () => {
    expect(a?.throughput).toMatchObject({ trials: 2, batchSize: 2 });
    expect(a?.throughput?.utterancesPerS.value).toBeCloseTo(10, 12);
    expect(b?.throughput?.audioSPerS.value).toBeCloseTo(8 / 0.15, 10);
  });

  it('sets what was heard in batches beside what was heard alone', () => {
    // u1, u2, u3 and again u1, each another text than alone; one whole round, in which no word is right.
    expect(a?.throughput?.texts).toEqual({ heard: 4, changed: 4, rounds: 1, wer: { lowest: 1, highest: 1 } });
    const alike = observations.map((one) => {
      return one.phase === 'throughput' && one.trial === 0 ? { ...one, texts: ['one two three', 'for five'] } : one;
    });
    expect(summarize(record, alike).conditions[1]?.throughput?.texts).toMatchObject({ heard: 4, changed: 2 });
  });

  it('sums losses of what was said over frames, and pairs them by utterance', () => {
    expect(b?.loss).toBeUndefined();
    const judged = observations.map((one) => {
      if (one.phase !== 'accuracy') return one;
      const nats = one.condition === 'a' ? 2 : 3;
      // The first utterance has a letter that the other model cannot write.
      return { ...one, losses: [one.condition === 'b' && one.trial === 0 ? null : { nats, frames: 20 }] };
    });
    const [, base, other] = summarize(record, judged).conditions;
    expect(base?.loss).toMatchObject({ perFrame: { value: 0.1 }, change: null, recordings: 3, leftOut: 0 });
    expect(other?.loss).toMatchObject({ perFrame: { value: 0.15 }, recordings: 2, leftOut: 1 });
    expectEstimate(other?.loss?.change ?? undefined, 0.05, 0.05, 0.05);
  });

  it('sums edits over the corpus', () => {
    expectEstimate(a?.accuracy?.wer, 0.3, 0, 0.5);
    expectEstimate(b?.accuracy?.wer, 0.2, 0, 0.5);
    expect(b?.accuracy).toMatchObject({ utterances: 3, words: 10, substitutions: 2, deletions: 0, insertions: 0 });
    // "too" for "two", "for" for "four": one character each, of 13 + 9 + 24.
    expect(b?.accuracy?.cer.value).toBeCloseTo(2 / (13 + 9 + 24), 12);
  });

  it('compares in pairs with the first condition that was measured', () => {
    expect(a?.comparison).toBeNull();
    expect(b?.comparison).toMatchObject({ base: 'a', compression: 2.5 });
    expectEstimate(b?.comparison?.latencySpeedUp, 2.1, 2, 2.5);
    expectEstimate(b?.comparison?.throughputSpeedUp, 8 / 3, 2, 3);
    expectEstimate(b?.comparison?.werChange ?? undefined, -0.1, -0.4, 1 / 3);
    expect(b?.comparison?.sameText).toBeCloseTo(1 / 3, 12);
  });

  it('compares with the condition that one names', () => {
    const named = record.conditions.map((one) => (one.id === 'a' ? { ...one, model: 'another', base: 'b' } : one));
    const { conditions } = summarize({ ...record, conditions: named }, observations);
    expect(conditions.find(({ condition }) => condition.id === 'a')?.comparison?.base).toBe('b');
  });

  it('tests whether the two differ in what they hear', () => {
    // Edits 0, 1, 2 and 1, 1, 0 in three short utterances, each a segment: differences 1, 0, −2.
    const [differences, mean] = [[1, 0, -2], -1 / 3];
    const variance = differences.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 2;
    const { matchedPairs, werChangeBySpeaker } = b?.comparison?.significance ?? {};
    expect(matchedPairs?.segments).toBe(3);
    expect(matchedPairs?.z).toBeCloseTo(mean / Math.sqrt(variance / 3), 12);
    expect(werChangeBySpeaker).toBeNull();
  });

  it('draws no speakers where the observations name fewer than five', () => {
    const spoken = observations.map((observation) => {
      return observation.phase === 'accuracy'
        ? { ...observation, speakers: [observation.utterances[0] === 'u1' ? 'x' : 'y'] }
        : observation;
    });
    const [, first, second] = summarize(record, spoken).conditions;
    expect(first?.accuracy?.bySpeaker).toBeUndefined();
    expect(second?.comparison?.significance?.werChangeBySpeaker).toBeNull();
  });

  it('gives no figures for what was not measured', async () => {
    const { conditions, run } = await summarizeRun(FOLDER);
    expect(run).toEqual(record);
    expect(conditions[0]).toMatchObject({ outcome: { status: 'skipped' }, latency: null, comparison: null });
    const outcomes = { ...record.outcomes };
    delete outcomes['b'];
    expect(summarize({ ...record, outcomes }, observations).conditions[2]).toMatchObject({
      outcome: { status: 'failed', reason: 'the run has not finished' },
      accuracy: null,
    });
  });

  it('does not depend on the order of the lines, nor count a trial twice', () => {
    const shuffled = [...observations].reverse();
    expect(summarize(record, shuffled)).toEqual(summarize(record, observations));
    const again = observations.map((observation) => ({ ...observation, totalMs: 9999 }));
    expect(summarize(record, [...observations, ...again])).toEqual(summarize(record, observations));
  });

  it('refuses an accuracy trial without its reference', () => {
    const broken = observations.map(({ references: _, ...observation }) => observation);
    expect(() => summarize(record, broken)).toThrow(/a text and its reference were required.*u1/);
  });
});
