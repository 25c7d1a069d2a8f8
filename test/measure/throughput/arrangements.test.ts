import { describe, expect, it } from 'vitest';
import {
  cutBatches,
  nameArrangement,
  paddingShare,
  planArrangements,
} from '../../../src/measure/throughput/arrangements.js';

describe('planArrangements', () => {
  const divisionsOf = (cores: number): string[] =>
    planArrangements(cores, { batchSizes: [1] }).map(({ streams, threads }) => `${streams}×${threads}`);

  it('divides the cores, and tries a little more than there are', () => {
    expect(divisionsOf(1)).toEqual(['1×1', '2×1']);
    expect(divisionsOf(2)).toEqual(['1×2', '2×1', '3×1', '1×1']);
    expect(divisionsOf(6)).toEqual(['1×6', '2×3', '3×2', '6×1', '9×1', '1×1']);
  });

  it('adds unsorted batches for one division, to show what padding costs', () => {
    const planned = planArrangements(2, { batchSizes: [1, 8, 8] });
    expect(planned).toHaveLength(2 * 4 + 1);
    expect(planned.at(-1)).toEqual({ streams: 1, threads: 2, batchSize: 8, sorted: false });
    expect(nameArrangement(planned.at(-1) as (typeof planned)[0])).toBe('1 × 2 threads, batch 8, unsorted');
  });

  it('takes other numbers of streams, and refuses impossible ones', () => {
    expect(planArrangements(4, { batchSizes: [1], streams: [3, 8] })).toEqual([
      { streams: 3, threads: 1, batchSize: 1, sorted: true },
      { streams: 8, threads: 1, batchSize: 1, sorted: true },
    ]);
    expect(() => planArrangements(4, { batchSizes: [0] })).toThrow(/whole numbers in 1…4096 were required, got 0/);
    expect(() => planArrangements(4, { streams: [] })).toThrow(/one number of streams/);
  });
});

describe('cutBatches', () => {
  const durations = [1, 4, 2, 4, 3];

  it('puts like lengths together, the longest first', () => {
    expect(cutBatches(durations, { batchSize: 2, sorted: true }, 1)).toEqual([[1, 3], [4, 2], [0]]);
  });

  it('or takes them in a random order that the seed gives; each utterance once', () => {
    const once = cutBatches(durations, { batchSize: 2, sorted: false }, 1);
    expect(once.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(once.flat().sort()).toEqual([0, 1, 2, 3, 4]);
    expect(cutBatches(durations, { batchSize: 2, sorted: false }, 1)).toEqual(once);
    expect(cutBatches(durations, { batchSize: 2, sorted: false }, 2)).not.toEqual(once);
  });

  it('knows the share of padding', () => {
    // (4 + 4) and (3 + 2) and 1 of sound; 8, 6 and 1 are read.
    expect(paddingShare(durations, [[1, 3], [4, 2], [0]])).toBeCloseTo(1 - 14 / 15, 12);
    expect(paddingShare(durations, [[0], [1]])).toBe(0);
    expect(paddingShare(durations, [])).toBe(0);
  });
});
