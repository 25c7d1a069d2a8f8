// Expected values: R 4 (`qt`), and the formula of Cochran's chapter 6 by hand.
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import {
  meanOverStarts,
  ratioOverStarts,
  spreadOf,
  studentFactor,
  widen,
} from '../../../src/measure/statistics/betweenStarts.js';
import { createRandom } from '../../../src/random.js';

describe('studentFactor', () => {
  it.each([
    // qt(0.975, n)
    [1, 12.7062],
    [5, 2.5706],
    [6, 2.4469],
    [9, 2.2622],
    [30, 2.0423],
    [1000, 1.9623],
  ])('of %i degrees is %f', (degrees, factor) => {
    expect(Math.abs(studentFactor(degrees) / factor - 1)).toBeLessThan(1e-3);
  });
});

describe('meanOverStarts', () => {
  it('is the interval of a t-test: 10, 11, 12 as t.test of R has them', () => {
    const { value, low, high } = meanOverStarts([10, 11, 12]);
    expect(value).toBe(11);
    expect(low).toBeCloseTo(8.5159, 3);
    expect(high).toBeCloseTo(13.4841, 3);
  });

  it('holds the truth in 95 of 100, where drawing six starts again does not', () => {
    const random = createRandom(3);
    let held = 0;
    for (let run = 0; run < 400; run++) {
      // Uniform −1 … 1 around 10.
      const { low, high } = meanOverStarts(Array.from({ length: 6 }, () => 9 + 2 * random.next()));
      if (low <= 10 && high >= 10) held++;
    }
    expect(held).toBeGreaterThan(368);
    expect(held).toBeLessThan(396);
  });
});

describe('ratioOverStarts', () => {
  it('weighs starts by what they did', () => {
    // R = 30/15 = 2; errors 0, −1, 1 over a mean of 5: √(2/2/3)/5, times 4.3027.
    const { value, high } = ratioOverStarts([8, 9, 13], [4, 5, 6]);
    expect(value).toBe(2);
    expect(high - value).toBeCloseTo((4.3027 * Math.sqrt(1 / 3)) / 5, 10);
  });

  it('refuses two', () => {
    expect(() => ratioOverStarts([1, 2], [1, 1])).toThrow(InputError);
    expect(() => ratioOverStarts([1, 2, 3], [1, 1])).toThrow(/got 3 and 2/);
  });
});

describe('spreadOf', () => {
  it('says how far starts lie apart, and widens with it', () => {
    const spread = spreadOf([0.9, 1, 1.1]);
    expect(spread.standardDeviation).toBeCloseTo(0.1, 12);
    expect(spread.slowestOverFastest).toBeCloseTo(1.1 / 0.9, 12);
    expect(spread.halfWidth).toBeCloseTo((4.3027 * 0.1) / Math.sqrt(3), 10);
    // 3 and 4 make 5.
    const wide = widen({ value: 10, low: 7, high: 13 }, { ...spread, halfWidth: 0.4 });
    expect([wide.low, wide.value, wide.high]).toEqual([5, 10, 15]);
  });
});
