import type { Trial } from '../../process/protocol.js';
import { type StartSpread, widen } from '../statistics/betweenStarts.js';
import { bootstrap, bootstrapRatio, type Estimate } from '../statistics/bootstrap.js';
import { boundPercentile, type PercentileBound } from '../statistics/earlyStopping.js';
import { findStability, type Stability } from '../statistics/stability.js';
import { mean, median, quantile, standardDeviation, sum } from '../statistics/statistics.js';

/** How long one call takes. */
export interface TimeSummary {
  readonly trials: number;
  readonly meanMs: Estimate;
  readonly standardDeviationMs: number;
  readonly medianMs: Estimate;
  readonly minMs: number;
  readonly maxMs: number;
  /** The 90th and the 95th percentile of the trials themselves (type 7, as `quantile`). */
  readonly p90Ms: number;
  readonly p95Ms: number;
  /** What the 90th, 95th and 99th percentile are at most, each with the trials that such a bound needs. */
  readonly percentiles: readonly PercentileBound[];
  /** Whether the trials stayed alike; `null` when there are too few to tell. */
  readonly stability: Stability | null;
}

/** How long one utterance takes. */
export interface LatencySummary extends TimeSummary {
  /** Means of the parts. */
  readonly featuresMs: number;
  readonly inferenceMs: number;
  readonly decodingMs: number;
  /** Compute seconds for each second of sound. */
  readonly realTimeFactor: number;
  /** The same with its interval, and of each part. */
  readonly realTimeFactors: RealTimeFactors;
}

/** Compute seconds for each second of sound, in all and part by part. */
export interface RealTimeFactors {
  readonly total: Estimate;
  readonly features: number;
  readonly inference: number;
  readonly decoding: number;
}

/** Percentiles that are of interest; MLPerf's. */
const PERCENTILES = [0.9, 0.95, 0.99] as const;

/**
 * Describes trials of one utterance each. The intervals draw utterances, not trials: trials of the same one are alike.
 *
 * @param trials - at least one, in the order in which they were measured
 * @throws {InputError} when there are none
 */
export function summarizeLatency(trials: readonly Trial[]): LatencySummary {
  const audioS = trials.map((trial) => trial.audioS);
  const realTimeFactors = factorsOf(trials);
  return {
    ...summarizeTimes(trials, audioS, [...timesByUtterance(trials).values()]),
    featuresMs: mean(trials.map(({ featuresMs }) => featuresMs)),
    inferenceMs: mean(trials.map(({ inferenceMs }) => inferenceMs)),
    decodingMs: mean(trials.map(({ decodingMs }) => decodingMs)),
    realTimeFactor: realTimeFactors.total.value,
    realTimeFactors,
  };
}

/** Latency whose intervals hold what independent starts differ by, too. */
export function widenLatency(latency: LatencySummary, spread: StartSpread): LatencySummary {
  const { meanMs, medianMs, realTimeFactors } = latency;
  return {
    ...latency,
    meanMs: widen(meanMs, spread),
    medianMs: widen(medianMs, spread),
    realTimeFactors: { ...realTimeFactors, total: widen(realTimeFactors.total, spread) },
  };
}

/**
 * Describes the times of trials.
 *
 * @param trials - at least one, in the order in which they were measured
 * @param work - how much each had to do, by which times are expected to differ
 * @param clusters - the times again, those together that are alike: the intervals draw clusters, not trials
 */
export function summarizeTimes(
  trials: readonly Trial[],
  work: readonly number[],
  clusters: readonly (readonly number[])[],
): TimeSummary {
  const totals = trials.map(({ totalMs }) => totalMs);
  const percentiles = PERCENTILES.map((percentile) => boundPercentile(totals, percentile));
  return {
    trials: trials.length,
    meanMs: bootstrapRatio(
      clusters.map((times) => sum(times)),
      clusters.map(({ length }) => length),
    ),
    standardDeviationMs: standardDeviation(totals),
    medianMs: bootstrap(clusters.length, (drawn) => median(Array.from(drawn, (index) => clusters[index] ?? []).flat())),
    minMs: quantile(totals, 0),
    maxMs: quantile(totals, 1),
    p90Ms: quantile(totals, 0.9),
    p95Ms: quantile(totals, 0.95),
    percentiles,
    stability: findStability(totals, work),
  };
}

/** Sums over sums: a long utterance counts for its length. */
function factorsOf(trials: readonly Trial[]): RealTimeFactors {
  const utterances = new Map<string, { totalMs: number; audioMs: number }>();
  for (const { utterances: ids, totalMs, audioS } of trials) {
    const one = utterances.get(ids[0] ?? '') ?? { totalMs: 0, audioMs: 0 };
    utterances.set(ids[0] ?? '', { totalMs: one.totalMs + totalMs, audioMs: one.audioMs + 1000 * audioS });
  }
  const all = [...utterances.values()];
  const audioMs = sum(all.map((one) => one.audioMs));
  return {
    total: bootstrapRatio(
      all.map(({ totalMs }) => totalMs),
      all.map((one) => one.audioMs),
    ),
    features: sum(trials.map(({ featuresMs }) => featuresMs)) / audioMs,
    inference: sum(trials.map(({ inferenceMs }) => inferenceMs)) / audioMs,
    decoding: sum(trials.map(({ decodingMs }) => decodingMs)) / audioMs,
  };
}

/**
 * Puts the times of each utterance together.
 *
 * @param trials - of one utterance each
 * @returns milliseconds by id
 */
export function timesByUtterance(trials: readonly Trial[]): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>();
  for (const { utterances, totalMs } of trials) {
    const id = utterances[0] ?? '';
    times.set(id, [...(times.get(id) ?? []), totalMs]);
  }
  return times;
}
