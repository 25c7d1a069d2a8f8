import { nameArrangement } from '../../measure/throughput/arrangements.js';
import type { ArrangementResult, OfflineReport } from '../../measure/throughput/offline.js';
import { formatEstimate, formatNumber, formatPercent } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { throughputFinding } from './findings.js';
import { type Mark, markOf } from './theme.js';

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
  return figureOf({
    name: 'throughput',
    title: throughputFinding(reports),
    caption: [
      `${first?.utterances ?? 0} utterances, ${formatNumber(first?.audioS ?? 0, 0)} s of sound, all there from the start, ${rounds > 1 ? `in ${rounds} passes` : 'heard once, so without intervals'}.`,
      'Each model in the division of the cores that is its best; dashed: one process, batches in random order, so that the network reads padding.',
    ],
    alt: `Lines of throughput against batch size. ${reports.map(sentenceOf).join(' ')}`,
    height: 570,
    margin: { l: 96, b: 200 },
    data: reports.flatMap((report) => linesOf(report, markOf(report.model, models))),
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axis('Utterances in a batch', {
        type: 'category',
        categoryorder: 'array',
        categoryarray: sizesOf(reports).map(String),
        showline: true,
      }),
      yaxis: axis('Seconds of sound heard in a second', { rangemode: 'tozero', showline: true }),
    },
  });
}

function linesOf(report: OfflineReport, mark: Mark): readonly JsonObject[] {
  const [best] = report.results;
  if (best === undefined) return [];
  const { streams, threads } = best.arrangement;
  const own = report.results.filter(
    ({ arrangement }) => arrangement.sorted && arrangement.streams === streams && arrangement.threads === threads,
  );
  const unsorted = report.results.filter(({ arrangement }) => !arrangement.sorted);
  const divisionOf = ({ arrangement }: ArrangementResult): string => nameArrangement(arrangement).split(',')[0] ?? '';
  return [
    lineOf(`${report.model}, ${divisionOf(best)}`, own, mark, 'solid'),
    ...(unsorted.length > 0 ? [lineOf(`${report.model}, unsorted`, unsorted, mark, 'dash')] : []),
  ];
}

function lineOf(
  name: string,
  results: readonly ArrangementResult[],
  { color, symbol }: Mark,
  dash: 'solid' | 'dash',
): JsonObject {
  const rising = byBatchSize(results);
  return estimatePoints({
    name,
    mark: { color, symbol: dash === 'solid' ? symbol : `${symbol}-open` },
    along: 'y',
    estimates: rising.map(({ rtfx }) => rtfx),
    places: rising.map(({ arrangement }) => String(arrangement.batchSize)),
    whiskers: { thickness: 1.5, width: 4 },
    line: { color, dash },
    size: 9,
    hover: 'batch %{x}: %{y} times real time',
  });
}

function byBatchSize(results: readonly ArrangementResult[]): readonly ArrangementResult[] {
  return results.toSorted((a, b) => a.arrangement.batchSize - b.arrangement.batchSize);
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
