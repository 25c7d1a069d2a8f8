import type { TopicResults } from '../experiment/laboratory.js';
import type { Estimate } from '../experiment/schema.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatMs, roundTo } from './format.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

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
export function loadTimeFigure({ load, results }: TopicResults['caching']): Figure {
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
  const title = 'What keeping things saves';
  return {
    name: '13-loading',
    title,
    caption: [
      `Time on a logarithmic axis, one thread, 95 % intervals. Loading: medians of ${load[0]?.rounds ?? 0} fresh processes, the file in the system’s cache;`,
      'the optimised form is the graph as the runtime rewrites it, weights already packed, kept on disk and mapped into memory.',
      'An utterance: the mean of requests without a cache, and of requests whose transcript was kept in memory.',
    ].join(' '),
    alt: `Times to load and to answer. ${times
      .map(({ what, model, ms }) => `${what.replace('<br>', ' ')}, ${model}: ${formatEstimate(ms, formatMs)} ms`)
      .join('; ')}.`,
    width: FIGURE_WIDTH,
    height: 170 + 62 * Math.max(1, rows.length),
    spec: {
      data: models.map((model): JsonObject => {
        const own = times.filter((time) => time.model === model);
        const { color, symbol } = markOf(model, models);
        return {
          type: 'scatter',
          mode: 'markers',
          name: model,
          x: own.map(({ ms }) => roundTo(ms.value)),
          y: own.map(({ what }) => what),
          error_x: {
            type: 'data',
            symmetric: false,
            array: own.map(({ ms }) => roundTo(ms.high - ms.value)),
            arrayminus: own.map(({ ms }) => roundTo(ms.value - ms.low)),
            color,
            thickness: 2,
            width: 5,
          },
          marker: { color, symbol, size: 12 },
          hovertemplate: '%{x} ms<extra></extra>',
        };
      }),
      layout: {
        title: { text: title },
        margin: { l: 160, r: 48, t: 84, b: 66 },
        legend: { orientation: 'h', x: 0, y: 1, xanchor: 'left', yanchor: 'bottom' },
        xaxis: { title: { text: 'Time (ms)' }, type: 'log', dtick: 1, showline: true, fixedrange: true },
        yaxis: { categoryorder: 'array', categoryarray: rows.toReversed(), fixedrange: true },
      },
    },
  };
}
