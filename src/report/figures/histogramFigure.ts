import { InputError } from '../../errors.js';
import { formatNumber, roundTo } from '../tables/format.js';
import { axis, figureOf } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

/** A sample to be drawn, and the numbers that it may be rounded to. */
export interface Distribution {
  /** What the values are: `Weights of the first LSTM`. */
  readonly title: string;
  readonly values: Float32Array;
  /** Distance between neighbours of the integers that hold them. */
  readonly step: number;
}

const BINS = 80;

/**
 * Draws how often values occur, on a logarithmic scale, so that the rare large ones that set the range are seen beside the many
 * small ones.
 *
 * @param distribution - at least one value
 * @param name - file name without its ending
 * @throws {InputError} when there are no values
 */
export function histogramFigure({ title, values, step }: Distribution, name = 'distribution'): Figure {
  const { range, width, counts } = countValues(values);
  const { color } = markOf(name, [name]);
  const codes = Math.round((range.high - range.low) / step) + 1;
  const inner = shareWithin(values, (range.high - range.low) / 10);
  return figureOf({
    name,
    title,
    caption: [
      `${formatNumber(values.length, 0)} values in ${BINS} bins; the count is on a logarithmic scale.`,
      `As integers they are ${Number(step.toPrecision(3))} apart, ${codes} numbers from the lowest to the highest.`,
      `${formatNumber(inner * 100, 1)} % of the values lie in the middle fifth of that range: the few large ones set the step for all.`,
    ],
    alt: `Histogram from ${Number(range.low.toPrecision(3))} to ${Number(range.high.toPrecision(3))}; ${formatNumber(inner * 100, 1)} % of the values lie within a tenth of the range from zero.`,
    height: 340,
    data: [
      {
        type: 'bar',
        x: counts.map((_, bin) => roundTo(range.low + (bin + 0.5) * width)),
        y: counts.map((count) => (count > 0 ? count : null)),
        width: roundTo(width),
        marker: { color, line: { width: 0 } },
        hovertemplate: 'around %{x:.3g}: %{y} values<extra></extra>',
      },
    ],
    layout: {
      bargap: 0,
      xaxis: axis('Value'),
      yaxis: axis('Values in the bin', { type: 'log', exponentformat: 'power' }),
    },
  });
}

interface Counted {
  readonly range: { readonly low: number; readonly high: number };
  readonly width: number;
  readonly counts: readonly number[];
}

function countValues(values: Float32Array): Counted {
  if (values.length === 0) throw new InputError('histogram: at least one value was required, got none; give a sample');
  const low = values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  const high = values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
  const width = (high - low) / BINS || 1;
  const counts: number[] = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor((value - low) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { range: { low, high }, width, counts };
}

function shareWithin(values: Float32Array, limit: number): number {
  return values.reduce((count, value) => count + (Math.abs(value) <= limit ? 1 : 0), 0) / values.length;
}
