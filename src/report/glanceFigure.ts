import type { Estimate, Summary } from '../experiment/schema.js';
import type { InstancePrice } from '../measure/cost/prices.js';
import { cheapestCost, speedsOf } from './costOf.js';
import { axis, errorBars, figureOf, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatMegabytes, formatMs, formatNumber, formatPercent, roundTo } from './format.js';
import { type Measured, machineOf, type Pair, pairOf } from './measured.js';
import { markOf } from './theme.js';

/** One measure of the variant, as a share of the base's: 1 is alike, less is better. */
interface Share {
  readonly title: string;
  /** Both values with their unit. */
  readonly values: string;
  readonly share: Estimate;
}

/** Beyond this share of the base, marks are cut. */
const LONGEST = 1.6;

/**
 * The main result at a glance: every measure of the compressed model as a share of the float model's, with its interval.
 *
 * @param prices - of machines to rent, for the cost
 * @returns `null` where the two were not both measured
 */
export function glanceFigure(summary: Summary, prices: readonly InstancePrice[]): Figure | null {
  const pair = pairOf(summary);
  if (pair === null) return null;
  const shares = sharesOf(pair, summary, prices);
  const upwards = shares.toReversed();
  const { base, variant } = pair;
  const { color, symbol } = markOf(
    variant.id,
    summary.conditions.map(({ condition }) => condition.id),
  );
  const longest = Math.max(1.2, ...shares.map(({ share }) => Math.min(LONGEST, share.high + 0.15)));
  return figureOf({
    name: 'at-a-glance',
    title: `${variant.title}, beside ${base.title}`,
    caption: [
      `What ${variant.title} takes, in per cent of what ${base.title} takes: a mark left of the dotted line is a gain (${machineOf(summary)}).`,
      'Whiskers are 95 % intervals of the ratio, over the same utterances; file and memory were read once and have none.',
      'Time: from waveform to text of one utterance; in batches: for a second of sound. Energy and cost are estimates unless the table says otherwise.',
    ],
    alt: `${variant.title} in per cent of ${base.title}, a mark for each measure. ${shares
      .map((one) => `${one.title}: ${shareText(one.share)} (${one.values})`)
      .join('; ')}.`,
    height: 110 + 52 * shares.length,
    margin: { l: 240, t: 56 },
    data: [
      ...upwards.map(
        (one): JsonObject => ({
          type: 'scatter',
          mode: 'lines',
          x: [0, roundTo(100 * one.share.value)],
          y: [labelOf(one), labelOf(one)],
          line: { color: `${color}66`, width: 7 },
          hoverinfo: 'skip',
        }),
      ),
      {
        type: 'scatter',
        mode: 'markers',
        x: upwards.map(({ share }) => roundTo(100 * share.value)),
        y: upwards.map(labelOf),
        error_x: errorBars(
          upwards.map(({ share }) => share),
          { color, thickness: 2.5, width: 6 },
          100,
        ),
        marker: { color, symbol, size: 13 },
        hovertemplate: '%{x} %<extra></extra>',
      },
      {
        type: 'scatter',
        mode: 'text',
        // Where it would stand on the line at 100 %, behind that line.
        x: upwards.map(({ share }) => roundTo(share.high > 0.8 && share.high < 1 ? 100 : 100 * share.high)),
        y: upwards.map(labelOf),
        text: upwards.map(({ share }) => `   <b>${formatNumber(100 * share.value, 0)} %</b>`),
        textposition: 'middle right',
        cliponaxis: false,
        hoverinfo: 'skip',
      },
    ],
    layout: {
      showlegend: false,
      xaxis: axis(`Share of ${base.title} (%)`, {
        range: [0, roundTo(100 * longest)],
        showline: true,
        zeroline: false,
      }),
      yaxis: {
        categoryorder: 'array',
        categoryarray: upwards.map(labelOf),
        range: [-0.6, shares.length - 0.4],
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      },
      shapes: [
        {
          type: 'line',
          x0: 100,
          x1: 100,
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { dash: 'dot', width: 2, color: NEUTRAL_COLOR },
        },
      ],
    },
  });
}

function sharesOf({ base, variant }: Pair, summary: Summary, prices: readonly InstancePrice[]): readonly Share[] {
  const { comparison } = variant.entry;
  if (comparison === null) return [];
  const both = (of: (one: Measured) => string, unit: string): string => `${of(base)} → ${of(variant)} ${unit}`;
  const batches = inverse(comparison.throughputSpeedUp);
  const cost = (one: Measured): number | undefined => {
    const speed = speedsOf(summary).find(({ condition }) => condition === one.id);
    return (speed && cheapestCost(speed, prices))?.usdPer1000Hours.value;
  };
  const [dollarsWas, dollarsIs] = [cost(base), cost(variant)];
  const energy = variant.outcome.energy?.comparison;
  const memory = (one: Measured): number | undefined => one.outcome.memory?.withArena.afterRuns.peakBytes;
  const [memoryWas, memoryIs] = [memory(base), memory(variant)];
  const wer = base.accuracy.wer.value;
  const batchMs = ({ entry }: Measured): string => formatMs(1000 / (entry.throughput?.audioSPerS.value ?? Number.NaN));
  return [
    {
      title: 'Time',
      values: both(({ latency }) => formatMs(latency.meanMs.value), 'ms'),
      share: inverse(comparison.latencySpeedUp),
    },
    { title: 'Time, in batches', values: both(batchMs, 'ms / s of sound'), share: batches },
    {
      title: 'Model file',
      values: both(({ outcome }) => formatMegabytes(outcome.sizeBytes), 'MB'),
      share: exact(1 / comparison.compression),
    },
    ...(memoryWas && memoryIs
      ? [
          {
            title: 'Memory, peak',
            values: both((one) => formatMegabytes(memory(one) ?? 0), 'MB'),
            share: exact(memoryIs / memoryWas),
          },
        ]
      : []),
    ...(energy?.base === base.id
      ? [
          {
            title: 'Energy',
            values: both(({ outcome }) => formatNumber(outcome.energy?.joulesPerUtterance.value ?? 0, 2), 'J'),
            share: energy.ratio,
          },
        ]
      : []),
    ...(dollarsWas !== undefined && dollarsIs !== undefined
      ? [
          {
            title: 'Cost of 1,000 h',
            values: both((one) => formatNumber(cost(one) ?? 0, 2), '$'),
            // The same machine: dollars follow the time in batches.
            share: batches,
          },
        ]
      : []),
    ...(comparison.werChange !== null && wer > 0
      ? [
          {
            title: 'Word error rate',
            values: both(({ accuracy }) => formatPercent(accuracy.wer.value), '%'),
            share: relative(comparison.werChange, wer),
          },
        ]
      : []),
  ];
}

function labelOf({ title, values }: Share): string {
  return `<b>${title}</b><br>${values}`;
}

function shareText(share: Estimate): string {
  const percent = (value: number): string => formatNumber(100 * value, 0);
  return share.low === share.high ? `${percent(share.value)} %` : `${formatEstimate(share, percent)} %`;
}

function inverse({ value, low, high }: Estimate): Estimate {
  return { value: 1 / value, low: 1 / high, high: 1 / low };
}

function relative(change: Estimate, base: number): Estimate {
  const share = (value: number): number => (base + value) / base;
  return { value: share(change.value), low: share(change.low), high: share(change.high) };
}

function exact(value: number): Estimate {
  return { value, low: value, high: value };
}
