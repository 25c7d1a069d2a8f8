import { costOnInstance, type MeasuredSpeed, type TranscriptionCost } from '../../measure/cost/cost.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import { FEWEST_STARTS, meanOverStarts } from '../../measure/statistics/betweenStarts.js';
import { mean } from '../../measure/statistics/statistics.js';
import type { ConditionSummary, Estimate, Summary } from '../../study/schema.js';

/** How utterances were heard. */
export type ArrangementKind = 'single' | 'batches' | 'streams';

/** Speed of a condition, by its id, in the arrangement in which it heard the most. */
export interface ConditionSpeed extends MeasuredSpeed {
  readonly condition: string;
  readonly kind: ArrangementKind;
}

/** How fast each condition of a run transcribed on processors, each in the arrangement of that run that was best for it, as prices need it. */
export function speedsOf(summary: Summary): readonly ConditionSpeed[] {
  // `linux 6.1 x64`, as Node names system, version and processor.
  const architecture = /(?:x64|arm64)$/.exec(summary.run.environment.platform)?.[0] ?? '';
  return summary.conditions.flatMap(({ condition, outcome, latency, throughput }) => {
    if (throughput === null || condition.device !== 'cpu') return [];
    const { id, title, threads } = condition;
    const streams = outcome.status === 'measured' ? outcome.streams : undefined;
    const threadsText = `${threads} thread${threads === 1 ? '' : 's'}`;
    const known: readonly Omit<ConditionSpeed, 'condition' | 'title' | 'architecture'>[] = [
      {
        kind: 'batches',
        audioSPerS: throughput.audioSPerS,
        processors: threads,
        arrangement: `batches of ${throughput.batchSize}, ${threadsText}`,
      },
      ...(latency === null
        ? []
        : [
            {
              kind: 'single' as const,
              audioSPerS: inverse(latency.realTimeFactors.total),
              processors: threads,
              arrangement: `one utterance at a time, ${threadsText}`,
            },
          ]),
      ...(streams === undefined
        ? []
        : [
            {
              kind: 'streams' as const,
              audioSPerS: overStarts(streams.audioSPerS),
              processors: streams.streams * streams.threads,
              arrangement: `one utterance at a time in each of ${streams.streams} processes`,
            },
          ]),
    ];
    const rate = ({ audioSPerS, processors }: (typeof known)[number]): number => audioSPerS.value / processors;
    const best = known.reduce((one, other) => (rate(other) > rate(one) ? other : one));
    return [{ condition: id, title, architecture, ...best }];
  });
}

function inverse({ value, low, high }: Estimate): Estimate {
  return { value: 1 / value, low: 1 / high, high: 1 / low };
}

function overStarts(values: readonly number[]): Estimate {
  if (values.length >= FEWEST_STARTS) return meanOverStarts(values);
  const value = mean(values);
  return { value, low: value, high: value };
}

/** How many times cheaper one condition is than another, each in its best arrangement: in pairs where that is the same. */
export function timesCheaper(own: PricedCondition, base: PricedCondition): Estimate | null {
  if (own.cost === null || base.cost === null) return null;
  const [kind, other] = [own.speed?.kind, base.speed?.kind];
  if (kind === other && kind === 'single') return own.comparison?.latencySpeedUp ?? null;
  if (kind === other && kind === 'batches') return own.comparison?.throughputSpeedUp ?? null;
  const [cheap, dear] = [own.cost.usdPer1000Hours, base.cost.usdPer1000Hours];
  return { value: dear.value / cheap.value, low: dear.low / cheap.high, high: dear.high / cheap.low };
}

/**
 * The cheapest rented machine without a GPU for a speed, each of its processors taken to be as fast as one that was measured.
 *
 * @returns `null` where no price is of a machine like the measured one
 */
export function cheapestCost(speed: MeasuredSpeed, prices: readonly InstancePrice[]): TranscriptionCost | null {
  return prices
    .filter(({ kind, architecture }) => kind === 'cpu' && architecture === speed.architecture)
    .map((price) => costOnInstance(speed, price))
    .reduce<TranscriptionCost | null>((one, other) => {
      return one === null || other.usdPer1000Hours.value < one.usdPer1000Hours.value ? other : one;
    }, null);
}

/** A condition and what it costs to run: all that a metric is read from. */
export interface PricedCondition extends ConditionSummary {
  /** On the cheapest machine; `null` where that is not known. */
  readonly cost: TranscriptionCost | null;
  /** In the arrangement that the cost is of; of a GPU there is none. */
  readonly speed?: ConditionSpeed | undefined;
}

/** The conditions of a run, in its order, each with its cost. */
export function pricedConditions(summary: Summary, prices: readonly InstancePrice[] = []): readonly PricedCondition[] {
  const speeds = new Map(speedsOf(summary).map((speed) => [speed.condition, speed]));
  return summary.conditions.map((entry) => {
    const speed = speeds.get(entry.condition.id);
    return { ...entry, speed, cost: speed === undefined ? null : cheapestCost(speed, prices) };
  });
}
