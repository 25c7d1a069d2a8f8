import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCuts } from '../../../src/onnx/split/chooseCuts.js';

interface Division {
  readonly cuts: readonly number[];
  readonly slowest: number;
  readonly bytes: number;
}

/** Every division there is, as the definition has it. */
function divisions(costs: readonly number[], bytes: readonly number[], stages: number): readonly Division[] {
  const found: Division[] = [];
  const extend = (cuts: readonly number[]): void => {
    if (cuts.length === stages - 1) {
      const bounds = [0, ...cuts, costs.length];
      const sums = bounds.slice(1).map((end, i) => costs.slice(bounds[i], end).reduce((sum, cost) => sum + cost, 0));
      const crossing = cuts.reduce((sum, cut) => sum + (bytes[cut] ?? 0), 0);
      if (Number.isFinite(crossing)) found.push({ cuts, slowest: Math.max(...sums), bytes: crossing });
      return;
    }
    for (let next = (cuts.at(-1) ?? 0) + 1; next < costs.length; next++) extend([...cuts, next]);
  };
  extend([]);
  return found;
}

describe('chooseCuts', () => {
  it('balances the stages, and cuts where the fewest bytes cross', () => {
    expect(chooseCuts([1, 1, 1, 1], [0, 8, 4, 8], 2)).toEqual([2]);
    // A tenth more time is given for fewer bytes, not more.
    expect(chooseCuts([10, 1, 9.5, 0.5], [0, 100, 1, 100], 2)).toEqual([2]);
    expect(chooseCuts([10, 3, 7, 1], [0, 100, 1, 100], 2)).toEqual([1]);
    expect(chooseCuts([5, 5, 5], [0, 1, 1], 3)).toEqual([1, 2]);
  });

  it('says so where there are not enough places', () => {
    expect(chooseCuts([1, 1, 1], [0, Number.POSITIVE_INFINITY, 4], 3)).toBeNull();
    expect(chooseCuts([1], [0], 2)).toBeNull();
    expect(chooseCuts([0, 0], [0, 0], 2)).toEqual([1]);
  });

  it('finds what trying every division finds', () => {
    const node = fc.record({
      cost: fc.nat(9),
      bytes: fc.oneof({ weight: 4, arbitrary: fc.nat(9) }, fc.constant(Number.POSITIVE_INFINITY)),
    });
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 4 }), (nodes, stages) => {
        const [costs, bytes] = [nodes.map(({ cost }) => cost), nodes.map((one) => one.bytes)];
        const all = divisions(costs, bytes, stages);
        const found = chooseCuts(costs, bytes, stages);
        if (all.length === 0) {
          expect(found).toBeNull();
          return;
        }
        const near = 1.1 * Math.min(...all.map(({ slowest }) => slowest));
        const leanest = Math.min(...all.filter(({ slowest }) => slowest <= near).map((one) => one.bytes));
        const own = all.find(({ cuts }) => cuts.join() === found?.join());
        expect(own?.slowest).toBeLessThanOrEqual(near);
        expect(own?.bytes).toBe(leanest);
      }),
      { seed: 20_261_129 },
    );
  });
});
