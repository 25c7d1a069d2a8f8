import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { BreakEven, TranscriptionCost } from '../../measure/cost/cost.js';
import type { BoundRatio } from '../../measure/load/queue.js';
import type { OfflineReport } from '../../measure/throughput/offline.js';
import type { TopicResults } from '../../study/laboratory.js';
import { estimateOf, type Metric, type Quantity, type Verdict, verdictOf } from '../metric.js';
import { METRICS, type MetricId } from '../metrics.js';
import { formatMs, formatNumber } from '../tables/format.js';
import { isShownWithinMargin, isWithinMargin, type Measured, type Pair, timesSmallerOf } from '../tables/measured.js';
import type { PeerRow } from '../tables/peersTable.js';

/**
 * What figures found, as their titles: each follows from the measured values, and claims no more than their intervals show. Where nothing
 * can be compared, a title says what is measured.
 */

const two = (value: number): string => formatNumber(value, 2);
const whole = (value: number): string => formatNumber(value, 0);

function say(quantity: Quantity, neutral: number, said: Readonly<Record<Verdict, string>>): string {
  return said[verdictOf(quantity, neutral)];
}

/** `A`, `A and B`, `A, B and C`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** `79 to 90`; one number where both are written alike. */
function span(values: readonly number[], format: (value: number) => string): string {
  return [...new Set([Math.min(...values), Math.max(...values)].map(format))].join(' to ');
}

/** How fast one is beside another, as far as is shown. */
export function speedFinding(variant: string, base: string, speedUp: Quantity | null | undefined): string | null {
  if (speedUp === null || speedUp === undefined) return null;
  const times = two(estimateOf(speedUp).value);
  return say(speedUp, 1, {
    above: `${variant} is ${times} times as fast as ${base}`,
    below: `${variant} is slower than ${base}, ${times} times as fast`,
    undecided: `No difference in speed is shown between ${variant} and ${base}`,
  });
}

/** Of a pair; `null` without one. */
export function latencyFinding(pair: Pair | null | undefined): string | null {
  return pair ? speedFinding(pair.variant.title, pair.base.title, pair.variant.entry.comparison?.latencySpeedUp) : null;
}

/** Speed and size of a pair. */
export function glanceFinding(pair: Pair): string {
  const times = comparedIn('sizeBytes', pair);
  const size =
    times === null
      ? ''
      : `its file is ${times >= 1 ? `${two(times)} times smaller` : `${two(1 / times)} times larger`}`;
  return [latencyFinding(pair), size].filter(Boolean).join('; ');
}

function comparedIn(id: MetricId, { base, variant }: Pair): number | null {
  const quantity = quantityOf(id, { base, variant });
  return quantity === null ? null : estimateOf(quantity).value;
}

function quantityOf(id: MetricId, { base, variant }: Pair): Quantity | null {
  const metric = METRICS.find((own) => own.id === id) as Metric;
  return metric.comparison.of(variant.entry, base.entry);
}

/** Which variants are shown to make more or fewer word errors than the models that they were made from. */
export function wordsFinding(measured: readonly Measured[]): string {
  const compared = measured.flatMap(({ title, entry: { comparison } }) =>
    comparison?.werChange ? [{ title, verdict: verdictOf(comparison.werChange, 0) }] : [],
  );
  if (compared.length === 0) return 'Word errors and time';
  const clauses = (['above', 'below'] as const).flatMap((verdict) => {
    const names = compared.filter((one) => one.verdict === verdict).map(({ title }) => title);
    const words = verdict === 'above' ? 'more word errors than float32' : 'fewer word errors than float32';
    return names.length === 0 ? [] : [`${listed(names)} ${names.length === 1 ? 'makes' : 'make'} ${words}`];
  });
  return clauses.join('; ') || 'No difference in word errors is shown';
}

/** Memory of a pair at its peak; `null` where it was not measured of both. */
export function memoryFinding(pair: Pair | null): string | null {
  const timesLess = pair && quantityOf('peakBytes', pair);
  if (!pair || timesLess === null) return null;
  const [variant, base] = [pair.variant.title, pair.base.title];
  const percent = whole(100 * Math.abs(1 - 1 / estimateOf(timesLess).value));
  return say(timesLess, 1, {
    above: `${variant} takes ${percent} % less memory than ${base}`,
    below: `${variant} takes ${percent} % more memory than ${base}`,
    undecided: `No difference in memory is shown between ${variant} and ${base}`,
  });
}

/** The network's share of the time. */
export function partsFinding(measured: readonly Measured[]): string {
  if (measured.length === 0) return 'Where the time goes';
  const shares = measured.map(({ latency }) => (100 * latency.inferenceMs) / latency.meanMs.value);
  return `The network takes ${span(shares, whole)} % of the time`;
}

