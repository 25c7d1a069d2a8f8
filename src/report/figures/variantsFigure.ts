import type { InstancePrice } from '../../measure/cost/prices.js';
import type { Estimate, Summary } from '../../study/schema.js';
import { unbeaten } from '../post/choosing.js';
import { formatEstimate, formatMegabytes, formatMs, formatNumber, formatPercent, roundTo } from '../tables/format.js';
import { absencesOf, machineOf, measuredOf } from '../tables/measured.js';
import { axis as axisOf, errorBars, figureOf, LEGEND_BELOW, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { markOf } from './theme.js';

/** What a variant's errors are set against. */
export type VariantAxis = 'latency' | 'cost';

/** A variant of a model with what is drawn of it. */
interface Point {
  readonly title: string;
  readonly model: string;
  readonly recipe: string;
  readonly wer: Estimate;
  readonly x: Estimate;
  readonly sizeBytes: number;
}

const AXES: Readonly<Record<VariantAxis, { readonly name: string; readonly title: string; readonly unit: string }>> = {
  latency: { name: 'variants', title: 'Errors and time of every variant', unit: 'Mean latency (ms)' },
  cost: { name: 'variants-cost', title: 'Errors and price of every variant', unit: 'Price of 1,000 h of sound ($)' },
};

/** Plotly's symbols as characters, for a legend of shapes. */
const SIGNS: Readonly<Record<string, string>> = {
  circle: '●',
  diamond: '◆',
  square: '■',
  'triangle-up': '▲',
  cross: '✚',
  star: '★',
};

/** Diameter of the largest model's marker, in pixels. */
const LARGEST_MARKER = 30;
const SMALLEST_MARKER = 8;

/** Left of this share of the largest value, names stand right of their points. */
const LEFTMOST = 0.2;

/** A letter of a name, and its height, as shares of what the axes show. */
const LETTER_WIDTH = 0.025;
const NAME_HEIGHT = 0.07;

/** Height of a line of the legend, in CSS pixels; three models stand on one. */
const LEGEND_ROW = 28;

/**
 * Draws every variant of every model: word error rate against latency or price, the size of the marker the size of the file, and the
 * front of those that none beats in both.
 *
 * @param summary - of a run over all variants
 * @param axis - what errors are set against
 * @param prices - of machines to rent, for the cost
 */
export function variantsFigure(summary: Summary, axis: VariantAxis, prices: readonly InstancePrice[] = []): Figure {
  const points = pointsOf(summary, axis, prices);
  const front = unbeaten(points, ({ x, wer }) => [x.value, wer.value]).toSorted((a, b) => a.x.value - b.x.value);
  const models = [...new Set(points.map(({ model }) => model))];
  const recipes = [...new Set(points.map(({ recipe }) => recipe))];
  const largest = Math.max(1, ...points.map(({ sizeBytes }) => sizeBytes));
  const rightmost = Math.max(1e-9, ...points.map(({ x }) => x.value));
  const lowest = Math.min(1, ...points.map(({ wer }) => wer.low));
  const highest = Math.max(0.01, ...points.map(({ wer }) => wer.high));
  const legendHeight = LEGEND_ROW * Math.ceil(models.length / 3);
  const { name, title, unit } = AXES[axis];
  const named = namedOf(front, rightmost, highest - lowest);
  const symbolOf = (recipe: string): string =>
    markOf(
      `CPU ${recipe}`,
      recipes.map((one) => `CPU ${one}`),
    ).symbol;
  const format = (value: number): string => (axis === 'latency' ? formatMs(value) : formatNumber(value, 2));
  return figureOf({
    name,
    title,
    caption: [
      `Word error rate (best path, no language model) against ${axis === 'latency' ? 'mean latency' : 'the price of 1,000 hours of sound on the cheapest machine of the table of prices, an estimate'}: down and left is better (${machineOf(summary)}).`,
      'Each colour is a model, each shape a way to compress it; the area of a marker is the size of the file. The vertical axis does not begin at zero.',
      'The grey line joins the variants that no other beats in both; where there is room, the name of its model stands beside the first. Pale bars are 95 % intervals, wide because all hear the same few utterances.',
      ...absencesOf(summary),
    ],
    alt: `Word error rate against ${axis === 'latency' ? 'latency' : 'price'}, a marker for each variant. ${points
      .map((point) => {
        const best = front.includes(point) ? ', beaten by none' : '';
        const value = axis === 'latency' ? `${format(point.x.value)} ms` : `${format(point.x.value)} dollars`;
        return `${point.title}: word error rate ${formatEstimate(point.wer, formatPercent)} %, ${value}, ${formatMegabytes(point.sizeBytes)} MB${best}`;
      })
      .join('; ')}.`,
    height: 560 + legendHeight,
    margin: { l: 96, t: 84, b: 100 + legendHeight },
    data: [
      {
        type: 'scatter',
        mode: 'lines',
        name: 'front',
        x: front.map(({ x }) => roundTo(x.value)),
        y: front.map(({ wer }) => roundTo(100 * wer.value)),
        line: { color: NEUTRAL_COLOR, width: 1.5, dash: 'dot' },
        hoverinfo: 'skip',
        showlegend: false,
      },
      ...models.map((model): JsonObject => {
        const own = points.filter((point) => point.model === model);
        const { color } = markOf(model, models);
        const whiskers = { color: `${color}55`, thickness: 1, width: 0 };
        return {
          type: 'scatter',
          mode: 'markers+text',
          name: shorten(model),
          x: own.map(({ x }) => roundTo(x.value)),
          y: own.map(({ wer }) => roundTo(100 * wer.value)),
          error_x: errorBars(
            own.map(({ x }) => x),
            whiskers,
          ),
          error_y: errorBars(
            own.map(({ wer }) => wer),
            whiskers,
            100,
          ),
          text: own.map((point) => (named.has(point) ? ` ${shorten(model)} ` : '')),
          // Left of and below the front there is nothing, by its meaning.
          textposition: own.map(({ x }) => `bottom ${x.value < LEFTMOST * rightmost ? 'right' : 'left'}`),
          cliponaxis: false,
          marker: {
            color,
            symbol: own.map(({ recipe }) => symbolOf(recipe)),
            size: own.map(({ sizeBytes }) =>
              roundTo(Math.max(SMALLEST_MARKER, LARGEST_MARKER * Math.sqrt(sizeBytes / largest)), 3),
            ),
            opacity: 0.85,
          },
          hovertemplate: own.map(
            (point) =>
              `${point.title}<br>${format(point.x.value)}, WER ${formatPercent(point.wer.value)} %, ${formatMegabytes(point.sizeBytes)} MB<extra></extra>`,
          ),
        };
      }),
    ],
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axisOf(unit, { rangemode: 'tozero', showline: true, zeroline: false }),
      yaxis: axisOf('Word error rate (%)', {
        range: [roundTo(Math.max(0, 100 * lowest - 3)), roundTo(100 * highest + 3)],
        showline: true,
        zeroline: false,
      }),
      annotations: [
        {
          text: recipes.map((recipe) => `${SIGNS[symbolOf(recipe)] ?? ''} ${recipe}`).join('   '),
          xref: 'paper',
          yref: 'paper',
          x: 0,
          y: 1,
          xanchor: 'left',
          yanchor: 'bottom',
          showarrow: false,
        },
      ],
    },
  });
}

