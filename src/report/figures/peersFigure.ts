import { type PeerResults, threadCountsOf } from '../../study/peers.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatNumber,
  formatPercent,
  roundTo,
} from '../tables/format.js';
import { type PeerRow, peerRowsOf, threadsText } from '../tables/peersTable.js';
import { axis, errorBars, figureOf, LEGEND_BELOW, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { peersFinding } from './findings.js';
import { type Mark, markOf } from './theme.js';

/** Height of a condition's row for each number of threads, in CSS pixels. */
const LINE_HEIGHT = 24;

/** How far the marks of a row lie apart, as a share of the row. */
const BESIDE = 0.34;

/** Colours of the numbers of threads: not those of conditions that have their own. */
const NAMES = ['first', 'second'] as const;
const SYMBOLS = ['circle', 'square'] as const;

/** Other programs beside ours on the same recordings: how many times as fast as the first that times are set beside, with its interval. */
export function peersFigure(results: PeerResults): Figure {
  const counts = threadCountsOf(results);
  const rows = counts.map((threads) => peerRowsOf(results, threads));
  const [reference = ''] = results.beside;
  const titleOf = (id: string): string => results.conditions.find((one) => one.id === id)?.title ?? id;
  const all = rows.flat();
  const shown = results.conditions.filter(({ id }) => all.some(({ condition }) => condition.id === id));
  // Plotly stacks rows upwards; readers expect the first on top.
  const placeOf = ({ condition, threads }: PeerRow): number => {
    const within = (counts.indexOf(threads) - (counts.length - 1) / 2) * BESIDE;
    return roundTo(shown.length - 1 - shown.indexOf(condition) - within);
  };
  const longest = Math.max(1, ...all.map(({ timesAsFast: [ratio] }) => ratio?.high ?? 0));
  const marks = counts.map((_, index) => markOf(NAMES[index % NAMES.length] ?? '', NAMES));
  return figureOf({
    name: 'peers',
    title: peersFinding(rows[0] ?? [], titleOf(reference)),
    caption: [
      `The same recordings with the same weights: right of the dotted line is faster, a mark the median of the ratios within a recording; ours are filled.`,
      `Below each name: word error rate and peak memory on ${threadsText(counts[0] ?? 0)}.`,
    ],
    alt: `Times as fast as ${titleOf(reference)}, a mark for each program and number of threads. ${all.map(wordsOf).join('; ')}.`,
    height: 130 + (LINE_HEIGHT * counts.length + 8) * shown.length,
    margin: { l: 300, r: 76, b: 112 },
    data: rows.map((own, index) => traceOf(own, marks[index] as Mark, SYMBOLS[index % 2] ?? '', placeOf)),
    layout: {
      showlegend: counts.length > 1,
      legend: LEGEND_BELOW,
      xaxis: axis(`Times as fast as ${titleOf(reference)} (×)`, {
        title: { text: `Times as fast as ${titleOf(reference)} (×)`, standoff: 14 },
        range: [0, roundTo(1.04 * longest)],
        showline: true,
        zeroline: false,
      }),
      yaxis: {
        tickvals: shown.map((_, place) => shown.length - 1 - place),
        ticktext: shown.map((condition) => `<b>${condition.title}</b><br>${burdenOf(all, condition.id)}`),
        range: [-0.6, shown.length - 0.4],
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      },
      // Beside the marks they would stand on the line at one.
      annotations: all.flatMap((row): JsonObject[] => {
        const [ratio] = row.timesAsFast;
        if (!ratio) return [];
        return [
          {
            text: formatFactor(ratio.value),
            xref: 'paper',
            x: 1.02,
            xanchor: 'left',
            y: placeOf(row),
            yanchor: 'middle',
            showarrow: false,
          },
        ];
      }),
      shapes: [
        {
          type: 'line',
          x0: 1,
          x1: 1,
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { dash: 'dot', width: 2, color: NEUTRAL_COLOR },
        },
      ],
    },
  });
}

/** Marks of a number of threads, ours filled and the others' open. */
function traceOf(
  own: readonly PeerRow[],
  { color }: Mark,
  symbol: string,
  placeOf: (row: PeerRow) => number,
): JsonObject {
  const drawn = own.flatMap((row) => {
    const [ratio] = row.timesAsFast;
    return ratio ? [{ row, ratio }] : [];
  });
  return {
    type: 'scatter',
    mode: 'markers',
    name: threadsText(own[0]?.threads ?? 0),
    x: drawn.map(({ ratio }) => roundTo(ratio.value)),
    y: drawn.map(({ row }) => placeOf(row)),
    error_x: errorBars(
      drawn.map(({ ratio }) => ratio),
      { color, thickness: 2, width: 5 },
    ),
    cliponaxis: false,
    marker: {
      color,
      symbol: drawn.map(({ row }) => (row.condition.isOurs ? symbol : `${symbol}-open`)),
      size: 11,
      line: { color, width: 2 },
    },
    hovertemplate: drawn.map(
      ({ row }) => `${row.condition.title}, ${threadsText(row.threads)}: %{x} times as fast<extra></extra>`,
    ),
  };
}

function burdenOf(rows: readonly PeerRow[], id: string): string {
  const row = rows.find(({ condition }) => condition.id === id);
  if (row === undefined) return '';
  return `WER ${formatNumber(100 * row.accuracy.wer.value, 1)} %, ${formatMegabytes(row.peakBytes)} MB`;
}

function wordsOf({ condition, threads, timesAsFast: [ratio], accuracy, peakBytes }: PeerRow): string {
  const times = ratio ? formatEstimate(ratio, formatFactor) : 'not beside it';
  return `${condition.title}, ${threadsText(threads)}: ${times}, word error rate ${formatPercent(accuracy.wer.value)} %, ${formatMegabytes(peakBytes)} MB`;
}
