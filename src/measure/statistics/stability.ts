import { bootstrap, type Estimate } from './bootstrap.js';
import { mean, median, quantile, quantileSorted } from './statistics.js';

/** Whether trials stayed alike from the first to the last. All of it is about times after what their length explains is taken out. */
export interface Stability {
  /**
   * Correlation of each trial with the next, −1 … 1. Beyond about ±2/√trials neighbours are alike: intervals that take
   * trials for independent are then too narrow.
   */
  readonly autocorrelation: number;
  /** Median of the second half over that of the first: above 1 it became slower. With a 99 % interval. */
  readonly drift: Estimate;
  /** Whether that interval leaves out 1. */
  readonly drifts: boolean;
  /** Trials far from the others; they are counted, never left out. */
  readonly outliers: Outliers;
}

/** Trials far from the others. */
export interface Outliers {
  readonly slow: number;
  readonly fast: number;
  /** The slowest trial over what its length lets expect. */
  readonly slowestRatio: number;
}

/**
 * Fewest trials of which anything is said. With 30 the interval of the drift left out 1 in 6 of 100 steady series made up
 * for this, with 120 in 1 to 2 (in 4 where neighbours correlate by 0.6).
 */
const FEWEST_TRIALS = 60;

/** Fewest stretches of a half from which an interval is drawn. */
const FEWEST_STRETCHES = 6;

const DRIFT_CONFIDENCE = 0.99;

/** Iglewicz and Hoaglin (1993): a modified z-score beyond this marks an outlier. */
const OUTLIER_SCORE = 3.5;

/** Standard deviations in a median absolute deviation of normal values. */
const MAD_OF_NORMAL = 0.6745;

/**
 * Looks whether trials stayed alike: lag-1 autocorrelation, drift of the second half against the first, outliers.
 *
 * Utterances differ in length, so each time is first divided by what a line through all of them (least squares) gives for
 * its length. The interval of the drift draws stretches of neighbouring trials, not single ones (block bootstrap,
 * length n^⅓): neighbours are alike.
 *
 * @param timesMs - in the order in which they were measured
 * @param audioS - length of the sound of each, in seconds
 * @returns `null` below 60 trials
 */
export function findStability(timesMs: readonly number[], audioS: readonly number[]): Stability | null {
  if (timesMs.length < FEWEST_TRIALS) return null;
  const ratios = overExpected(timesMs, audioS);
  const drift = findDrift(ratios);
  return {
    autocorrelation: autocorrelation(ratios),
    drift,
    drifts: drift.low > 1 || drift.high < 1,
    outliers: findOutliers(ratios),
  };
}

/**
 * Lag-1 autocorrelation, Σ(xₜ − x̄)(xₜ₊₁ − x̄) / Σ(xₜ − x̄)²: the form of Box and Jenkins and of R's `acf`.
 *
 * @param values - in order
 * @returns −1 … 1; 0 for values that are all the same
 */
export function autocorrelation(values: readonly number[]): number {
  const centre = mean(values);
  let [products, squares] = [0, 0];
  for (const [index, value] of values.entries()) {
    squares += (value - centre) ** 2;
    const next = values[index + 1];
    if (next !== undefined) products += (value - centre) * (next - centre);
  }
  return squares === 0 ? 0 : products / squares;
}

/**
 * Counts values whose modified z-score 0.6745·(x − median)/MAD is beyond ±3.5.
 *
 * Source: B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers (1993).
 *
 * @param values - at least one
 */
export function findOutliers(values: readonly number[]): Outliers {
  const centre = median(values);
  const deviation = median(values.map((value) => Math.abs(value - centre)));
  const score = (value: number): number => (MAD_OF_NORMAL * (value - centre)) / deviation;
  // Values that are mostly the same have no scale to be far on.
  const far = deviation === 0 ? [] : values.filter((value) => Math.abs(score(value)) > OUTLIER_SCORE);
  const slow = far.filter((value) => value > centre).length;
  return { slow, fast: far.length - slow, slowestRatio: quantile(values, 1) };
}

/**
 * Says in a sentence how much slower or faster the second half was.
 *
 * @example describeDrift(stability) // 'the second half of the latency trials was 3.1 % (1.2 to 5.0) slower than the first; …'
 */
export function describeDrift({ drift }: Stability): string {
  const sign = drift.value > 1 ? 1 : -1;
  const [value, from, to] = [drift.value, ...(sign > 0 ? [drift.low, drift.high] : [drift.high, drift.low])].map(
    (ratio) => (sign * 100 * (ratio - 1)).toFixed(1),
  );
  return `the second half of the latency trials was ${value} % (${from} to ${to}) ${sign > 0 ? 'slower' : 'faster'} than the first; the machine was not the same throughout (ratios between conditions, which took turns, suffer less).`;
}

/**
 * Each time over what the line through all (least squares) gives for its length.
 *
 * @param timesMs - in any order
 * @param audioS - length of the sound of each, in seconds
 */
export function overExpected(timesMs: readonly number[], audioS: readonly number[]): readonly number[] {
  const [meanMs, meanS] = [mean(timesMs), mean(audioS)];
  let [products, squares] = [0, 0];
  for (const [index, seconds] of audioS.entries()) {
    products += (seconds - meanS) * ((timesMs[index] ?? 0) - meanMs);
    squares += (seconds - meanS) ** 2;
  }
  const slope = squares === 0 ? 0 : products / squares;
  const expected = audioS.map((seconds) => meanMs + slope * (seconds - meanS));
  // A line that passes below 0 within the data explains nothing: the lengths are then left alone.
  const usable = expected.every((value) => value > 0);
  return timesMs.map((time, index) => time / (usable ? (expected[index] ?? meanMs) : meanMs));
}

function findDrift(ratios: readonly number[]): Estimate {
  const half = Math.floor(ratios.length / 2);
  const first = Float64Array.from(ratios.slice(0, half));
  const second = Float64Array.from(ratios.slice(-half));
  const length = Math.max(1, Math.min(Math.ceil(Math.cbrt(ratios.length)), Math.floor(half / FEWEST_STRETCHES)));
  const stretches = Math.floor(half / length);
  const buffer = new Float64Array(stretches * length);
  const ofDrawn = (values: Float64Array, drawn: Int32Array): number => {
    for (const [place, index] of drawn.entries()) {
      buffer.set(values.subarray(index * length, (index + 1) * length), place * length);
    }
    return quantileSorted(buffer.sort(), 0.5);
  };
  const value = median(second) / median(first);
  // What does not fill a stretch is in the value, and not in what is drawn.
  const { low, high } = bootstrap(stretches, (drawn) => ofDrawn(second, drawn) / ofDrawn(first, drawn), {
    confidence: DRIFT_CONFIDENCE,
  });
  return { value, low, high };
}
