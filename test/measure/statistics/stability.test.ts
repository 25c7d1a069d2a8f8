// Expected values: test/fixtures/measure/make_statistics.py (SciPy 1.17.1, NumPy 2.4.6).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { autocorrelation, findOutliers, findStability } from '../../../src/measure/statistics/stability.js';
import { createRandom } from '../../../src/random.js';

const GOLDEN = JSON.parse(readFileSync(new URL('../../fixtures/measure/statistics.json', import.meta.url), 'utf8'));

/** Standard normal values (Box and Muller). */
function normals(count: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()),
  );
}

describe('findStability', () => {
  it('finds what NumPy and SciPy find in a series that drifts', () => {
    const found = findStability(GOLDEN.times, GOLDEN.audio);
    expect(found?.autocorrelation).toBeCloseTo(GOLDEN.autocorrelation, 10);
    expect(found?.drift.value).toBeCloseTo(GOLDEN.drift, 10);
    expect(found?.outliers).toMatchObject({ slow: GOLDEN.slow, fast: GOLDEN.fast });
    expect(found?.outliers.slowestRatio).toBeCloseTo(GOLDEN.slowestRatio, 10);
    expect(found?.drifts).toBe(true);
  });

  it('takes length for no drift: long utterances may all come last', () => {
    const audio = Array.from({ length: 60 }, (_, index) => 1 + index / 10);
    const noise = normals(60, 3);
    const times = audio.map((seconds, index) => (2 + 7 * seconds) * (1 + 0.02 * (noise[index] ?? 0)));
    const found = findStability(times, audio);
    expect(found?.drift.value).toBeCloseTo(1, 1);
    expect(found?.drifts).toBe(false);
  });

  it('cries wolf in few of many steady series, also where neighbours are alike', () => {
    // A 99 % interval should be wrong in 1 of 100; with neighbours that are alike it may be wrong a little oftener.
    const series = 60;
    let [alarms, alarmsOfAlike] = [0, 0];
    for (let seed = 0; seed < series; seed++) {
      const noise = normals(120, 1000 + seed);
      const alike = noise.map((value, index) => value + 0.4 * (noise[index - 1] ?? 0));
      const audio = noise.map(() => 2);
      alarms += findStability(
        noise.map((value) => 20 + value),
        audio,
      )?.drifts
        ? 1
        : 0;
      alarmsOfAlike += findStability(
        alike.map((value) => 20 + value),
        audio,
      )?.drifts
        ? 1
        : 0;
    }
    expect(alarms).toBeLessThanOrEqual(3);
    expect(alarmsOfAlike).toBeLessThanOrEqual(5);
  });

  it('sees a change of 5 % where trials scatter by 3 %', () => {
    const noise = normals(300, 8);
    const times = noise.map((value, index) => (index < 150 ? 20 : 21) * (1 + 0.03 * value));
    const found = findStability(
      times,
      times.map(() => 3),
    );
    expect(found?.drifts).toBe(true);
    expect(found?.drift.value).toBeGreaterThan(1.03);
  });

  it('says nothing of too few trials, and survives trials that are all the same', () => {
    expect(findStability(new Array(59).fill(5), new Array(59).fill(1))).toBeNull();
    const same = findStability(new Array(60).fill(5), new Array(60).fill(1));
    expect(same).toEqual({
      autocorrelation: 0,
      drift: { value: 1, low: 1, high: 1 },
      drifts: false,
      outliers: { slow: 0, fast: 0, slowestRatio: 1 },
    });
  });
});

describe('autocorrelation and outliers', () => {
  it('knows a series that swings and one that creeps', () => {
    expect(autocorrelation([1, -1, 1, -1])).toBeCloseTo(-0.75, 12);
    expect(autocorrelation([1, 2, 3, 4])).toBeCloseTo(0.25, 12);
  });

  it('keeps outliers in and counts them', () => {
    expect(findOutliers([10, 11, 9, 10, 12, 8, 10, 40])).toEqual({ slow: 1, fast: 0, slowestRatio: 40 });
  });
});