/** Which model hears for the least money, beside the first, each on its cheapest machine. */
export function costFinding(costs: readonly TranscriptionCost[]): string {
  const rising = costs.toSorted((one, other) => one.usdPer1000Hours.value - other.usdPer1000Hours.value);
  const [cheapest] = rising;
  const other = rising.find(({ title }) => title === costs[0]?.title && title !== cheapest?.title);
  const priceOf = ({ usdPer1000Hours }: TranscriptionCost): string => `$${two(usdPer1000Hours.value)}`;
  if (cheapest === undefined) return 'Price of 1,000 hours of sound';
  if (other === undefined) return `${cheapest.title} hears 1,000 hours for the least, ${priceOf(cheapest)}`;
  if (other.usdPer1000Hours.low <= cheapest.usdPer1000Hours.high)
    return `No difference in price is shown between ${cheapest.title} and ${other.title}`;
  return `${cheapest.title} hears 1,000 hours for ${priceOf(cheapest)}, ${other.title} for ${priceOf(other)}`;
}

/** From which speed on GPUs are cheaper. */
export function breakEvenFinding(rows: readonly BreakEven[]): string {
  if (rows.length === 0) return 'How fast a GPU must be';
  const speeds = rows.map(({ audioSPerS }) => audioSPerS.value);
  return `A GPU must hear ${span(speeds, whole)} times real time to be cheaper`;
}

/** How near models come to their bounds. */
export function rooflineFinding(rows: readonly { readonly title: string; readonly share: number }[]): string {
  const exceeded = rows.filter(({ share }) => share > 1).map(({ title }) => title);
  if (rows.length === 0) return 'What the machine can do';
  if (exceeded.length > 0) return `The bound of ${listed(exceeded)} was exceeded: it was measured too low`;
  const shares = rows.map(({ share }) => 100 * share);
  return `${rows.length === 1 ? 'The model reaches' : 'Models reach'} ${span(shares, whole)} % of what the machine could do`;
}

/** Which division of the cores hears most, as far as it can be told from others. */
export function throughputFinding(reports: readonly Pick<OfflineReport, 'model' | 'best' | 'equals'>[]): string {
  const alone = (one: Pick<OfflineReport, 'equals'>): boolean => one.equals.length === 0;
  const bests = new Set(reports.map(({ best }) => best));
  if (reports.length === 0) return 'Throughput and batch size';
  if (!reports.some(alone)) return 'No division of the cores is shown to hear the most';
  if (bests.size === 1 && reports.every(alone)) return `${[...bests].join()} hears the most`;
  return reports
    .map(
      ({ model, best, equals }) => `${model}: ${equals.length === 0 ? best : 'no division'} is shown to hear the most`,
    )
    .join('; ');
}

/** What one model carries beside another within a bound. */
export function loadFinding(variant: string, base: string, { boundMs, ratio }: BoundRatio): string {
  const within = `within ${whole(boundMs)} ms`;
  const carries = `${variant} carries ${two(ratio.value)} times the load of ${base} ${within}`;
  return say(ratio, 1, {
    above: carries,
    below: `${carries}, which is less`,
    undecided: `No difference in load is shown between ${variant} and ${base} ${within}`,
  });
}

/** What keeping transcripts and rewritten graphs saves. */
export function loadingFinding({ load, results }: TopicResults['caching']): string {
  const faster = load.filter(({ speedUp }) => verdictOf(speedUp, 1) === 'above').map(({ model }) => model);
  const hits = results.flatMap(({ points }) => points.filter(({ hitRate }) => hitRate === 1));
  const loading =
    faster.length > 0
      ? `${listed(faster)} ${faster.length === 1 ? 'loads' : 'load'} faster from a kept form`
      : 'A kept form is not shown to load faster';
  if (hits.length === 0) return loading;
  const ms = span(
    hits.map(({ meanMs }) => meanMs.value),
    formatMs,
  );
  return `${loading}; a kept transcript takes ${ms} ms`;
}

/** The smallest file of a variant within the margin, beside the goal. */
export function variantsFinding(rows: readonly Measured[], goal: number): string {
  const margin = `${whole(100 * MARGIN)} point of word errors`;
  const [smallest] = rows
    .flatMap((row) => {
      const times = timesSmallerOf(row, rows);
      return times === null || !isWithinMargin(row) ? [] : [{ row, times }];
    })
    .toSorted((one, other) => other.times - one.times);
  if (smallest === undefined) return `No variant stays within ${margin}`;
  const reached = smallest.times >= goal ? 'is reached' : 'is not reached';
  return `${smallest.row.title} is ${two(smallest.times)} times smaller within ${margin}${isShownWithinMargin(smallest.row) ? '' : ' as measured'}; ${whole(goal)} times ${reached}`;
}

/** The fastest of ours beside a program, on as many threads as come first. */
export function peersFinding(rows: readonly PeerRow[], reference: string): string {
  const [fastest] = rows
    .flatMap(({ condition, timesAsFast: [ratio] }) =>
      condition.isOurs && ratio ? [{ title: condition.title, ratio }] : [],
    )
    .toSorted((one, other) => other.ratio.value - one.ratio.value);
  return speedFinding(fastest?.title ?? '', reference, fastest?.ratio) ?? `Times as fast as ${reference}`;
}
