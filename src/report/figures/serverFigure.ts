import { ratiosWithin } from '../../measure/load/queue.js';
import type { ServerReport } from '../../measure/load/server.js';
import { formatMs, formatNumber, roundTo } from '../tables/format.js';
import { threadsText } from '../tables/peersTable.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW, limitLine } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { loadFinding } from './findings.js';
import { type Mark, markOf } from './theme.js';

/** With service times in several starts, where they were measured. */
type LoadReport = ServerReport & { readonly serviceMs?: readonly (readonly number[])[] | undefined };

/** Latencies beyond this many times the bound are not drawn: an overloaded server has any latency. */
const HIGHEST = 3;

/**
 * Draws the 95th percentile of the latency against the rate of requests, queueing included, with the bound that it has to hold.
 *
 * @param reports - of one machine and one bound; at least one
 */
export function serverFigure(reports: readonly LoadReport[]): Figure {
  const models = reports.map(({ model }) => model);
  const boundMs = reports[0]?.boundMs ?? 0;
  const drawn = reports.flatMap(({ rates }) =>
    rates.map(({ p95Ms, p95BoundMs }) => Math.max(p95Ms, p95BoundMs ?? p95Ms)),
  );
  const highest = 1.1 * Math.max(boundMs, ...drawn.filter((ms) => ms <= HIGHEST * boundMs));
  const requests = reports[0]?.rates[0]?.requests ?? 0;
  return figureOf({
    name: 'server',
    title: findingOf(reports, boundMs),
    caption: [
      `${requests} requests at each rate, at random, waiting included, to ${[...new Set(reports.map(serverOf))].join(' or ')}.`,
      'The bar above a point is the bound that MLPerf’s early stopping gives at 99 % confidence: filled where it stays below the dotted line.',
    ],
    alt: `Latency against rate of requests. ${reports.map(sentenceOf).join(' ')}`,
    height: 460,
    margin: { l: 96, b: 110 },
    data: reports.map((report) => pointsOf(report, markOf(report.model, models))),
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axis('Requests that arrive in a second', { rangemode: 'tozero', showline: true }),
      yaxis: axis('95th percentile of the latency (ms)', { range: [0, roundTo(highest)], showline: true }),
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

function serverOf({ streams, threads }: ServerReport): string {
  return streams === null ? 'a service over HTTP' : `${streams} processes of ${threadsText(threads ?? 1)}`;
}

/** How many times the load the second of two carries, by the simulated queue; without one, up to which rate each model holds the bound. */
function findingOf(reports: readonly LoadReport[], boundMs: number): string {
  const [base, other] = reports;
  const [row] = ratiosWithin(base?.serviceMs ?? [], other?.serviceMs ?? [], base?.streams ?? 1, [boundMs]);
  if (base && other && row) return loadFinding(other.model, base.model, row);
  const rates = reports.map(({ model, highestPerS }) =>
    highestPerS === null ? `${model} at no rate` : `${model} up to ${formatNumber(highestPerS, 0)} requests a second`,
  );
  return `Within ${formatNumber(boundMs, 0)} ms answer: ${rates.join(', ')}`;
}

function sentenceOf({ model, boundMs, highestPerS, rates }: ServerReport): string {
  if (highestPerS === null) return `${model}: no rate held ${formatNumber(boundMs, 0)} ms.`;
  const at = rates.filter(({ ratePerS }) => ratePerS === highestPerS);
  const worst = Math.max(...at.map(({ p95Ms }) => p95Ms));
  return `${model}: holds ${formatNumber(boundMs, 0)} ms up to ${formatNumber(highestPerS, 1)} requests a second (there ${formatMs(worst)} ms).`;
}
