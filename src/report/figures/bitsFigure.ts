import { roundTo } from '../tables/format.js';
import { axis, figureOf } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

/** Signal to error of a sample in integers of several widths. */
export interface BitsSeries {
  /** What was rounded, and with how many scales: `LSTM weights, one scale a row`. */
  readonly title: string;
  readonly points: readonly { readonly bits: number; readonly signalToErrorDb: number }[];
}

/** What a bit is worth at best: half the error, a quarter of its power. */
const DB_A_BIT = 20 * Math.log10(2);

/**
 * Draws signal to error against the width of the integers. Each bit is worth 6 dB; what lies between the lines is the choice
 * of the scales.
 */
export function bitsFigure(series: readonly BitsSeries[]): Figure {
  const titles = series.map((one) => one.title);
  const slopes = series.map(({ points }) => {
    const [first, last] = [points[0], points.at(-1)];
    return first && last ? (last.signalToErrorDb - first.signalToErrorDb) / (last.bits - first.bits) : Number.NaN;
  });
  return figureOf({
    name: 'bits',
    title: 'Each bit is worth 6 dB',
    caption: [
      `Signal to error when values are rounded to symmetric integers, by their width. Halving the step quarters the error’s power: ${DB_A_BIT.toFixed(2)} dB for each bit. One scale for each row, instead of one for the whole matrix, is worth the distance between the lines.`,
    ],
    alt: `Lines that rise with the bits. ${series
      .map(({ points, ...one }, place) => {
        const eight = points.find(({ bits }) => bits === 8);
        const at = eight ? `, ${eight.signalToErrorDb.toFixed(1)} dB with 8 bits` : '';
        return `${one.title}: ${(slopes[place] ?? 0).toFixed(1)} dB a bit${at}`;
      })
      .join('; ')}.`,
    height: 400,
    margin: { b: 130 },
    data: series.map(({ points, ...one }) => {
      const { color, symbol } = markOf(one.title, titles);
      return {
        type: 'scatter',
        mode: 'lines+markers',
        name: one.title,
        x: points.map(({ bits }) => bits),
        y: points.map(({ signalToErrorDb }) => roundTo(signalToErrorDb)),
        line: { color, width: 2 },
        marker: { color, symbol, size: 9 },
        hovertemplate: `${one.title}, %{x} bits: %{y:.1f} dB<extra></extra>`,
      };
    }),
    layout: {
      legend: { orientation: 'h', x: 0, y: -0.25, yanchor: 'top' },
      xaxis: axis('Bits', { dtick: 1 }),
      yaxis: axis('Signal to error (dB)', { rangemode: 'tozero' }),
    },
  });
}
