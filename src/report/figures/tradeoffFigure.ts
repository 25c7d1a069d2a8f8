import type { Summary } from '../../study/schema.js';
import { formatEstimate, formatMs, formatPercent, roundTo } from '../tables/format.js';
import { absencesOf, type Measured, machineOf, measuredOf } from '../tables/measured.js';
import { axis, errorBars, figureOf } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { markOf } from './theme.js';

/** Word error rate against mean latency, both with their intervals: lower and further left is better. */
export function tradeoffFigure(summary: Summary, title: string = 'What speed costs in accuracy'): Figure {
  const measured = measuredOf(summary);
  const ids = summary.conditions.map(({ condition }) => condition.id);
  const slowest = Math.max(1, ...measured.map(({ latency }) => latency.meanMs.high));
  const errors = measured.flatMap(({ accuracy }) => [accuracy.wer.low * 100, accuracy.wer.high * 100]);
  const [lowest, highest] = errors.length > 0 ? [Math.min(...errors), Math.max(...errors)] : [0, 100];
  const room = Math.max(0.5, (highest - lowest) * 0.25);
  return figureOf({
    name: 'accuracy-and-latency',
    title,
    caption: captionOf(summary, measured),
    alt: altOf(measured),
    height: 420,
    data: measured.map((row) => pointTrace(row, ids)),
    layout: {
      showlegend: false,
      xaxis: axis('Mean latency (ms)', { range: [0, roundTo(slowest * 1.25)], showline: true, zeroline: false }),
      yaxis: axis('Word error rate (%)', {
        range: [roundTo(Math.max(0, lowest - room)), roundTo(highest + room)],
        showline: true,
        zeroline: false,
      }),
      annotations: [
        {
          text: 'better ↙',
          xref: 'paper',
          yref: 'paper',
          x: 0.01,
          y: 0.02,
          xanchor: 'left',
          yanchor: 'bottom',
          showarrow: false,
        },
        ...measured.map((row, place) => nameOf(row, place, sideOf(row, measured, 1.25 * slowest))),
      ],
    },
  });
}

/** Points nearer than this share of the axis, beside each other, have their names on the sides that look away from each other. */
const NEAR = 0.08;

function sideOf(row: Measured, all: readonly Measured[], range: number): 'left' | 'center' | 'right' {
  const distances = all
    .filter((other) => other !== row && isBeside(row, other))
    .map((other) => other.latency.meanMs.value - row.latency.meanMs.value)
    .sort((a, b) => Math.abs(a) - Math.abs(b));
  const [nearest = Number.POSITIVE_INFINITY] = distances;
  if (Math.abs(nearest) > NEAR * range) return 'center';
  return nearest > 0 ? 'right' : 'left';
}

function isBeside({ accuracy: { wer: one } }: Measured, { accuracy: { wer: other } }: Measured): boolean {
  return one.low <= other.high && other.low <= one.high;
}

/** The name of a point: alternately above and below its interval, so that two near points' names do not meet. */
function nameOf(
  { title, latency, accuracy: { wer } }: Measured,
  place: number,
  xanchor: ReturnType<typeof sideOf>,
): JsonObject {
  const isAbove = place % 2 === 0;
  return {
    text: `<b>${title}</b>`,
    x: roundTo(latency.meanMs.value),
    y: roundTo((isAbove ? wer.high : wer.low) * 100),
    xanchor,
    yanchor: isAbove ? 'bottom' : 'top',
    showarrow: false,
  };
}

function pointTrace(row: Measured, ids: readonly string[]): JsonObject {
  const { color, symbol } = markOf(row.id, ids);
  const { meanMs } = row.latency;
  const wer = row.accuracy.wer;
  return {
    type: 'scatter',
    name: row.title,
    x: [roundTo(meanMs.value)],
    y: [roundTo(wer.value * 100)],
    error_x: errorBars([meanMs], { color, thickness: 2, width: 5 }),
    error_y: errorBars([wer], { color, thickness: 2, width: 5 }, 100),
    mode: 'markers',
    cliponaxis: false,
    marker: { color, symbol, size: 13 },
    hovertemplate: `${row.title}<br>%{x} ms<br>WER %{y} %<extra></extra>`,
  };
}

function captionOf(summary: Summary, measured: readonly Measured[]): readonly string[] {
  const accuracy = measured[0]?.accuracy;
  const corpus = accuracy ? `${accuracy.utterances} utterances, ${accuracy.words} words` : 'no utterances';
  return [
    `Word error rate over the whole hold-out (${corpus}; edits summed) against mean latency (${machineOf(summary)}).`,
    'Bars are 95 % intervals. The vertical axis does not begin at zero.',
    'The intervals of the conditions overlap more than their differences do, because all transcribe the same utterances: compare by the change of word error rate in the table.',
    ...absencesOf(summary),
  ];
}

function altOf(measured: readonly Measured[]): string {
  const parts = measured.map(({ title, latency, accuracy }) => {
    const wer = formatEstimate(accuracy.wer, formatPercent);
    return `${title}: word error rate ${wer} % at ${formatMs(latency.meanMs.value)} ms`;
  });
  return `Word error rate against mean latency, a point for each condition. ${parts.join('; ')}.`;
}
