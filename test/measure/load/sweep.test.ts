// By hand: lines through points, and Student's t of their ratios.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  measureSweep,
  rateWithin,
  ratiosWithin,
  SWEEP_SHARES,
  type SweepStart,
} from '../../../src/measure/load/sweep.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';

const workerPath = fileURLToPath(new URL('../../fixtures/experiment/fakeWorker.mjs', import.meta.url));

/** 100 ms at 10 requests a second, 200 ms at 20, 600 ms at 30: all rates times a factor. */
function start(factor: number): SweepStart {
  const points = [
    { ratePerS: 10 * factor, p95Ms: 100 },
    { ratePerS: 20 * factor, p95Ms: 200 },
    { ratePerS: 30 * factor, p95Ms: 600 },
  ];
  return { capacityPerS: 30 * factor, points };
}

describe('rateWithin', () => {
  it('is where the line through the points first crosses the bound', () => {
    expect(rateWithin(start(1), 150)).toBeCloseTo(15, 12);
    expect(rateWithin(start(1), 400)).toBeCloseTo(25, 12);
    const dipping = { capacityPerS: 3, points: [50, 300, 100].map((p95Ms, place) => ({ ratePerS: place + 1, p95Ms })) };
    expect(rateWithin(dipping, 175)).toBeCloseTo(1.5, 12);
  });

  it('is not known below the first point and above the last', () => {
    expect(rateWithin(start(1), 99)).toBeNull();
    expect(rateWithin(start(1), 600)).toBeNull();
  });
});

describe('ratiosWithin', () => {
  it('compares start by start, bound by bound', () => {
    const [base, other] = [[1, 1, 1].map(start), [1.8, 2, 2.2].map(start)];
    const [row, ...rest] = ratiosWithin(base, other, [150, 700]);
    expect(rest).toEqual([]);
    expect(row?.boundMs).toBe(150);
    expect(row?.basePerS).toBeCloseTo(15, 10);
    expect(row?.ratio.value).toBeCloseTo(2, 10);
    expect(row?.ratio.high).toBeCloseTo(2 + (4.3027 * 0.2) / Math.sqrt(3), 6);
    expect(ratiosWithin(base.slice(1), other.slice(1), [150])).toEqual([]);
  });
});

describe('measureSweep', () => {
  it('asks each model at each rate in each start', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const utterances = ['one', 'two'].map((id) => {
      return { id, audioPath: join('none', `${id}.wav`), durationS: 2, text: id, speaker: 'none' };
    });
    let rates = 0;
    const found = await measureSweep([model, model], {
      utterances,
      starts: 2,
      requests: 20,
      workerPath,
      onRate: () => rates++,
    });
    expect(rates).toBe(2 * 2 * SWEEP_SHARES.length);
    for (const one of found.flat()) {
      expect(one.points.map(({ ratePerS }) => ratePerS / one.capacityPerS)).toEqual(
        SWEEP_SHARES.map((share) => expect.closeTo(share, 9)),
      );
      expect(one.points.every(({ p95Ms }) => p95Ms > 0)).toBe(true);
    }
    expect(found.map((starts) => starts.length)).toEqual([2, 2]);
  });
});
