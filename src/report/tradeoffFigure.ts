import type { Estimate, Summary } from '../experiment/schema.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatMs, formatPercent, roundTo } from './format.js';
import { absencesOf, type Measured, machineOf, measuredOf } from './measured.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

/** Word error rate against mean latency, both with their intervals: lower and further left is better. */
export function tradeoffFigure(summary: Summary): Figure {
  const measured = measuredOf(summary);
  const ids = summary.conditions.map(({ condition }) => condition.id);
  const slowest = Math.max(1, ...measured.map(({ latency }) => latency.meanMs.high));
  const errors = measured.flatMap(({ accuracy }) => [accuracy.wer.low * 100, accuracy.wer.high * 100]);
  const [lowest, highest] = errors.length > 0 ? [Math.min(...errors), Math.max(...errors)] : [0, 100];
  const room = Math.max(0.5, (highest - lowest) * 0.25);
  return {
    name: '02-accuracy-and-latency',
    title: 'What speed costs in accuracy',
    caption: captionOf(summary, measured),
    alt: altOf(measured),
    width: FIGURE_WIDTH,
    height: 420,
    spec: {
      data: measured.map((row, place) => pointTrace(row, place, ids, slowest)),
      layout: {
        title: { text: 'What speed costs in accuracy' },
        margin: { l: 80, r: 24, t: 48, b: 66 },
        showlegend: false,
        xaxis: {
          title: { text: 'Mean latency (ms)' },
          range: [0, roundTo(slowest * 1.25)],
          showline: true,
          zeroline: false,
          fixedrange: true,
        },
        yaxis: {
          title: { text: 'Word error rate (%)' },
          range: [roundTo(Math.max(0, lowest - room)), roundTo(highest + room)],
          showline: true,
          zeroline: false,
          fixedrange: true,
        },
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
        ],
      },
    },
  };
}

function pointTrace(row: Measured, place: number, ids: readonly string[], slowest: number): JsonObject {
  const { color, symbol } = markOf(row.id, ids);
  const { meanMs } = row.latency;
  const wer = row.accuracy.wer;
  // Alternately above and below, so that the words of two near points do not meet.
  const level = place % 2 === 0 ? 'top' : 'bottom';
  const side = meanMs.value > slowest * 0.6 ? 'left' : 'right';
  return {
    type: 'scatter',
    name: row.title,
    x: [roundTo(meanMs.value)],
    y: [roundTo(wer.value * 100)],
    error_x: { ...errorBar(meanMs, 1), color, thickness: 2, width: 5 },
    error_y: { ...errorBar(wer, 100), color, thickness: 2, width: 5 },
    mode: 'markers+text',
    text: [`  <b>${row.title}</b>  `],
    textposition: `${level} ${side}`,
    cliponaxis: false,
    marker: { color, symbol, size: 13 },
    hovertemplate: `${row.title}<br>%{x} ms<br>WER %{y} %<extra></extra>`,
  };
}

function errorBar(estimate: Estimate, factor: number): JsonObject {
  return {
    type: 'data',
    symmetric: false,
    array: [roundTo((estimate.high - estimate.value) * factor)],
    arrayminus: [roundTo((estimate.value - estimate.low) * factor)],
  };
}

function captionOf(summary: Summary, measured: readonly Measured[]): string {
  const accuracy = measured[0]?.accuracy;
  const corpus = accuracy ? `${accuracy.utterances} utterances, ${accuracy.words} words` : 'no utterances';
  return [
    `Word error rate over the whole hold-out (${corpus}; edits summed) against mean latency (${machineOf(summary)}).`,
    'Bars are 95 % intervals. The vertical axis does not begin at zero.',
    'The intervals of the conditions overlap more than their differences do, because all transcribe the same utterances: compare by the change of word error rate in the table.',
    ...absencesOf(summary),
  ].join(' ');
}

function altOf(measured: readonly Measured[]): string {
  const parts = measured.map(({ title, latency, accuracy }) => {
    const wer = formatEstimate(accuracy.wer, formatPercent);
    return `${title}: word error rate ${wer} % at ${formatMs(latency.meanMs.value)} ms`;
  });
  return `Word error rate against mean latency, a point for each condition. ${parts.join('; ')}.`;
}
