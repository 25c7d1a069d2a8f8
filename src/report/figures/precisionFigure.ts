import { roundTo } from '../tables/format.js';
import { axis, figureOf } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

/** How wrong the numbers of a format may be: a row of `relativeErrors` for each interval of magnitudes. */
export interface PrecisionSeries {
  /** The format: `float16`. */
  readonly name: string;
  readonly points: readonly { readonly magnitude: number; readonly error: number }[];
}

/**
 * Draws how far a value may be from the number that stands for it, relative to the value, by the value's magnitude: level
 * where a format floats, falling towards its limit where the point is fixed.
 *
 * @param series - two formats or more, to compare
 */
export function precisionFigure(series: readonly PrecisionSeries[]): Figure {
  const names = series.map(({ name }) => name);
  return figureOf({
    name: 'precision',
    title: 'How wrong a number may be',
    caption: [
      'Largest relative error between two powers of two when a value is rounded to a format. A format whose point floats keeps it',
      'level; where the point is fixed, as in integers, small values lose all: at 100 % they become zero. A line ends where the range does.',
    ],
    alt: `Relative error against magnitude. ${series
      .map(
        ({ name, points }) =>
          `${name}: ${percent(points[0]?.error)} for the smallest, ${percent(points.at(-1)?.error)} for the largest`,
      )
      .join('; ')}.`,
    height: 430,
    margin: { l: 90, b: 110 },
    data: series.map(({ name, points }) => {
      const { color, symbol } = markOf(name, names);
      return {
        type: 'scatter',
        mode: 'lines+markers',
        name,
        x: points.map(({ magnitude }) => magnitude),
        y: points.map(({ error }) => roundTo(error * 100)),
        line: { color, width: 2 },
        marker: { color, symbol, size: 7 },
        hovertemplate: `${name}: %{y:.2g} % at %{x:.2g}<extra></extra>`,
      };
    }),
    layout: {
      legend: { orientation: 'h', x: 0, y: -0.22, yanchor: 'top' },
      xaxis: axis('Magnitude of the value', { type: 'log', exponentformat: 'power' }),
      yaxis: axis('Largest error (% of the value)', { type: 'log', exponentformat: 'power' }),
    },
  });
}

function percent(error = Number.NaN): string {
  return `${Number((error * 100).toPrecision(2))} %`;
}
