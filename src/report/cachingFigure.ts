import type { ResultCachingReport } from '../measure/load/resultCaching.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatMs, formatNumber, roundTo } from './format.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

/**
 * Draws the mean latency against the share of requests that a cache of transcripts answered, for each model and place of the cache.
 *
 * @param reports - of one machine; at least one
 */
export function cachingFigure(reports: readonly ResultCachingReport[]): Figure {
  const models = reports.map(({ model }) => model);
  const [first] = reports;
  return {
    name: 'caching',
    title: 'Latency and cache hits',
    caption: [
      'Mean time from waveform to text against the share of requests whose transcript was kept.',
      `${first?.points[0]?.requests ?? 0} requests at each point, which follow Zipf's law (exponent ${first?.exponent ?? 1}) over ${first?.utterances ?? 0} recordings;`,
      'the room of the cache, least recently used leaving first, gives the hit rate. Bars are 95 % intervals; filled: kept in memory, open: on disk alone.',
    ].join(' '),
    alt: `Latency against hit rate, falling in a straight line. ${reports.map(sentenceOf).join(' ')}`,
    width: FIGURE_WIDTH,
    height: 460,
    spec: {
      data: reports.flatMap((report) => linesOf(report, markOf(report.model, models))),
      layout: {
        title: { text: 'Latency and cache hits' },
        margin: { l: 96, r: 24, t: 48, b: 110 },
        legend: { orientation: 'h', x: 0, xanchor: 'left', y: 0.01, yref: 'container', yanchor: 'bottom' },
        xaxis: {
          title: { text: 'Requests answered from the cache (%)' },
          range: [-3, 103],
          showline: true,
          fixedrange: true,
        },
        yaxis: { title: { text: 'Mean latency (ms)' }, rangemode: 'tozero', showline: true, fixedrange: true },
      },
    },
  };
}

function linesOf(
  { model, points }: ResultCachingReport,
  { color, symbol }: { readonly color: string; readonly symbol: string },
): readonly JsonObject[] {
  const places = [...new Set(points.map(({ place }) => place))];
  return places.map((place) => {
    const own = points.filter((point) => point.place === place).toSorted((a, b) => a.hitRate - b.hitRate);
    return {
      type: 'scatter',
      mode: 'lines+markers',
      name: `${model}, ${place}`,
      x: own.map(({ hitRate }) => roundTo(hitRate * 100)),
      y: own.map(({ meanMs }) => roundTo(meanMs.value)),
      error_y: {
        type: 'data',
        symmetric: false,
        array: own.map(({ meanMs }) => roundTo(meanMs.high - meanMs.value)),
        arrayminus: own.map(({ meanMs }) => roundTo(meanMs.value - meanMs.low)),
        color,
        thickness: 1.5,
        width: 4,
      },
      line: { color, dash: place === 'memory' ? 'solid' : 'dot' },
      marker: { color, symbol: place === 'memory' ? symbol : `${symbol}-open`, size: 9 },
      hovertemplate: '%{x} %: %{y} ms<extra></extra>',
    };
  });
}

function sentenceOf({ model, plainMs, points }: ResultCachingReport): string {
  const parts = points
    .filter(({ place }) => place === 'memory')
    .map(({ hitRate, meanMs }) => `${formatMs(meanMs.value)} ms at ${formatNumber(hitRate * 100, 0)} %`);
  return `${model}: ${formatEstimate(plainMs, formatMs)} ms without a cache; in memory ${parts.join(', ')}.`;
}
