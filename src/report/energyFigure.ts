import type { Estimate } from '../experiment/schema.js';
import type { EnergySource } from '../measure/energy/energyMeter.js';
import type { Figure } from './figure.js';
import { formatEstimate, formatNumber, roundTo } from './format.js';
import { FIGURE_WIDTH, markOf } from './theme.js';

/** Energy of one model: a row of `quantlab energy`. */
export interface EnergyRow {
  readonly title: string;
  readonly source: EnergySource;
  readonly joulesPerUtterance: Estimate;
}

/**
 * Draws the energy that an utterance takes, model by model, with how it is known.
 *
 * @param rows - at least one, all by the same method
 */
export function energyFigure(rows: readonly EnergyRow[]): Figure {
  const titles = rows.map(({ title }) => title);
  const source = rows[0]?.source;
  const known = source?.estimated === false ? 'measured' : 'estimated';
  const joules = (value: number): string => formatNumber(value, value < 1 ? 3 : 2);
  return {
    name: 'energy',
    title: 'Energy of an utterance',
    caption: [
      `Joules from waveform to text, mean of an utterance with its 95 % interval, ${known} by ${source?.method ?? 'nothing'}:`,
      `${source?.scope ?? 'nothing ran'}.`,
      ...(source?.citation ? [`Source: ${source.citation}.`] : []),
    ].join(' '),
    alt: `Energy of an utterance, ${known}. ${rows
      .map(({ title, joulesPerUtterance }) => `${title}: ${formatEstimate(joulesPerUtterance, joules)} J`)
      .join('; ')}.`,
    width: FIGURE_WIDTH,
    height: 130 + 60 * Math.max(1, rows.length),
    spec: {
      data: rows.map(({ title, joulesPerUtterance: { value, low, high } }) => ({
        type: 'bar',
        orientation: 'h',
        name: title,
        x: [roundTo(value)],
        y: [title],
        marker: { color: markOf(title, titles).color },
        error_x: {
          type: 'data',
          symmetric: false,
          array: [roundTo(high - value)],
          arrayminus: [roundTo(value - low)],
          color: '#8A8F98',
        },
        text: [`${joules(value)} J`],
        textposition: 'inside',
        insidetextanchor: 'start',
        hovertemplate: '%{x} J<extra></extra>',
      })),
      layout: {
        title: { text: `Energy of an utterance, ${known}` },
        margin: { l: 240, r: 24, t: 48, b: 66 },
        showlegend: false,
        xaxis: { title: { text: 'Energy (J)' }, rangemode: 'tozero', fixedrange: true },
        yaxis: { categoryorder: 'array', categoryarray: titles.toReversed(), fixedrange: true },
      },
    },
  };
}
