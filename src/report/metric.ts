import type { Estimate } from '../study/schema.js';
import type { PricedCondition } from './tables/costOf.js';
import { formatEstimate } from './tables/format.js';

/** What was measured: an estimate with its interval, or a number that was read once and has none. */
export type Quantity = Estimate | number;

/** How a quantity is called and written. */
export interface Wording {
  readonly title: string;
  readonly unit: string;
  /** Writes one number, without the unit. */
  readonly format: (value: number) => string;
}

/** Something measured of each condition: a row of the answer table. */
export interface Measure extends Wording {
  readonly id: string;
  /** `null` where it was not measured. */
  readonly of: (condition: PricedCondition) => Quantity | null;
  /** What stands in the place of a number that could not be had; a dash by default. */
  readonly instead?: (condition: PricedCondition) => string | null;
  readonly comparison?: MetricComparison;
}

/** How a condition stands to the one that it is compared with, the first of the same model. */
export interface MetricComparison {
  /** In a row of the table below the measure's own; without it there is no such row. */
  readonly title?: string;
  /** `1`: how many times better, as a ratio. `0`: how much more, as a difference. */
  readonly neutral: 0 | 1;
  /** Paired where trials are. */
  readonly of: (own: PricedCondition, base: PricedCondition) => Quantity | null;
  /** Writes one number, its sign included. */
  readonly format: (value: number) => string;
  /** What it says in the answer to the run's question: of a ratio, what the variant *is* or *has*; of a difference, a sentence. */
  readonly inWords?: (compared: Quantity, own: PricedCondition) => string;
}

/** A measure by which one chooses what to deploy. */
export interface Metric<Id extends string = string> extends Measure {
  readonly id: Id;
  /** Of the others, more is. */
  readonly lessIsBetter: boolean;
  readonly comparison: MetricComparison;
  /** What each start gave, or each utterance, where that is known: by it any two conditions are compared. */
  readonly samples?: (condition: PricedCondition) => readonly number[] | undefined;
  /** Whether it follows from another metric, as energy that is time times a constant: it is then no evidence of its own. */
  readonly isDerived?: (condition: PricedCondition) => boolean;
  /** Where columns are narrow; `plain` leaves out intervals. */
  readonly brief?: Partial<Wording> & { readonly plain?: true };
  /** As something of which less is better, in the figure at a glance. */
  readonly burden?: Partial<Wording>;
}

/** What an interval says about a value that would be neutral. */
export type Verdict = 'above' | 'below' | 'undecided';

/** Where a 95 % interval lies: `undecided` when it holds the neutral value. */
export function verdictOf(quantity: Quantity, neutral: number): Verdict {
  const { low, high } = estimateOf(quantity);
  if (low > neutral) return 'above';
  return high < neutral ? 'below' : 'undecided';
}

/** A number that was read once is an estimate without doubt. */
export function estimateOf(quantity: Quantity): Estimate {
  return typeof quantity === 'number' ? { value: quantity, low: quantity, high: quantity } : quantity;
}

/** With its interval, where it has one; the unit stands behind the value alone. */
export function formatQuantity(quantity: Quantity, format: (value: number) => string, unit = ''): string {
  return typeof quantity === 'number' ? `${format(quantity)}${unit}` : formatEstimate(quantity, format, unit);
}

/** What a condition takes of what its base takes, as a fraction: below 1 is a gain. `null` where one was not measured. */
export function shareOf({ of, comparison }: Metric, own: PricedCondition, base: PricedCondition): Estimate | null {
  const [was, compared] = [of(base), comparison.of(own, base)];
  if (was === null || compared === null) return null;
  const { value, low, high } = estimateOf(compared);
  if (comparison.neutral === 1) return { value: 1 / value, low: 1 / high, high: 1 / low };
  const before = estimateOf(was).value;
  if (before === 0) return null;
  const share = (change: number): number => (before + change) / before;
  return { value: share(value), low: share(low), high: share(high) };
}
