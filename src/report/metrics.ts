import type { MemoryStages } from '../measure/memory/memory.js';
import { FEWEST_STARTS, meanOverStarts, ratioOverStarts } from '../measure/statistics/betweenStarts.js';
import { mean } from '../measure/statistics/statistics.js';
import type { ColdStart, MeasuredOutcome } from '../study/schema.js';
import { marginText } from './accuracyText.js';
import { estimateOf, formatQuantity, type Measure, type Metric, type Quantity, verdictOf } from './metric.js';
import { type PricedCondition, timesCheaper } from './tables/costOf.js';
import { formatFactor, formatMegabytes, formatMs, formatNumber, formatPercent, formatPoints } from './tables/format.js';

/** Names of the {@link METRICS}. */
export type MetricId = 'latencyMs' | 'audioSPerS' | 'wer' | 'sizeBytes' | 'peakBytes' | 'joules' | 'usdPer1000Hours';

const one = (value: number): string => formatNumber(value, 1);
const two = (value: number): string => formatNumber(value, 2);
const three = (value: number): string => formatNumber(value, 3);

const measured = ({ outcome }: PricedCondition): Partial<MeasuredOutcome> =>
  outcome.status === 'measured' ? outcome : {};
/** Of each start that was measured. */
const memoryStarts = (condition: PricedCondition, of: (stages: MemoryStages) => number): readonly number[] => {
  const { memory } = measured(condition);
  return memory ? (memory.starts ?? [memory.withArena]).map(of) : [];
};
const peak = ({ afterRuns }: MemoryStages): number => afterRuns.peakBytes;
const coldStarts = (condition: PricedCondition): readonly ColdStart[] => {
  const { loadMs, firstRunMs, coldStarts: all } = measured(condition);
  return all ?? (loadMs === undefined || firstRunMs === undefined ? [] : [{ loadMs, firstRunMs }]);
};

/** The mean of independent starts; of one or two, which say nothing of each other, without an interval. */
function overStarts(values: readonly number[]): Quantity | null {
  if (values.length >= FEWEST_STARTS) return meanOverStarts(values);
  return values.length === 0 ? null : mean(values);
}

/** How many times less the starts of one took than those of another; `null` where one was not measured. */
function timesLess(own: readonly number[], base: readonly number[]): Quantity | null {
  if (own.length === 0 || base.length === 0) return null;
  return own.length === base.length && own.length >= FEWEST_STARTS
    ? ratioOverStarts(base, own)
    : mean(base) / mean(own);
}

const LATENCY: Metric<MetricId> = {
  id: 'latencyMs',
  title: 'Latency, mean',
  unit: 'ms',
  of: ({ latency }) => latency?.meanMs ?? null,
  samples: ({ starts }) => starts?.latencyMs,
  format: formatMs,
  lessIsBetter: true,
  comparison: {
    title: 'Speed-up of mean latency',
    neutral: 1,
    of: ({ comparison }) => comparison?.latencySpeedUp ?? null,
    format: formatFactor,
    inWords: (speedUp) => {
      const words = { above: '', below: ', which is slower', undecided: ', which shows no difference' };
      return `is ${formatQuantity(speedUp, two, ' times as fast')}${words[verdictOf(speedUp, 1)]}`;
    },
  },
  brief: { title: 'Latency' },
  burden: { title: 'Time' },
};

const THROUGHPUT: Metric<MetricId> = {
  id: 'audioSPerS',
  title: 'Throughput',
  unit: 's of sound/s',
  of: ({ throughput }) => throughput?.audioSPerS ?? null,
  samples: ({ starts }) => starts?.audioSPerS,
  format: one,
  lessIsBetter: false,
  comparison: {
    title: 'Speed-up of throughput',
    neutral: 1,
    of: ({ comparison }) => comparison?.throughputSpeedUp ?? null,
    format: formatFactor,
  },
  brief: { unit: 's/s', format: (value) => formatNumber(value, 0) },
  burden: { title: 'Time, in batches', unit: 'ms / s of sound', format: (value) => formatMs(1000 / value) },
};

