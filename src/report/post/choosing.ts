import { InputError } from '../../errors.js';
import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import type { Summary } from '../../study/schema.js';
import { estimateOf } from '../metric.js';
import { METRICS, type MetricId } from '../metrics.js';
import { type Evidence, type Standing, standingOf } from '../standing.js';
import { pricedConditions } from '../tables/costOf.js';

/** What a condition reached in each metric; `null` where it was not measured. */
export interface Candidate {
  readonly id: string;
  readonly title: string;
  /** By the id of the metric, in its unit; rates are fractions, sizes are in bytes. */
  readonly metrics: Readonly<Record<MetricId, number | null>>;
  /** What the numbers rest on; without it they count as they are. */
  readonly evidence?: Readonly<Partial<Record<MetricId, Evidence>>> | undefined;
  /** Metrics that follow from others. */
  readonly derived?: readonly MetricId[] | undefined;
}

/** How much each metric counts: a factor of two in a metric of weight 2 counts as much as four in one of weight 1. */
export type Priorities = Partial<Record<MetricId, number>>;

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

/** The measured conditions of a run in all metrics. */
export function candidatesOf(summary: Summary, prices: readonly InstancePrice[]): readonly Candidate[] {
  return pricedConditions(summary, prices).flatMap((entry) => {
    const { condition, outcome } = entry;
    if (outcome.status !== 'measured') return [];
    const metrics = METRICS.map(({ id, of }) => {
      const quantity = of(entry);
      return [id, quantity === null ? null : estimateOf(quantity).value];
    });
    const evidence = METRICS.flatMap((metric): [MetricId, Evidence][] => {
      const quantity = metric.of(entry);
      if (quantity === null) return [];
      return [[metric.id, { estimate: estimateOf(quantity), samples: metric.samples?.(entry) }]];
    });
    const derived = METRICS.filter((metric) => metric.isDerived?.(entry)).map(({ id }) => id);
    const { id, title } = condition;
    return [{ id, title, metrics: Object.fromEntries(metrics), evidence: Object.fromEntries(evidence), derived }];
  });
}

/**
 * The candidates that no other beats: none is shown to be better in one metric without being shown to be worse in another.
 *
 * @param metrics - which count. Default: those that every candidate has and that follow from no other
 */
export function paretoFront(
  candidates: readonly Candidate[],
  metrics: readonly MetricId[] = commonMetrics(candidates),
): readonly Candidate[] {
  const beats = (one: Candidate, other: Candidate): boolean => {
    const standings = metrics.map((id) => standingIn(id, one, other));
    return standings.includes('better') && !standings.includes('worse');
  };
  return candidates.filter((one) => !candidates.some((other) => beats(other, one)));
}

/** How one candidate stands to another in a metric, as far as is shown; undecided where one has none. */
export function standingIn(id: MetricId, one: Candidate, other: Candidate): Standing {
  const metric = METRICS.find((own) => own.id === id);
  const evidenceOf = ({ metrics, evidence }: Candidate): Evidence | null => {
    const value = metrics[id];
    return evidence?.[id] ?? (value === null ? null : { estimate: { value, low: value, high: value } });
  };
  const [own, others] = [evidenceOf(one), evidenceOf(other)];
  return metric === undefined || own === null || others === null ? 'undecided' : standingOf(metric, own, others);
}

/** Metrics that every candidate has, and that follow from no other. */
export function commonMetrics(candidates: readonly Candidate[]): readonly MetricId[] {
  return METRICS.map(({ id }) => id).filter((id) =>
    candidates.every(({ metrics, derived = [] }) => metrics[id] !== null && !derived.includes(id)),
  );
}

/** A candidate, and how good it is. */
export interface Recommendation {
  readonly candidate: Candidate;
  /** How many times better than the reference. */
  readonly score: number;
  /** Whether the best is not shown to be better. */
  readonly isAsGood: boolean;
}

/**
 * Orders candidates by what a reader cares for: the weighted geometric mean of how many times better each is than the first.
 * Accuracy is a bound rather than a weight for most readers: leave it out of the priorities and name the most that may be lost.
 *
 * @param candidates - the first is the reference
 * @param priorities - weights of metrics; those left out do not count
 * @param mostWerLost - points of word error rate, as a fraction, that may be lost against the first. Default: the margin of the test of accuracy, 0.01
 * @returns the best first, each with its score: 2 is twice as good as the reference; and whether it is as good as the best as far as is
 *   shown: in no metric that counts is the best shown to be better
 * @throws {InputError} when nothing counts, or a candidate lacks a metric that does
 */
export function recommend(
  candidates: readonly Candidate[],
  priorities: Priorities,
  mostWerLost: number = MARGIN,
): readonly Recommendation[] {
  const [reference] = candidates;
  const weights = METRICS.flatMap(({ id, lessIsBetter }) => {
    const weight = priorities[id] ?? 0;
    return weight > 0 ? [{ id, lessIsBetter, weight }] : [];
  });
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  if (reference === undefined || total === 0) {
    throw new InputError('recommendation: candidates and a priority above 0 were required, got none; name a metric');
  }
  const allowed = (reference.metrics.wer ?? Number.POSITIVE_INFINITY) + mostWerLost;
  const scored = candidates
    .filter(({ metrics }) => (metrics.wer ?? 0) <= allowed)
    .map((candidate) => {
      const logs = weights.map(({ id, lessIsBetter, weight }) => {
        const [was, is] = [reference.metrics[id], candidate.metrics[id]];
        if (!was || !is) {
          throw new InputError(`${candidate.title}: ${id} was required, got none; measure it or leave it out`);
        }
        return weight * Math.log(lessIsBetter ? was / is : is / was);
      });
      return { candidate, score: Math.exp(logs.reduce((sum, log) => sum + log, 0) / total) };
    })
    .sort((one, other) => other.score - one.score);
  const [best] = scored;
  return scored.map((one) => ({
    ...one,
    isAsGood: weights.every(
      ({ id }) => best === undefined || standingIn(id, best.candidate, one.candidate) !== 'better',
    ),
  }));
}
