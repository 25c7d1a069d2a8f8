import { InputError } from '../errors.js';
import type { Summary } from '../experiment/schema.js';
import type { InstancePrice } from '../measure/cost/prices.js';
import { cheapestCost, speedsOf } from './costOf.js';

/** Metrics of a deployed system: of all but one, less is better. */
export const METRICS = [
  'wer',
  'latencyMs',
  'audioSPerS',
  'joules',
  'sizeBytes',
  'peakBytes',
  'usdPer1000Hours',
] as const;

/** One of {@link METRICS}. */
export type Metric = (typeof METRICS)[number];

/** What a condition reached in each metric; `null` where it was not measured. */
export interface Candidate {
  readonly id: string;
  readonly title: string;
  /** Word error rate, a fraction; mean latency; seconds of sound each second; joules an utterance; file; peak memory; price. */
  readonly metrics: Readonly<Record<Metric, number | null>>;
}

/** How much each metric counts: a factor of two in a metric of weight 2 counts as much as four in one of weight 1. */
export type Priorities = Partial<Record<Metric, number>>;

/** What readers care for, in words, and which metrics that weighs. */
export const CARES: readonly { readonly care: string; readonly priorities: Priorities }[] = [
  { care: 'an answer at once', priorities: { latencyMs: 1 } },
  { care: 'much sound in little time', priorities: { audioSPerS: 1 } },
  { care: 'a small download', priorities: { sizeBytes: 1 } },
  { care: 'a small device', priorities: { peakBytes: 2, sizeBytes: 1 } },
  { care: 'the bill', priorities: { usdPer1000Hours: 1 } },
  { care: 'the battery', priorities: { joules: 1 } },
  { care: 'few wrong words', priorities: { wer: 1 } },
];

/** The metric of which more is better. */
const MORE_IS_BETTER: Metric = 'audioSPerS';

/** The measured conditions of a run in all metrics. */
export function candidatesOf(summary: Summary, prices: readonly InstancePrice[]): readonly Candidate[] {
  const speeds = new Map(speedsOf(summary).map((speed) => [speed.condition, speed]));
  return summary.conditions.flatMap(({ condition, outcome, latency, throughput, accuracy }) => {
    if (outcome.status !== 'measured') return [];
    const speed = speeds.get(condition.id);
    const cost = speed === undefined ? null : cheapestCost(speed, prices);
    const metrics = {
      wer: accuracy?.wer.value ?? null,
      latencyMs: latency?.meanMs.value ?? null,
      audioSPerS: throughput?.audioSPerS.value ?? null,
      joules: outcome.energy?.joulesPerUtterance.value ?? null,
      sizeBytes: outcome.sizeBytes,
      peakBytes: outcome.memory?.withArena.afterRuns.peakBytes ?? null,
      usdPer1000Hours: cost?.usdPer1000Hours.value ?? null,
    };
    return [{ id: condition.id, title: condition.title, metrics }];
  });
}

/** A metric as something of which less is better. */
function burden({ metrics }: Candidate, metric: Metric): number {
  const value = metrics[metric] ?? Number.POSITIVE_INFINITY;
  return metric === MORE_IS_BETTER ? -value : value;
}

/**
 * The candidates that no other beats: none is at least as good in every metric and better in one. Point estimates count, not
 * their intervals.
 *
 * @param metrics - which count. Default: those that every candidate has
 */
export function paretoFront(
  candidates: readonly Candidate[],
  metrics: readonly Metric[] = commonMetrics(candidates),
): readonly Candidate[] {
  const beats = (one: Candidate, other: Candidate): boolean =>
    metrics.every((metric) => burden(one, metric) <= burden(other, metric)) &&
    metrics.some((metric) => burden(one, metric) < burden(other, metric));
  return candidates.filter((one) => !candidates.some((other) => beats(other, one)));
}

/** Metrics that every candidate has. */
export function commonMetrics(candidates: readonly Candidate[]): readonly Metric[] {
  return METRICS.filter((metric) => candidates.every((one) => one.metrics[metric] !== null));
}

/**
 * Orders candidates by what a reader cares for: the weighted geometric mean of how many times better each is than the first.
 * Accuracy is a bound rather than a weight for most readers: leave it out of the priorities and name the most that may be lost.
 *
 * @param candidates - the first is the reference
 * @param priorities - weights of metrics; those left out do not count
 * @param mostWerLost - points of word error rate, as a fraction, that may be lost against the first. Default: 0.01
 * @returns the best first, each with its score: 2 is twice as good as the reference
 * @throws {InputError} when nothing counts, or a candidate lacks a metric that does
 */
export function recommend(
  candidates: readonly Candidate[],
  priorities: Priorities,
  mostWerLost = 0.01,
): readonly { readonly candidate: Candidate; readonly score: number }[] {
  const [reference] = candidates;
  const weights = METRICS.flatMap((metric) => {
    const weight = priorities[metric] ?? 0;
    return weight > 0 ? [{ metric, weight }] : [];
  });
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  if (reference === undefined || total === 0) {
    throw new InputError('recommendation: candidates and a priority above 0 were required, got none; name a metric');
  }
  const allowed = (reference.metrics.wer ?? Number.POSITIVE_INFINITY) + mostWerLost;
  return candidates
    .filter(({ metrics }) => (metrics.wer ?? 0) <= allowed)
    .map((candidate) => {
      const logs = weights.map(({ metric, weight }) => {
        const [was, is] = [reference.metrics[metric], candidate.metrics[metric]];
        if (!was || !is) {
          throw new InputError(`${candidate.title}: ${metric} was required, got none; measure it or leave it out`);
        }
        return weight * Math.log(metric === MORE_IS_BETTER ? is / was : was / is);
      });
      return { candidate, score: Math.exp(logs.reduce((sum, log) => sum + log, 0) / total) };
    })
    .sort((one, other) => other.score - one.score);
}
