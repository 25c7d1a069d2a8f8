import { nameArrangement } from '../measure/load/arrangements.js';
import type { ArrangementResult, OfflineReport } from '../measure/load/offline.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatNumber, formatPercent, roundTo } from './format.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

/**
 * Draws throughput against batch size: for each model its best division of the cores, and what padding costs where batches are not
 * sorted by length.
 *
 * @param reports - of one machine; at least one
 */
export function throughputFigure(reports: readonly OfflineReport[]): Figure {
  const models = reports.map(({ model }) => model);
  const rounds = Math.max(0, ...reports.flatMap(({ results }) => results.map(({ passes }) => passes)));
  const [first] = reports;
  return {
    name: 'throughput',
    title: 'Throughput and batch size',
    caption: [
      `Seconds of sound heard in a second, against the number of utterances that go through the network together: ${first?.utterances ?? 0}`,
      `utterances, ${formatNumber(first?.audioS ?? 0, 0)} s of sound, all there from the start. Each model in the division of the cores that is its best; pale: other divisions;`,
      `dashed: one process, batches in random order, so that the network reads padding. ${rounds > 1 ? `Bars are 95 % intervals over ${rounds} passes.` : 'Each was heard once: there is no interval.'}`,
    ].join(' '),
    alt: `Lines of throughput against batch size. ${reports.map(sentenceOf).join(' ')}`,
    width: FIGURE_WIDTH,
    height: 570,
    spec: {
      data: reports.flatMap((report) => linesOf(report, markOf(report.model, models))),
      layout: {
        title: { text: 'Throughput and batch size' },
        margin: { l: 96, r: 24, t: 48, b: 200 },
        legend: { orientation: 'h', x: 0, xanchor: 'left', y: 0.01, yref: 'container', yanchor: 'bottom' },
        xaxis: {
          title: { text: 'Utterances in a batch' },
          type: 'category',
          categoryorder: 'array',
          categoryarray: sizesOf(reports).map(String),
          showline: true,
          fixedrange: true,
        },
        yaxis: {
          title: { text: 'Seconds of sound a second' },
          rangemode: 'tozero',
          showline: true,
          fixedrange: true,
        },
      },
    },
  };
}

function linesOf(
  report: OfflineReport,
  mark: { readonly color: string; readonly symbol: string },
): readonly JsonObject[] {
  const [best] = report.results;
  if (best === undefined) return [];
  const { streams, threads } = best.arrangement;
  const own = report.results.filter(
    ({ arrangement }) => arrangement.sorted && arrangement.streams === streams && arrangement.threads === threads,
  );
  const unsorted = report.results.filter(({ arrangement }) => !arrangement.sorted);
  const divisionOf = ({ arrangement }: ArrangementResult): string => nameArrangement(arrangement).split(',')[0] ?? '';
  const others = report.results.filter((result) => result.arrangement.sorted && !own.includes(result));
  return [
    ...[...new Set(others.map(divisionOf))].map((division) =>
      paleLine(
        `${report.model}, ${division}`,
        others.filter((result) => divisionOf(result) === division),
        mark,
      ),
    ),
    lineOf(`${report.model}, ${divisionOf(best)}`, own, mark, 'solid'),
    ...(unsorted.length > 0 ? [lineOf(`${report.model}, unsorted`, unsorted, mark, 'dash')] : []),
  ];
}

/** A division of the cores that is not the best: only to show how far it stays behind. */
function paleLine(
  name: string,
  results: readonly ArrangementResult[],
  { color }: { readonly color: string },
): JsonObject {
  const rising = results.toSorted((a, b) => a.arrangement.batchSize - b.arrangement.batchSize);
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    x: rising.map(({ arrangement }) => String(arrangement.batchSize)),
    y: rising.map(({ rtfx }) => roundTo(rtfx.value)),
    line: { color, width: 1 },
    opacity: 0.45,
    showlegend: false,
    hovertemplate: `${name}, batch %{x}: %{y} times real time<extra></extra>`,
  };
}

function lineOf(
  name: string,
  results: readonly ArrangementResult[],
  { color, symbol }: { readonly color: string; readonly symbol: string },
  dash: 'solid' | 'dash',
): JsonObject {
  const rising = results.toSorted((a, b) => a.arrangement.batchSize - b.arrangement.batchSize);
  return {
    type: 'scatter',
    mode: 'lines+markers',
    name,
    x: rising.map(({ arrangement }) => String(arrangement.batchSize)),
    y: rising.map(({ rtfx }) => roundTo(rtfx.value)),
    error_y: {
      type: 'data',
      symmetric: false,
      array: rising.map(({ rtfx }) => roundTo(rtfx.high - rtfx.value)),
      arrayminus: rising.map(({ rtfx }) => roundTo(rtfx.value - rtfx.low)),
      color,
      thickness: 1.5,
      width: 4,
    },
    line: { color, dash },
    marker: { color, symbol: dash === 'solid' ? symbol : `${symbol}-open`, size: 9 },
    hovertemplate: 'batch %{x}: %{y} times real time<extra></extra>',
  };
}

function sizesOf(reports: readonly OfflineReport[]): readonly number[] {
  const sizes = reports.flatMap(({ results }) => results.map(({ arrangement }) => arrangement.batchSize));
  return [...new Set(sizes)].sort((a, b) => a - b);
}

function sentenceOf({ model, results, best }: OfflineReport): string {
  const [first] = results;
  if (first === undefined) return `${model}: not measured.`;
  const rtfx = formatEstimate(first.rtfx, (value) => formatNumber(value, 0));
  return `${model}: best with ${best}, ${rtfx} times real time at a word error rate of ${formatPercent(first.accuracy.wer.value)} %.`;
}
