import { InputError } from '../../errors.js';

/** The arithmetic mean. @throws {InputError} when there are no values */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / required(values).length;
}

/** The sum of values. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let index = 0; index < values.length; index++) total += values[index] as number;
  return total;
}

/**
 * The standard deviation of a sample (divided by n − 1; NumPy's `std(ddof=1)`).
 *
 * @returns the deviation in the unit of the values; 0 for a single value
 * @throws {InputError} when there are no values
 */
export function standardDeviation(values: ArrayLike<number>): number {
  const centre = mean(values);
  if (values.length === 1) return 0;
  let squares = 0;
  for (let index = 0; index < values.length; index++) squares += ((values[index] as number) - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * A quantile of a sample, interpolated linearly between order statistics: type 7 of Hyndman and Fan (1996),
 * the default of R and NumPy.
 *
 * @param values - in any order
 * @param share - 0 (the smallest) … 1 (the largest)
 * @throws {InputError} when there are no values or the share is outside 0 … 1
 * @example
 * quantile([1, 2, 3, 4], 0.5); // 2.5
 */
export function quantile(values: ArrayLike<number>, share: number): number {
  return quantileSorted(Float64Array.from(required(values)).sort(), share);
}

/** As {@link quantile}, for values that already rise. */
export function quantileSorted(rising: ArrayLike<number>, share: number): number {
  if (!(share >= 0 && share <= 1)) {
    throw new InputError(`quantile: a share in 0…1 was required, got ${share}; give a fraction, not a percentage`);
  }
  const position = (required(rising).length - 1) * share;
  const below = Math.floor(position);
  const low = rising[below] as number;
  const high = rising[Math.min(below + 1, rising.length - 1)] as number;
  return low + (position - below) * (high - low);
}

/** The middle of a sample. @throws {InputError} when there are no values */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

function required(values: ArrayLike<number>): ArrayLike<number> {
  if (values.length === 0) throw new InputError('statistics: at least one value was required, got none; measure first');
  return values;
}
