import type { ResultCachingReport } from '../../measure/load/resultCaching.js';
import { formatEstimate, formatMs, formatNumber, roundTo } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_BELOW } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { type Mark, markOf } from './theme.js';

/**
 * Draws the mean latency against the share of requests that a cache of transcripts answered, for each model and place of the cache.
 *
 * @param reports - of one machine; at least one
 */
export function cachingFigure(reports: readonly ResultCachingReport[]): Figure {
  const models = reports.map(({ model }) => model);
  const [first] = reports;
  return figureOf({
    name: 'caching',
    title: 'Latency and cache hits',
    caption: [
      'Mean time from waveform to text against the share of requests whose transcript was kept.',
      `${first?.points[0]?.requests ?? 0} requests at each point, which follow Zipf's law (exponent ${first?.exponent ?? 1}) over ${first?.utterances ?? 0} recordings;`,
      'the room of the cache, least recently used leaving first, gives the hit rate. Bars are 95 % intervals; filled: kept in memory, open: on disk alone.',
    ],
    alt: `Latency against hit rate, falling in a straight line. ${reports.map(sentenceOf).join(' ')}`,
    height: 460,
    margin: { l: 96, b: 110 },
    data: reports.flatMap((report) => linesOf(report, markOf(report.model, models))),
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axis('Requests answered from the cache (%)', { range: [-3, 103], showline: true }),
      yaxis: axis('Mean latency (ms)', { rangemode: 'tozero', showline: true }),
    },
  });
}

function linesOf({ model, points }: ResultCachingReport, { color, symbol }: Mark): readonly JsonObject[] {
  const places = [...new Set(points.map(({ place }) => place))];
  return places.map((place) => {
    const own = points.filter((point) => point.place === place).toSorted((a, b) => a.hitRate - b.hitRate);
    const isKept = place === 'memory';
    return estimatePoints({
      name: `${model}, ${place}`,
      mark: { color, symbol: isKept ? symbol : `${symbol}-open` },
      along: 'y',
      estimates: own.map(({ meanMs }) => meanMs),
      places: own.map(({ hitRate }) => roundTo(hitRate * 100)),
      whiskers: { thickness: 1.5, width: 4 },
      line: { color, dash: isKept ? 'solid' : 'dot' },
      size: 9,
      hover: '%{x} %: %{y} ms',
    });
  });
}

function sentenceOf({ model, plainMs, points }: ResultCachingReport): string {
  const parts = points
    .filter(({ place }) => place === 'memory')
    .map(({ hitRate, meanMs }) => `${formatMs(meanMs.value)} ms at ${formatNumber(hitRate * 100, 0)} %`);
  return `${model}: ${formatEstimate(plainMs, formatMs)} ms without a cache; in memory ${parts.join(', ')}.`;
}
