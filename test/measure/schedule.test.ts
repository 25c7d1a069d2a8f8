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

  it('lets conditions take turns on the same trials, in an order drawn anew for each turn', () => {
    const trials = { ...drawTrials({ ...COUNTS, latencyTrials: 72 }, 5), throughput: [], accuracy: [] };
    const blocks = orderBlocks(['a', 'b'], trials, { seed: 7 });
    expect(blocks).toHaveLength(2 * 15);
    const orders = new Map<string, number>();
    for (let at = 0; at < blocks.length; at += 2) {
      const [one, other] = [blocks[at], blocks[at + 1]];
      expect(one?.turn).toBe(at / 2);
      expect(other).toMatchObject({ turn: one?.turn, trials: one?.trials });
      const order = `${one?.condition}${other?.condition}`;
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    // Of 15 turns with a fair coin: 3 to 12 with a probability of 99.6 %; the seed is fixed.
    expect(Math.min(orders.get('ab') ?? 0, orders.get('ba') ?? 0)).toBeGreaterThanOrEqual(3);
    expect(orderBlocks(['a', 'b'], trials, { seed: 7 })).toEqual(blocks);
    expect(orderBlocks(['a', 'b'], trials, { seed: 8 })).not.toEqual(blocks);
  });

  it('gives every condition every trial once, whatever their number and that of the shards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 30 }),
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (latencyTrials, throughputTrials, utterances, conditions, count) => {
          const trials = drawTrials({ ...COUNTS, latencyTrials, throughputTrials }, utterances);
          const shards = Array.from({ length: count }, (_, index) => ({ index: index + 1, count }));
          const blocks = shards.flatMap((shard) => orderBlocks(conditions, trials, { seed: 1, shard }));
          const seen = blocks.flatMap(({ condition, phase, trials: own }) =>
            own.map((trial) => JSON.stringify([condition, phase, trial])),
          );
          expect(seen).toHaveLength(conditions.length * (latencyTrials + throughputTrials + utterances));
          expect(new Set(seen).size).toBe(seen.length);
          const turns = blocks.map(({ condition, phase, turn }) => JSON.stringify([condition, phase, turn]));
          expect(new Set(turns).size).toBe(turns.length);
        },
      ),
      { numRuns: 30 },
    );
  });
});
