import { InputError } from '../../errors.js';
import type { Estimate } from './bootstrap.js';
import { mean, standardDeviation, sum } from './statistics.js';

/**
 * Fewest independent starts (fresh processes) from which an interval is drawn: with two, Student's t is 12.7, and the interval says
 * nothing.
 */
export const FEWEST_STARTS = 3;

/** The same work in several independent starts, and how far they lie apart: the noise floor. */
export interface StartSpread {
  readonly starts: number;
  /** Standard deviation of the starts over their mean, as a fraction. */
  readonly standardDeviation: number;
  /** The slowest start over the fastest. */
  readonly slowestOverFastest: number;
  /** Half the width of the 95 % interval of their mean, over the mean, as a fraction. */
  readonly halfWidth: number;
}

/**
 * A ratio of sums of which each start has given a part, Σ numerators / Σ denominators, with a 95 % interval over the starts: the
 * linearised variance of a ratio (Cochran, Sampling Techniques, 1977, chapter 6) times Student's t. Starts are few, and a bootstrap of few
 * values is too narrow.
 *
 * @param numerators - one for each start, at least {@link FEWEST_STARTS}
 * @param denominators - likewise, all above 0
 * @throws {InputError} when there are fewer, or not as many of each
 * @example ratioOverStarts([10, 11, 12], [1, 1, 1]) // { value: 11, low: 8.52, high: 13.48 }
 */
export function ratioOverStarts(numerators: readonly number[], denominators: readonly number[]): Estimate {
  const starts = numerators.length;
  if (starts < FEWEST_STARTS || denominators.length !== starts) {
    throw new InputError(
      `starts: ${FEWEST_STARTS} or more were required, as many above as below, got ${starts} and ${denominators.length}; measure in more starts`,
    );
  }
  const value = sum(numerators) / sum(denominators);
  const errors = numerators.map((numerator, start) => numerator - value * (denominators[start] ?? 0));
  const squares = errors.reduce((total, error) => total + error * error, 0);
  const deviation = Math.sqrt(squares / (starts - 1) / starts) / mean(denominators);
  const half = studentFactor(starts - 1) * deviation;
  return { value, low: value - half, high: value + half };
}

/** The mean of values that each start has given one of, with its 95 % interval; see {@link ratioOverStarts}. */
export function meanOverStarts(values: readonly number[]): Estimate {
  return ratioOverStarts(
    values,
    values.map(() => 1),
  );
}

/**
 * How far starts lie apart that did the same work.
 *
 * @param factors - time of each start over what is usual, at least {@link FEWEST_STARTS}
 */
export function spreadOf(factors: readonly number[]): StartSpread {
  const { value, high } = meanOverStarts(factors);
  return {
    starts: factors.length,
    standardDeviation: standardDeviation(factors) / value,
    slowestOverFastest: Math.max(...factors) / Math.min(...factors),
    halfWidth: high / value - 1,
  };
}

/**
 * Adds to an interval what independent starts differ by: half widths are added as squares, since what utterances and what starts
 * bring has nothing to do with each other.
 *
 * @param estimate - of a time or a rate, its interval drawn within the starts
 */
export function widen({ value, low, high }: Estimate, { halfWidth }: StartSpread): Estimate {
  const own = halfWidth * value;
  return { value, low: value - Math.hypot(value - low, own), high: value + Math.hypot(high - value, own) };
}

/** Student's t that 95 % lie within, for 1 to 5 degrees of freedom (R: `qt(0.975, 1:5)`). */
const STUDENT: readonly number[] = [12.7062, 4.3027, 3.1824, 2.7764, 2.5706];

/** The same of the normal distribution. */
const NORMAL = 1.959964;

/**
 * Student's t that 95 % lie within: R's `qt(0.975, degrees)` to one part in a thousand.
 *
 * Beyond the table, the expansion of Abramowitz and Stegun 26.7.5 around the normal quantile.
 *
 * @param degrees - of freedom, at least 1
 */
export function studentFactor(degrees: number): number {
  const z = NORMAL;
  return (
    STUDENT[degrees - 1] ??
    z +
      (z ** 3 + z) / (4 * degrees) +
      (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
      (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}
