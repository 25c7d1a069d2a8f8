import type { TopicResults } from '../../study/laboratory.js';
import type { Estimate } from '../../study/schema.js';
import { formatEstimate, formatMs, roundTo } from '../tables/format.js';
import { axis, estimatePoints, figureOf, LEGEND_ABOVE } from './drawing.js';
import type { Figure } from './figure.js';
import { loadingFinding } from './findings.js';
import { markOf } from './theme.js';

/** Between the marks of two models, as a share of a row. */
const APART = 0.28;

interface Time {
  readonly what: string;
  readonly model: string;
  readonly ms: Estimate;
}

/**
 * Draws what keeping things saves: loading from the model file and from its optimised form, and an utterance heard anew and
 * answered from the cache.
 *
 * @param caching - of one machine
 */
export function coldStartFigure(caching: TopicResults['caching']): Figure {
  const { load, results } = caching;
  const times: readonly Time[] = [
    ...load.map(({ model, plainMs }) => ({ what: 'Load the<br>model file', model, ms: plainMs })),
    ...load.map(({ model, optimizedMs }) => ({ what: 'Load the kept<br>optimised form', model, ms: optimizedMs })),
    ...results.map(({ model, plainMs }) => ({ what: 'Hear an<br>utterance', model, ms: plainMs })),
    ...results.flatMap(({ model, points }) => {
      const all = points.find(({ hitRate }) => hitRate === 1);
      return all === undefined ? [] : [{ what: 'Find its kept<br>transcript', model, ms: all.meanMs }];
    }),
  ];
  const models = [...new Set(times.map(({ model }) => model))];
  const rows = [...new Set(times.map(({ what }) => what))];
  return figureOf({
    name: 'loading',
    title: loadingFinding(caching),
    caption: [
      `Loading: medians of ${load[0]?.rounds ?? 0} fresh processes with one thread, the file in the system’s cache; the kept form is the graph as the runtime rewrites it, weights already packed, mapped into memory.`,
      'An utterance: the mean of requests, without a cache and where the transcript was kept in memory.',
    ],
    alt: `Times to load and to answer. ${times
      .map(({ what, model, ms }) => `${what.replace('<br>', ' ')}, ${model}: ${formatEstimate(ms, formatMs)} ms`)
      .join('; ')}.`,
    height: 170 + 62 * Math.max(1, rows.length),
    margin: { l: 160, r: 48, t: 84 },
    data: models.map((model, place) => {
      const own = times.filter((time) => time.model === model);
      return estimatePoints({
        name: model,
        mark: markOf(model, models),
        along: 'x',
        estimates: own.map(({ ms }) => ms),
        // Side by side in a row: the marks of two models may be as near as their times.
        places: own.map(({ what }) =>
          roundTo(rows.length - 1 - rows.indexOf(what) + APART * ((models.length - 1) / 2 - place)),
        ),
        whiskers: { thickness: 2, width: 5 },
        size: 12,
        hover: '%{x} ms',
      });
    }),
    layout: {
      legend: LEGEND_ABOVE,
      xaxis: axis('Time, logarithmic (ms)', { type: 'log', dtick: 1, showline: true }),
      yaxis: {
        tickvals: rows.map((_, place) => rows.length - 1 - place),
        ticktext: rows,
        range: [-0.6, rows.length - 0.4],
        zeroline: false,
        fixedrange: true,
      },
    },
  });
}