/** Word error rate. */
export const WORD_ERRORS: Metric<MetricId> = {
  id: 'wer',
  title: 'Word error rate',
  unit: '%',
  of: ({ accuracy }) => accuracy?.wer ?? null,
  samples: ({ wordEdits }) => wordEdits,
  format: formatPercent,
  lessIsBetter: true,
  comparison: {
    title: 'Change of word error rate (points)',
    neutral: 0,
    of: ({ comparison }) => comparison?.werChange ?? null,
    format: formatPoints,
    inWords: (change, { comparison }) => {
      const words = {
        above: 'It makes more word errors',
        below: 'It makes fewer word errors',
        undecided: 'No difference in word errors is shown',
      };
      const test = comparison?.significance?.test;
      const rate = `the rate changes by ${formatQuantity(change, formatPoints, ' points')}`;
      return `${words[verdictOf(change, 0)]}: ${rate}${test === undefined ? '' : `, and ${marginText(test)}`}`;
    },
  },
  brief: { title: 'WER' },
};

const FILE_SIZE: Metric<MetricId> = {
  id: 'sizeBytes',
  title: 'Model file',
  unit: 'MB',
  of: (condition) => measured(condition).sizeBytes ?? null,
  format: formatMegabytes,
  lessIsBetter: true,
  comparison: {
    title: 'Times smaller',
    neutral: 1,
    of: ({ comparison }) => comparison?.compression ?? null,
    format: formatFactor,
    inWords: (compression) => {
      const { value } = estimateOf(compression);
      return `has a file ${value >= 1 ? `${two(value)} times smaller` : `${two(1 / value)} times larger`}`;
    },
  },
  brief: { title: 'File' },
};

const MEMORY: Metric<MetricId> = {
  id: 'peakBytes',
  title: 'Memory, peak',
  unit: 'MB',
  of: (condition) => overStarts(memoryStarts(condition, peak)),
  samples: (condition) => memoryStarts(condition, peak),
  format: formatMegabytes,
  lessIsBetter: true,
  comparison: {
    neutral: 1,
    of: (own, base) => timesLess(memoryStarts(own, peak), memoryStarts(base, peak)),
    format: formatFactor,
  },
};

/** Joules, where something tells of them. */
export const ENERGY: Metric<MetricId> = {
  id: 'joules',
  title: 'Energy',
  unit: 'J an utterance',
  of: (condition) => {
    const { joulesPerUtterance = null } = measured(condition).energy ?? {};
    // One block of trials has no spread: its interval would have no width.
    const isOnce = joulesPerUtterance !== null && joulesPerUtterance.low === joulesPerUtterance.high;
    return isOnce ? joulesPerUtterance.value : joulesPerUtterance;
  },
  isDerived: (condition) => measured(condition).energy?.source.estimated ?? false,
  format: three,
  lessIsBetter: true,
  comparison: {
    neutral: 1,
    of: (own, base) => {
      const { comparison } = measured(own).energy ?? {};
      if (comparison?.base !== base.condition.id) return null;
      const { value, low, high } = comparison.ratio;
      return { value: 1 / value, low: 1 / high, high: 1 / low };
    },
    format: formatFactor,
  },
  brief: { unit: 'J', plain: true },
  burden: { unit: 'J', format: two },
};

const COST: Metric<MetricId> = {
  id: 'usdPer1000Hours',
  title: 'Cost',
  unit: 'US$ for 1,000 h of sound',
  of: ({ cost }) => cost?.usdPer1000Hours ?? null,
  isDerived: () => true,
  format: two,
  lessIsBetter: true,
  comparison: {
    neutral: 1,
    of: timesCheaper,
    format: formatFactor,
  },
  brief: { title: '1,000 h', unit: '$', plain: true },
  burden: { title: 'Cost of 1,000 h', unit: '$' },
};

/**
 * All that is measured of a condition, in the order of the answer table. What is added here stands in the table and in the numbers
 * of the write-up; a {@link Metric} also in the figure at a glance, among the variants and in what they are chosen by.
 */
