import { bootstrap, bootstrapRatio, type Estimate } from './bootstrap.js';
import { earlyStoppingPercentile } from './earlyStopping.js';
import type { Trial } from './protocol.js';
import { mean, median, quantile, standardDeviation, sum } from './statistics.js';

/** How long one utterance takes. */
export interface LatencySummary {
  readonly trials: number;
  readonly meanMs: Estimate;
  readonly standardDeviationMs: number;
  readonly medianMs: Estimate;
  readonly minMs: number;
  readonly maxMs: number;
  /** MLPerf's early-stopping estimate of the 90th percentile at 99 % confidence; `null` below 64 trials. */
  readonly p90Ms: number | null;
  /** Means of the parts. */
  readonly featuresMs: number;
  readonly inferenceMs: number;
  readonly decodingMs: number;
  /** Compute seconds for each second of sound. */
  readonly realTimeFactor: number;
}

/**
 * Describes trials of one utterance each. The intervals draw utterances, not trials: trials of the same one are alike.
 *
 * @param trials - at least one
 * @throws {InputError} when there are none
 */
export function summarizeLatency(trials: readonly Trial[]): LatencySummary {
  const totals = trials.map(({ totalMs }) => totalMs);
  const clusters = [...timesByUtterance(trials).values()];
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
    p90Ms: earlyStoppingPercentile(totals, 0.9),
    featuresMs: mean(trials.map(({ featuresMs }) => featuresMs)),
    inferenceMs: mean(trials.map(({ inferenceMs }) => inferenceMs)),
    decodingMs: mean(trials.map(({ decodingMs }) => decodingMs)),
    realTimeFactor: sum(totals) / 1000 / sum(trials.map(({ audioS }) => audioS)),
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
