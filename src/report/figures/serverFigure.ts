import type { ServerReport } from '../../measure/load/server.js';
import { formatMs, formatNumber, roundTo } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW, limitLine } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { type Mark, markOf } from './theme.js';

/** Latencies beyond this many times the bound are not drawn: an overloaded server has any latency. */
const HIGHEST = 3;

/**
 * Draws the 95th percentile of the latency against the rate of requests, queueing included, with the bound that it has to hold.
 *
 * @param reports - of one machine and one bound; at least one
 */
export function serverFigure(reports: readonly ServerReport[]): Figure {
  const models = reports.map(({ model }) => model);
  const boundMs = reports[0]?.boundMs ?? 0;
  const drawn = reports.flatMap(({ rates }) =>
    rates.map(({ p95Ms, p95BoundMs }) => Math.max(p95Ms, p95BoundMs ?? p95Ms)),
  );
  const highest = 1.1 * Math.max(boundMs, ...drawn.filter((ms) => ms <= HIGHEST * boundMs));
  const requests = reports[0]?.rates[0]?.requests ?? 0;
  return figureOf({
    name: 'server',
    title: 'Latency under load',
    caption: [
      `The 95th percentile of the latency against the rate at which requests arrive (at random, ${requests} at each rate; waiting included).`,
      'The bar above a point is the bound that MLPerf’s early stopping gives at 99 % confidence: where that stays below the dotted line',
      `(${formatNumber(boundMs, 0)} ms), the rate holds. Filled: it held; open: it did not. Rates were tried in the order that a search chose.`,
      ...reports.map(({ model, streams, threads }) =>
        streams === null ? `${model}: a service over HTTP.` : `${model}: ${streams} processes of ${threads} thread(s).`,
      ),
    ],
    alt: `Latency against rate of requests. ${reports.map(sentenceOf).join(' ')}`,
    height: 460,
    margin: { l: 96, b: 110 },
    data: reports.map((report) => pointsOf(report, markOf(report.model, models))),
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axis('Requests a second', { rangemode: 'tozero', showline: true }),
      yaxis: axis('95th percentile (ms)', { range: [0, roundTo(highest)], showline: true }),
      shapes: [limitLine('y', boundMs)],
    },
  });
}

function pointsOf({ model, rates }: ServerReport, { color, symbol }: Mark): JsonObject {
  const rising = rates.toSorted((a, b) => a.ratePerS - b.ratePerS).filter(({ p95Ms }) => Number.isFinite(p95Ms));
  return estimatePoints({
    name: model,
    mark: { color, symbol: rising.map(({ holds }) => (holds ? symbol : `${symbol}-open`)) },
    along: 'y',
    estimates: rising.map(({ p95Ms, p95BoundMs }) => {
      return { value: p95Ms, low: p95Ms, high: Math.max(p95Ms, p95BoundMs ?? p95Ms) };
    }),
    places: rising.map(({ ratePerS }) => roundTo(ratePerS)),
    whiskers: { thickness: 1.5, width: 4 },
    size: 10,
    hover: '%{x} a second: %{y} ms',
  });
}

function sentenceOf({ model, boundMs, highestPerS, rates }: ServerReport): string {
  if (highestPerS === null) return `${model}: no rate held ${formatNumber(boundMs, 0)} ms.`;
  const at = rates.filter(({ ratePerS }) => ratePerS === highestPerS);
  const worst = Math.max(...at.map(({ p95Ms }) => p95Ms));
  return `${model}: holds ${formatNumber(boundMs, 0)} ms up to ${formatNumber(highestPerS, 1)} requests a second (there ${formatMs(worst)} ms).`;
}
