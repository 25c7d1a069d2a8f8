import { describe, expect, it } from 'vitest';
import { summarizeLoss } from '../../../src/measure/accuracy/referenceLoss.js';
import { bootstrapRatio } from '../../../src/measure/statistics/bootstrap.js';

const base = [3, 5, 8, 2].map((nats, place) => ({ nats, frames: 10 * (place + 1) }));

describe('summarizeLoss', () => {
  it('sums losses over frames, and compares them recording by recording', () => {
    const own = base.map(({ nats, frames }, place) => ({ nats: nats + place, frames: 2 * frames }));
    const found = summarizeLoss(own, base);
    expect(found).toMatchObject({ recordings: 4, leftOut: 0 });
    expect(found?.perFrame.value).toBeCloseTo(24 / 200, 12);
    // A frame of the base, since another network may have more of them.
    expect(found?.change).toEqual(bootstrapRatio([0, 1, 2, 3], [10, 20, 30, 40]));
    expect(summarizeLoss(base)?.change).toBeNull();
    expect(summarizeLoss(base, base)?.change).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('leaves out what one of both cannot say, and counts it', () => {
    const found = summarizeLoss([base[0] ?? null, null, ...base.slice(2)], [null, ...base.slice(1)]);
    expect(found).toMatchObject({ recordings: 3, leftOut: 1, change: { value: 0 } });
    expect(summarizeLoss([null, null], base)).toBeNull();
  });
});
