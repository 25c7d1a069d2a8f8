import { FEWEST_STARTS, meanOverStarts } from '../measure/statistics/betweenStarts.js';
import type { Estimate } from '../study/schema.js';
import type { Metric } from './metric.js';

/** What is known of a condition in one metric. */
export interface Evidence {
  readonly estimate: Estimate;
  /** What each start gave, or of the word error rate each utterance: in the same order for all conditions of a run. */
  readonly samples?: readonly number[] | undefined;
}

/** How one condition stands to another in a metric, as far as is shown. */
export type Standing = 'better' | 'worse' | 'undecided';

/**
 * Tells whether one condition is shown to be better than another: by the 95 % interval of their ratio (of word error rates: their
 * difference), start by start or utterance by utterance. Where the two have no such pairs, their own intervals must not touch; numbers
 * that were read once, such as sizes, have no width.
 */
export function standingOf(
  { lessIsBetter, comparison: { neutral } }: Pick<Metric, 'lessIsBetter' | 'comparison'>,
  own: Evidence,
  other: Evidence,
): Standing {
  const { low, high } = differenceOf(own, other, neutral === 1 ? Math.log : (value) => value);
  if (low <= 0 && high >= 0) return 'undecided';
  return high < 0 === lessIsBetter ? 'better' : 'worse';
}

/** Own minus other, on a scale. */
function differenceOf(
  own: Evidence,
  other: Evidence,
  scaled: (value: number) => number,
): Pick<Estimate, 'low' | 'high'> {
  const [a = [], b = []] = [own.samples, other.samples];
  if (a.length >= FEWEST_STARTS && a.length === b.length) {
    return meanOverStarts(a.map((value, place) => scaled(value) - scaled(b[place] ?? 0)));
  }
  return {
    low: scaled(own.estimate.low) - scaled(other.estimate.high),
    high: scaled(own.estimate.high) - scaled(other.estimate.low),
  };
}
