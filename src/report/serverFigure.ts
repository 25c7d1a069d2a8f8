import type { ServedRate, ServerReport } from '../measure/load/server.js';
import type { Figure, JsonObject } from './figure.js';
import { formatMs, formatNumber, roundTo } from './format.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

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
  const requests = reports[0]?.rates[0]?.requests ?? 0;
  return {
    name: 'server',
    title: 'Latency under load',
    caption: [
      `The 95th percentile of the latency against the rate at which requests arrive (at random, ${requests} at each rate; waiting included).`,
      'The bar above a point is the bound that MLPerf’s early stopping gives at 99 % confidence: where that stays below the dotted line',
      `(${formatNumber(boundMs, 0)} ms), the rate holds. Filled: it held; open: it did not. Rates were tried in the order that a search chose.`,
      ...reports.map(({ model, streams, threads }) =>
        streams === null ? `${model}: a service over HTTP.` : `${model}: ${streams} processes of ${threads} thread(s).`,
      ),
    ].join(' '),
    alt: `Latency against rate of requests. ${reports.map(sentenceOf).join(' ')}`,
    width: FIGURE_WIDTH,
    height: 460,
    spec: {
      data: reports.map((report) => pointsOf(report, markOf(report.model, models))),
      layout: {
        title: { text: 'Latency under load' },
        margin: { l: 96, r: 24, t: 48, b: 110 },
        legend: { orientation: 'h', x: 0, xanchor: 'left', y: 0.01, yref: 'container', yanchor: 'bottom' },
        xaxis: { title: { text: 'Requests a second' }, rangemode: 'tozero', showline: true, fixedrange: true },
        yaxis: {
          title: { text: '95th percentile (ms)' },
          range: [0, HIGHEST * boundMs],
          showline: true,
          fixedrange: true,
        },
        shapes: [
          {
            type: 'line',
            xref: 'paper',
            x0: 0,
            x1: 1,
            y0: boundMs,
            y1: boundMs,
            line: { dash: 'dot', width: 2, color: '#7f8790' },
          },
        ],
      },
    },
  };
}

function pointsOf(
  { model, rates }: ServerReport,
  mark: { readonly color: string; readonly symbol: string },
): JsonObject {
  const rising = rates.toSorted((a, b) => a.ratePerS - b.ratePerS).filter(({ p95Ms }) => Number.isFinite(p95Ms));
  const above = ({ p95Ms, p95BoundMs }: ServedRate): number => Math.max(0, (p95BoundMs ?? p95Ms) - p95Ms);
  return {
    type: 'scatter',
    mode: 'markers',
    name: model,
    x: rising.map(({ ratePerS }) => roundTo(ratePerS)),
    y: rising.map(({ p95Ms }) => roundTo(p95Ms)),
    error_y: {
      type: 'data',
      symmetric: false,
      array: rising.map((rate) => roundTo(above(rate))),
      arrayminus: rising.map(() => 0),
      color: mark.color,
      thickness: 1.5,
      width: 4,
    },
    marker: {
      color: mark.color,
      symbol: rising.map(({ holds }) => (holds ? mark.symbol : `${mark.symbol}-open`)),
      size: 10,
    },
    hovertemplate: '%{x} a second: %{y} ms<extra></extra>',
  };
}

function sentenceOf({ model, boundMs, highestPerS, rates }: ServerReport): string {
  if (highestPerS === null) return `${model}: no rate held ${formatNumber(boundMs, 0)} ms.`;
  const at = rates.filter(({ ratePerS }) => ratePerS === highestPerS);
  const worst = Math.max(...at.map(({ p95Ms }) => p95Ms));
  return `${model}: holds ${formatNumber(boundMs, 0)} ms up to ${formatNumber(highestPerS, 1)} requests a second (there ${formatMs(worst)} ms).`;
}
