import { InputError } from '../../errors.js';

/**
 * Early-stopping estimate of a percentile, as MLPerf's LoadGen computes it: a value of which one may say, at the given
 * confidence, that at least `percentile` of all trials stay at or below it. It is the t-th highest value, where t is
 * the largest count for which so few exceedances would be too rare if the true share were smaller:
 * P(Binomial(n, 1 − percentile) ≤ t) ≤ 1 − confidence.
 *
 * At 99 % confidence a 90th percentile needs 64 trials, a 95th 130 and a 99th 662.
 *
 * Source: MLPerf Inference Rules, "Early Stopping" (loadgen/early_stopping.cc, tolerance 0).
 *
 * @param values - one for each trial, in any order
 * @param percentile - as a fraction, for example 0.9
 * @param confidence - as a fraction
 * @returns the estimate in the unit of the values, or `null` when there are too few trials to say anything
 * @throws {InputError} when percentile or confidence is not between 0 and 1
 */
export function earlyStoppingPercentile(
  values: ArrayLike<number>,
  percentile: number,
  confidence = 0.99,
): number | null {
  const rank = earlyStoppingRank(values.length, percentile, confidence);
  return rank < 1 ? null : (Float64Array.from(values).sort()[values.length - rank] as number);
}

/**
 * The place of the early-stopping estimate, counted from the highest value: 1 is the highest.
 *
 * @param trials - how many
 * @param percentile - as a fraction
 * @param confidence - as a fraction
 * @returns the place, or 0 when there are too few trials
 * @throws {InputError} when percentile or confidence is not between 0 and 1
 * @example
 * earlyStoppingRank(300, 0.9); // 18
 */
export function earlyStoppingRank(trials: number, percentile: number, confidence = 0.99): number {
  for (const share of [percentile, confidence]) {
    if (share > 0 && share < 1) continue;
    throw new InputError(`percentile: a fraction between 0 and 1 was required, got ${share}; 0.9 is the 90th`);
  }
  return Math.max(0, exceedances(trials, percentile, confidence));
}

/**
 * Fewest trials that allow an early-stopping estimate of a percentile.
 *
 * @param percentile - as a fraction
 * @param confidence - as a fraction
 * @throws {InputError} when percentile or confidence is not between 0 and 1
 * @example
 * fewestTrials(0.99); // 662
 */
export function fewestTrials(percentile: number, confidence = 0.99): number {
  let [few, enough] = [0, 1];
  while (earlyStoppingRank(enough, percentile, confidence) < 1) [few, enough] = [enough, 2 * enough];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (earlyStoppingRank(middle, percentile, confidence) < 1) few = middle;
    else enough = middle;
  }
  return enough;
}

/** What may be said of a percentile after a number of trials. */
export interface PercentileBound {
  /** As a fraction: 0.9 is the 90th. */
  readonly percentile: number;
  /** The early-stopping estimate; `null` where there are fewer trials than {@link PercentileBound.trialsNeeded}. */
  readonly valueMs: number | null;
  /** Its place, counted from the slowest trial; `null` where there is no estimate. */
  readonly rank: number | null;
  /** Fewest trials that allow one. */
  readonly trialsNeeded: number;
}

/**
 * Estimates a percentile, or says how many trials that would take.
 *
 * @param timesMs - one for each trial, in any order
 * @param percentile - as a fraction
 * @throws {InputError} when the percentile is not between 0 and 1
 */
export function boundPercentile(timesMs: ArrayLike<number>, percentile: number): PercentileBound {
  const valueMs = earlyStoppingPercentile(timesMs, percentile);
  const rank = valueMs === null ? null : earlyStoppingRank(timesMs.length, percentile);
  return { percentile, valueMs, rank, trialsNeeded: fewestTrials(percentile) };
}

/** The largest t with P(Binomial(n, 1 − percentile) ≤ t) ≤ 1 − confidence; −1 when there is none. */
function exceedances(trials: number, percentile: number, confidence: number): number {
  const odds = Math.log(1 - percentile) - Math.log(percentile);
  // Probability of exactly t exceedances, as a logarithm: (1 − p)ⁿ underflows for large n otherwise.
  let logProbability = trials * Math.log(percentile);
  let cumulative = 0;
  for (let count = 0; count <= trials; count++) {
    cumulative += Math.exp(logProbability);
    if (cumulative > 1 - confidence) return count - 1;
    logProbability += Math.log(trials - count) - Math.log(count + 1) + odds;
  }
  return trials;
}
