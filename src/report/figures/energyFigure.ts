import type { EnergySource } from '../../measure/energy/energyMeter.js';
import type { Estimate } from '../../study/schema.js';
import { formatEstimate, formatNumber, roundTo } from '../tables/format.js';
import { axis, errorBars, figureOf, NEUTRAL_COLOR, rowAxis } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

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
  return figureOf({
    name: 'energy',
    title: `Energy of an utterance, ${known}`,
    caption: [
      `Joules from waveform to text, mean of an utterance with its 95 % interval, ${known} by ${source?.method ?? 'nothing'}:`,
      `${source?.scope ?? 'nothing ran'}.`,
      ...(source?.citation ? [`Source: ${source.citation}.`] : []),
    ],
    alt: `Energy of an utterance, ${known}. ${rows
      .map(({ title, joulesPerUtterance }) => `${title}: ${formatEstimate(joulesPerUtterance, joules)} J`)
      .join('; ')}.`,
    height: 130 + 60 * Math.max(1, rows.length),
    margin: { l: 240 },
    data: rows.map(({ title, joulesPerUtterance }) => ({
      type: 'bar',
      orientation: 'h',
      name: title,
      x: [roundTo(joulesPerUtterance.value)],
      y: [title],
      marker: { color: markOf(title, titles).color },
      error_x: errorBars([joulesPerUtterance], { color: NEUTRAL_COLOR }),
      text: [`${joules(joulesPerUtterance.value)} J`],
      textposition: 'inside',
      insidetextanchor: 'start',
      hovertemplate: '%{x} J<extra></extra>',
    })),
    layout: { showlegend: false, xaxis: axis('Energy (J)', { rangemode: 'tozero' }), yaxis: rowAxis(titles) },
  });
}