/** `deepspeech2-lstm` is `lstm`: next to a point there is little room. */
function shorten(model: string): string {
  return model.replace(/^deepspeech2-/, '');
}

function pointsOf(summary: Summary, axis: VariantAxis, prices: readonly InstancePrice[]): readonly Point[] {
  return measuredOf(summary, prices).flatMap(({ title, entry, outcome, latency, accuracy }): Point[] => {
    const x = axis === 'latency' ? latency.meanMs : entry.cost?.usdPer1000Hours;
    if (x === undefined) return [];
    const { model } = entry.condition;
    const recipe = title.startsWith(`${model}, `) ? title.slice(model.length + 2) : entry.condition.recipe;
    return [{ title, model, recipe, wer: accuracy.wer, x, sizeBytes: outcome.sizeBytes }];
  });
}

/** The first of each model on the front, best first, whose name fits between the axis and the point and covers no other. */
function namedOf(front: readonly Point[], rightmost: number, height: number): ReadonlySet<Point> {
  const firsts = front.filter((point) => point === front.find(({ model }) => model === point.model));
  const named: Point[] = [];
  for (const point of firsts.toReversed()) {
    const { model, x, wer } = point;
    const crowded = named.some((other) => Math.abs(other.wer.value - wer.value) < NAME_HEIGHT * height);
    const fits = x.value < LEFTMOST * rightmost || x.value > shorten(model).length * LETTER_WIDTH * rightmost;
    if (!crowded && fits) named.push(point);
  }
  return new Set(named);
}
