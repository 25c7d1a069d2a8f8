import { InputError } from '../../errors.js';
import { createRandom, type Random } from '../../random.js';
import { quantileSorted } from './statistics.js';

/** A value with its 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How often a sample is drawn again, and how sure the interval is. */
export interface BootstrapOptions {
  readonly resamples?: number;
  /** As a fraction. */
  readonly confidence?: number;
  readonly seed?: number;
}

/** What is used where nothing else is said. */
export const BOOTSTRAP_DEFAULTS: Required<BootstrapOptions> = { resamples: 2000, confidence: 0.95, seed: 20_260 };

/** Resamples without a value before it is given up: one value of a hundred thousand with something below still suffices. */
const MOST_REDRAWS = 1_000_000;

/**
 * Bootstrap interval of any statistic of a sample (Efron's percentile method): the sample is drawn again with
 * replacement many times, and the interval holds the middle of the values that result.
 *
 * A statistic of several columns (a ratio, a difference, sums over a corpus) takes *indices*, so that what belongs
 * together is drawn together: resampling is then paired.
 *
 * @param count - size of the sample
 * @param statistic - the value for the given indices, each in 0 … count − 1
 * @returns the statistic of the sample itself, and the interval around it
 * @throws {InputError} when the sample is empty
 */
export function bootstrap(
  count: number,
  statistic: (indices: Int32Array) => number,
  options: BootstrapOptions = {},
): Estimate {
  const { confidence } = { ...BOOTSTRAP_DEFAULTS, ...options };
  const { value, drawn } = bootstrapDraws(count, statistic, options);
  return { value, ...percentileInterval(drawn, confidence) };
}

/**
 * The values themselves that {@link bootstrap} makes its interval of.
 *
 * A resample of which the statistic is not defined, such as a ratio with nothing below, is drawn again: no interval holds NaN.
 *
 * @returns the statistic of the sample, and of each resample, rising
 * @throws {InputError} when the sample is empty, or the statistic is not defined of it
 */
export function bootstrapDraws(
  count: number,
  statistic: (indices: Int32Array) => number,
  options: BootstrapOptions = {},
): { readonly value: number; readonly drawn: Float64Array } {
  const { resamples, seed } = { ...BOOTSTRAP_DEFAULTS, ...options };
  if (count < 1) throw new InputError('bootstrap: at least one value was required, got none; measure first');
  const random = createRandom(seed);
  const indices = Int32Array.from({ length: count }, (_, index) => index);
  const value = statistic(indices);
  if (!Number.isFinite(value)) {
    throw new InputError(`bootstrap: a statistic that is a number was required, got ${value}; measure something first`);
  }
  const drawn = new Float64Array(resamples);
  for (let sample = 0, tries = 0; sample < resamples; tries++) {
    const again = statistic(draw(indices, random));
    if (Number.isFinite(again)) drawn[sample++] = again;
    else if (tries - sample > MOST_REDRAWS) {
      throw new InputError(
        `bootstrap: resamples that are numbers were required, got ${again} again and again; measure more`,
      );
    }
  }
  return { value, drawn: drawn.sort() };
}

/** The middle of rising values, as an interval. */
export function percentileInterval(rising: Float64Array, confidence: number): Pick<Estimate, 'low' | 'high'> {
  const tail = (1 - confidence) / 2;
  return { low: quantileSorted(rising, tail), high: quantileSorted(rising, 1 - tail) };
}

function draw(indices: Int32Array, random: Random): Int32Array {
  for (let index = 0; index < indices.length; index++) indices[index] = random.below(indices.length);
  return indices;
}

/** Bootstrap interval of the mean. */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions = {}): Estimate {
  return bootstrap(values.length, (indices) => sumAt(values, indices) / indices.length, options);
}

/** Bootstrap interval of the median. */
export function bootstrapMedian(values: ArrayLike<number>, options: BootstrapOptions = {}): Estimate {
  const drawn = new Float64Array(values.length);
  return bootstrap(
    values.length,
    (indices) => {
      for (let at = 0; at < indices.length; at++) drawn[at] = values[indices[at] as number] as number;
      return quantileSorted(drawn.sort(), 0.5);
    },
    options,
  );
}

/**
 * Bootstrap interval of a ratio of sums, Σ numerators / Σ denominators, drawn in pairs: a rate of a corpus, a
 * throughput, or the speed-up of one condition over another on the same utterances.
 *
 * @throws {InputError} when the two differ in length, or the denominators are all 0
 */
export function bootstrapRatio(
  numerators: ArrayLike<number>,
  denominators: ArrayLike<number>,
  options: BootstrapOptions = {},
): Estimate {
  if (numerators.length !== denominators.length) {
    throw new InputError(
      `bootstrap: pairs were required, got ${numerators.length} numerators and ${denominators.length} denominators; give one of each`,
    );
  }
  return bootstrap(numerators.length, (indices) => sumAt(numerators, indices) / sumAt(denominators, indices), options);
}

/**
 * Bootstrap interval of a ratio of sums where whole groups are drawn, not single values: utterances of one speaker depend on
 * each other, and the interval over speakers says what other speakers would bring (cluster bootstrap).
 *
 * @param groups - group of each pair
 * @throws {InputError} when the three differ in length
 */
export function bootstrapRatioByGroup(
  numerators: ArrayLike<number>,
  denominators: ArrayLike<number>,
  groups: readonly string[],
  options: BootstrapOptions = {},
): Estimate {
  if (groups.length !== numerators.length) {
    throw new InputError(
      `bootstrap: a group for each of ${numerators.length} pairs was required, got ${groups.length}; give one of each`,
    );
  }
  return bootstrapRatio(sumByGroup(numerators, groups), sumByGroup(denominators, groups), options);
}

function sumByGroup(values: ArrayLike<number>, groups: readonly string[]): readonly number[] {
  const sums = new Map<string, number>();
  for (const [index, group] of groups.entries()) sums.set(group, (sums.get(group) ?? 0) + (values[index] as number));
  return [...sums.values()];
}

function sumAt(values: ArrayLike<number>, indices: Int32Array): number {
  let total = 0;
  for (let at = 0; at < indices.length; at++) total += values[indices[at] as number] as number;
  return total;
}
