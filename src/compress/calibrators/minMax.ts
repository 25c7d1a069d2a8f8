import { InputError } from '../../errors.js';
import type { RangeObserver, ValueRange } from './range.js';

/**
 * Lowest and highest of some values.
 *
 * @returns zeros for an empty array
 * @throws {InputError} when a value is NaN or infinite
 */
export function extremes(values: Float32Array): ValueRange {
  if (values.length === 0) return { lowest: 0, highest: 0 };
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let finite = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    // NaN fails every comparison: only this product tells it apart.
    finite &&= value - value === 0;
  }
  if (!finite) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    throw new InputError(
      `calibration: finite values were required, got ${values[at]} at index ${at}; look for an overflow before this tensor`,
    );
  }
  return { lowest, highest };
}

/** Lowest and highest value of all samples. */
export function minMaxObserver(symmetric: boolean): RangeObserver {
  let seen: ValueRange | undefined;
  return {
    observe(values): void {
      if (values.length === 0) return;
      const now = symmetrized(extremes(values), symmetric);
      seen = seen ? { lowest: Math.min(seen.lowest, now.lowest), highest: Math.max(seen.highest, now.highest) } : now;
    },
    range: () => seen ?? nothingSeen(),
  };
}

/** Means of the extremes of each `stride` samples, followed by an exponential moving average; in float32 steps. */
export function averageObserver(symmetric: boolean, averagingConstant: number, stride: number): RangeObserver {
  const weight = Math.fround(averagingConstant);
  let average: ValueRange | undefined;
  let sum = { lowest: 0, highest: 0, samples: 0 };
  const approach = (from: number, to: number): number =>
    Math.fround(from + Math.fround(weight * Math.fround(to - from)));
  const advanced = (): ValueRange | undefined => {
    if (sum.samples === 0) return average;
    const mean = {
      lowest: Math.fround(sum.lowest / sum.samples),
      highest: Math.fround(sum.highest / sum.samples),
    };
    const now = symmetrized(mean, symmetric);
    if (!average) return now;
    return { lowest: approach(average.lowest, now.lowest), highest: approach(average.highest, now.highest) };
  };
  return {
    observe(values): void {
      if (values.length === 0) return;
      const { lowest, highest } = extremes(values);
      sum = {
        lowest: Math.fround(sum.lowest + lowest),
        highest: Math.fround(sum.highest + highest),
        samples: sum.samples + 1,
      };
      if (sum.samples < stride) return;
      average = advanced();
      sum = { lowest: 0, highest: 0, samples: 0 };
    },
    range: () => advanced() ?? nothingSeen(),
  };
}

/** @throws {InputError} always: a range needs at least one value. */
export function nothingSeen(): never {
  throw new InputError('calibration: at least one value was required, got none; give samples that reach this tensor');
}

function symmetrized(range: ValueRange, symmetric: boolean): ValueRange {
  if (!symmetric) return range;
  const largest = Math.max(Math.abs(range.lowest), Math.abs(range.highest));
  return { lowest: -largest, highest: largest };
}