export const MEASURES: readonly (Measure | Metric<MetricId>)[] = [
  LATENCY,
  {
    id: 'medianMs',
    title: 'Latency, median',
    unit: 'ms',
    of: ({ latency }) => latency?.medianMs ?? null,
    format: formatMs,
  },
  {
    id: 'startsPercent',
    title: 'Latency: spread between starts',
    unit: '%, standard deviation',
    of: ({ starts }) => starts?.latency.standardDeviation ?? null,
    format: (share) => one(100 * share),
  },
  ...latencyPercentile(0.9, 'p90Ms'),
  ...latencyPercentile(0.95, 'p95Ms'),
  {
    id: 'loadMs',
    title: 'Cold start: model loaded',
    unit: 'ms',
    of: (condition) => overStarts(coldStarts(condition).map(({ loadMs }) => loadMs)),
    format: formatMs,
  },
  {
    id: 'firstRunMs',
    title: 'Cold start: first call',
    unit: 'ms',
    of: (condition) => overStarts(coldStarts(condition).map(({ firstRunMs }) => firstRunMs)),
    format: formatMs,
  },
  {
    id: 'utterancesPerS',
    title: 'Throughput',
    unit: 'utterances/s',
    of: ({ throughput }) => throughput?.utterancesPerS ?? null,
    format: one,
  },
  THROUGHPUT,
  {
    id: 'batchChangedPercent',
    title: 'Texts that change with what else is in the batch',
    unit: '%',
    of: ({ throughput }) => (throughput?.texts ? throughput.texts.changed / throughput.texts.heard : null),
    format: formatPercent,
  },
  WORD_ERRORS,
  {
    id: 'mostWerChange',
    title: 'Change of word error rate, at most (one-sided 95 %)',
    unit: 'points',
    of: ({ comparison }) => comparison?.significance?.test.mostChange ?? null,
    format: formatPoints,
  },
  {
    id: 'visibleWerChange',
    title: 'Margin that so many words show in 80 of 100 cases',
    unit: 'points',
    of: ({ comparison }) => comparison?.significance?.test.visibleChange ?? null,
    format: formatPercent,
  },
  {
    id: 'keptAccuracy',
    title: 'Accuracy kept (MLPerf asks for 99 %)',
    unit: '% of the base',
    of: ({ comparison }) => comparison?.significance?.test.gate?.kept ?? null,
    format: formatPercent,
  },
  {
    id: 'cer',
    title: 'Character error rate',
    unit: '%',
    of: ({ accuracy }) => accuracy?.cer ?? null,
    format: formatPercent,
  },
  {
    id: 'loss',
    title: 'CTC loss of what was said',
    unit: 'nats a frame',
    of: ({ loss }) => loss?.perFrame ?? null,
    format: three,
    comparison: {
      title: 'Change of the CTC loss (nats a frame)',
      neutral: 0,
      of: ({ loss }) => loss?.change ?? null,
      format: (change) => `${change > 0 ? '+' : ''}${formatNumber(change, 4)}`,
    },
  },
  {
    id: 'beamWer',
    title: 'WER by beam search with a language model',
    unit: '%',
    of: ({ beamAccuracy }) => beamAccuracy?.wer ?? null,
    format: formatPercent,
    comparison: {
      title: 'Change of WER by beam search (points)',
      neutral: 0,
      of: ({ comparison }) => comparison?.beamWerChange ?? null,
      format: formatPoints,
    },
  },
  FILE_SIZE,
  MEMORY,
  {
    id: 'steadyBytes',
    title: 'Memory, steady',
    unit: 'MB',
    of: (condition) => overStarts(memoryStarts(condition, ({ afterRuns }) => afterRuns.residentBytes)),
    format: formatMegabytes,
  },
  {
    id: 'baselineBytes',
    title: 'Memory without a model',
    unit: 'MB',
    of: (condition) => overStarts(memoryStarts(condition, ({ baseline }) => baseline.residentBytes)),
    format: formatMegabytes,
  },
  ENERGY,
  COST,
];

/** What one chooses by. */
export const METRICS: readonly Metric<MetricId>[] = MEASURES.filter((measure) => 'lessIsBetter' in measure);

/** A percentile of the trials, and MLPerf's early-stopping bound of it, or how many trials that would take. */
function latencyPercentile(percentile: number, id: 'p90Ms' | 'p95Ms'): readonly Measure[] {
  const title = `Latency, ${100 * percentile}th percentile`;
  const boundOf = ({ latency }: PricedCondition) =>
    latency?.percentiles.find((bound) => bound.percentile === percentile);
  return [
    { id, title, unit: 'ms', of: ({ latency }) => latency?.[id] ?? null, format: formatMs },
    {
      id: id.replace('Ms', 'BoundMs'),
      title: `${title}, at most`,
      unit: 'ms',
      of: (condition) => boundOf(condition)?.valueMs ?? null,
      format: formatMs,
      instead: (condition) => {
        const bound = boundOf(condition);
        return bound === undefined ? null : `needs ${bound.trialsNeeded} trials`;
      },
    },
  ];
}
