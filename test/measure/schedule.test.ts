import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawTrials, orderBlocks } from '../../src/measure/schedule.js';

const COUNTS = { latencyTrials: 300, throughputTrials: 100, batchSize: 8, seed: 1 };

describe('schedule', () => {
  it('draws 300 single utterances, 100 batches of 8, and each utterance once', () => {
    const { latency, throughput, accuracy } = drawTrials(COUNTS, 129);
    expect(latency).toHaveLength(300);
    expect(throughput.map(({ length }) => length)).toEqual(new Array(100).fill(8));
    expect(accuracy.flat()).toEqual(Array.from({ length: 129 }, (_, index) => index));
  });

  it('lets conditions take turns, forth and back', () => {
    const trials = { ...drawTrials({ ...COUNTS, latencyTrials: 70 }, 5), throughput: [], accuracy: [] };
    const blocks = orderBlocks(['a', 'b'], trials).map(({ condition, from, to }) => `${condition} ${from}-${to}`);
    expect(blocks).toEqual(['a 0-30', 'b 0-30', 'b 30-60', 'a 30-60', 'a 60-70', 'b 60-70']);
  });

  it('gives every condition every trial once, whatever their number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
        (latencyTrials, throughputTrials, utterances, conditions) => {
          const trials = drawTrials({ ...COUNTS, latencyTrials, throughputTrials }, utterances);
          const seen = orderBlocks(conditions, trials).flatMap(({ condition, phase, from, to }) =>
            Array.from({ length: to - from }, (_, index) => JSON.stringify([condition, phase, from + index])),
          );
          expect(seen).toHaveLength(conditions.length * (latencyTrials + throughputTrials + utterances));
          expect(new Set(seen).size).toBe(seen.length);
        },
      ),
      { numRuns: 30 },
    );
  });
});
