import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { InstancePrice } from '../../measure/cost/prices.js';
import type { AccuracySummary, LatencySummary, MeasuredOutcome, Summary } from '../../study/schema.js';
import { type PricedCondition, pricedConditions } from './costOf.js';

/** A condition that was measured in full. */
export interface Measured {
  readonly id: string;
  readonly title: string;
  readonly entry: PricedCondition;
  readonly outcome: MeasuredOutcome;
  readonly latency: LatencySummary;
  readonly accuracy: AccuracySummary;
}

/** Conditions of the run that have results, in its order. */
export function measuredOf(summary: Summary, prices: readonly InstancePrice[] = []): readonly Measured[] {
  return pricedConditions(summary, prices).flatMap((entry) => {
    const { condition, outcome, latency, accuracy } = entry;
    if (outcome.status !== 'measured' || latency === null || accuracy === null) return [];
    return [{ id: condition.id, title: condition.title, entry, outcome, latency, accuracy }];
  });
}

/** A sentence for each condition without results, with its reason. */
export function gapsOf(summary: Summary): readonly string[] {
  return summary.conditions.flatMap(({ condition, outcome }) => {
    if (outcome.status === 'measured') return [];
    const verb = outcome.status === 'skipped' ? 'was skipped' : 'failed';
    return [`${condition.title} ${verb}: ${outcome.reason.replace(/\.$/, '')}.`];
  });
}

/** Whether a variant loses no more words than the margin, as measured: whether that is shown for other speech, too, its test says. */
export function isWithinMargin({ entry: { comparison } }: Measured): boolean {
  if (comparison === null) return true;
  return (comparison.werChange?.value ?? Number.POSITIVE_INFINITY) <= MARGIN;
}

/** Whether its test shows that for other speech of the kind, of enough words. */
export function isShownWithinMargin({ entry: { comparison } }: Measured): boolean {
  return comparison?.significance?.test.withinMargin === 'shown';
}

/** Size of the file as `quantlab code` writes it, where that was measured and is less, else of the file. */
export function leastBytes({ outcome: { sizeBytes, codedBytes = sizeBytes } }: Measured): number {
  return Math.min(sizeBytes, codedBytes);
}

/** How many times smaller a variant is than what it is compared with, by its {@link leastBytes}; `null` where it is not compared. */
export function timesSmallerOf(row: Measured, all: readonly Measured[]): number | null {
  const base = all.find(({ id }) => id === row.entry.comparison?.base);
  return base === undefined ? null : base.outcome.sizeBytes / leastBytes(row);
}

/** A float model and its first variant on the same device. */
export interface Pair {
  readonly base: Measured;
  readonly variant: Measured;
}

/** Finds the pair of each model, in the run's order: the first is what the experiment is about, the others stand beside it. */
export function pairsOf(summary: Summary, prices: readonly InstancePrice[] = []): readonly Pair[] {
  const measured = measuredOf(summary, prices);
  const modelOf = ({ entry }: Measured): string => entry.condition.model;
  const variants = measured.filter(({ entry }) => entry.condition.recipe !== 'none' && entry.comparison !== null);
  const firsts = variants.filter((one) => variants.find((other) => modelOf(other) === modelOf(one)) === one);
  return firsts.flatMap((variant) => {
    const base = measured.find(({ id }) => id === variant.entry.comparison?.base);
    return base === undefined ? [] : [{ base, variant }];
  });
}

/** The pair that the experiment is about; `null` when either was not measured. */
export function pairOf(summary: Summary, prices: readonly InstancePrice[] = []): Pair | null {
  return pairsOf(summary, prices)[0] ?? null;
}

/** Where it was measured, in a few words: processor and threads. */
export function machineOf(summary: Summary): string {
  const { cpu } = summary.run.environment;
  const threads = [...new Set(measuredOf(summary).map(({ entry }) => entry.condition.threads))].sort((a, b) => a - b);
  const label = threads.length === 1 && threads[0] === 1 ? 'thread' : 'threads';
  return threads.length === 0 ? cpu : `${cpu}, ${threads.join(' or ')} ${label}`;
}
