import type { Estimate, Summary } from '../../study/schema.js';
import { formatEstimate, formatMs, formatPercent, formatPoints, roundTo } from '../tables/format.js';
import { type Measured, measuredOf } from '../tables/measured.js';
import { axis, errorBars, figureOf, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { wordsFinding } from './findings.js';
import { markOf } from './theme.js';

const HOW_TO_READ =
  'Dotted lines lead from a float model to its variants; upright bars are intervals of the change against it, in points beside each name; the axis of errors does not begin at zero.';

/** Word error rate against mean latency, both with their intervals: lower and further left is better. */
export function tradeoffFigure(summary: Summary, reading: string = HOW_TO_READ): Figure {
  const measured = measuredOf(summary);
  const ids = summary.conditions.map(({ condition }) => condition.id);
  const slowest = Math.max(1, ...measured.map(({ latency }) => latency.meanMs.high));
  const errors = measured.flatMap(({ accuracy, entry }) => {
    const { low, high } = barsOf({ accuracy, change: entry.comparison?.werChange });
    return [100 * low, 100 * high];
  });
  const [lowest, highest] = errors.length > 0 ? [Math.min(...errors), Math.max(...errors)] : [0, 100];
  const room = Math.max(0.5, (highest - lowest) * 0.35);
  return figureOf({
    name: 'accuracy-and-latency',
    title: wordsFinding(measured),
    caption: captionOf(measured, reading),
    alt: altOf(measured),
    height: 420,
    data: [...stepsOf(measured), ...measured.map((row) => pointTrace(row, ids))],
    layout: {
      showlegend: false,
      xaxis: axis('Mean time from waveform to text of one utterance (ms)', {
        range: [0, roundTo(slowest * 1.25)],
        showline: true,
        zeroline: false,
      }),
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
        ...measured.map((row) => nameOf(row, isAbove(row, measured), 1.25 * slowest)),
      ],
    },
  });
}

/** Where a point's name stands: variants of a model in turns, the model itself where there is room, so that the names of near points do not meet. */
function isAbove({ id, entry: { comparison } }: Measured, all: readonly Measured[]): boolean {
  const siblings = all
    .filter(({ entry }) => entry.comparison?.base === (comparison?.base ?? id))
    .toSorted((one, other) => other.accuracy.wer.value - one.accuracy.wer.value);
  if (comparison === null) return siblings.length > 1;
  return siblings.findIndex((one) => one.id === id) % 2 === 0;
}

/** The name of a point, and what its pairs say. */
function nameOf(
  { title, latency, accuracy, entry: { comparison } }: Measured,
  above: boolean,
  range: number,
): JsonObject {
  const change = comparison?.werChange;
  const bars = barsOf({ accuracy, change });
  const x = latency.meanMs.value;
  const side = x < 0.25 * range ? 'left' : x > 0.85 * range ? 'right' : 'center';
  return {
    text: `<b>${title}</b>${change ? `<br>${formatEstimate(change, formatPoints)} points` : ''}`,
    x: roundTo(x),
    y: roundTo((above ? bars.high : bars.low) * 100),
    xanchor: side,
    align: side,
    yanchor: above ? 'bottom' : 'top',
    // Above the name of the float model, which is near where a variant gains no time.
    yshift: above ? (comparison === null ? 8 : 26) : -8,
    showarrow: false,
  };
}

/** What is drawn of the word error rate: of a variant the interval of its change, since it hears what its base heard. */
function barsOf({
  accuracy: { wer },
  change,
}: {
  readonly accuracy: Measured['accuracy'];
  readonly change: Estimate | null | undefined;
}): Estimate {
  if (!change) return { value: wer.value, low: wer.value, high: wer.value };
  const base = wer.value - change.value;
  return { value: wer.value, low: base + change.low, high: base + change.high };
}

/** From a float model to its variant. */
function stepsOf(measured: readonly Measured[]): readonly JsonObject[] {
  return measured.flatMap(({ latency, accuracy, entry: { comparison } }): JsonObject[] => {
    const base = measured.find(({ id }) => id === comparison?.base);
    if (base === undefined) return [];
    return [
      {
        type: 'scatter',
        mode: 'lines',
        x: [roundTo(base.latency.meanMs.value), roundTo(latency.meanMs.value)],
        y: [roundTo(100 * base.accuracy.wer.value), roundTo(100 * accuracy.wer.value)],
        line: { color: NEUTRAL_COLOR, width: 1.5, dash: 'dot' },
        hoverinfo: 'skip',
      },
    ];
  });
}

function pointTrace(row: Measured, ids: readonly string[]): JsonObject {
  const { color, symbol } = markOf(row.id, ids);
  const { meanMs } = row.latency;
  const change = row.entry.comparison?.werChange;
  return {
    type: 'scatter',
    name: row.title,
    x: [roundTo(meanMs.value)],
    y: [roundTo(row.accuracy.wer.value * 100)],
    error_x: errorBars([meanMs], { color, thickness: 2, width: 5 }),
    ...(change && {
      error_y: errorBars([barsOf({ accuracy: row.accuracy, change })], { color, thickness: 2, width: 5 }, 100),
    }),
    mode: 'markers',
    cliponaxis: false,
    marker: { color, symbol, size: 11 },
    hovertemplate: `${row.title}<br>%{x} ms<br>WER %{y} %<extra></extra>`,
  };
}

function captionOf(measured: readonly Measured[], reading: string): readonly string[] {
  const accuracy = measured[0]?.accuracy;
  const corpus = accuracy ? `${accuracy.utterances} utterances, ${accuracy.words} words` : 'no utterances';
  return [`Of the whole hold-out (${corpus}). ${reading}`];
}

function altOf(measured: readonly Measured[]): string {
  const parts = measured.map(({ title, latency, accuracy }) => {
    const wer = formatEstimate(accuracy.wer, formatPercent);
    return `${title}: word error rate ${wer} % at ${formatMs(latency.meanMs.value)} ms`;
  });
  return `Word error rate against mean latency, a point for each condition. ${parts.join('; ')}.`;
}
