import { costOnInstance, type MeasuredSpeed, type TranscriptionCost } from '../../measure/cost/cost.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import type { ConditionSummary, Summary } from '../../study/schema.js';

/** Speed of a condition, by its id. */
export interface ConditionSpeed extends MeasuredSpeed {
  readonly condition: string;
}

/** How fast each condition of a run transcribed on processors, as prices need it. */
export function speedsOf(summary: Summary): readonly ConditionSpeed[] {
  // `linux 6.1 x64`, as Node names system, version and processor.
  const architecture = /(?:x64|arm64)$/.exec(summary.run.environment.platform)?.[0] ?? '';
  return summary.conditions.flatMap(({ condition, throughput }) => {
    if (throughput === null || condition.device !== 'cpu') return [];
    const { id, title, threads } = condition;
    return [{ condition: id, title, audioSPerS: throughput.audioSPerS, processors: threads, architecture }];
  });
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
}

/** The conditions of a run, in its order, each with its cost. */
export function pricedConditions(summary: Summary, prices: readonly InstancePrice[] = []): readonly PricedCondition[] {
  const speeds = new Map(speedsOf(summary).map((speed) => [speed.condition, speed]));
  return summary.conditions.map((entry) => {
    const speed = speeds.get(entry.condition.id);
    return { ...entry, cost: speed === undefined ? null : cheapestCost(speed, prices) };
  });
}
