import { ownValue } from '../../ownValue.js';
import { roundTo } from '../tables/format.js';
import { axis, figureOf, rowAxis } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

/** What compressing one layer alone does to the output: a row of `quantlab sensitivity`. */
export interface SensitivityRow {
  /** Name of the layer's node. */
  readonly layer: string;
  /** How it was compressed. */
  readonly choice: string;
  /** Signal to error of the model's output, in decibels; `null` where nothing was lost. */
  readonly outputDb: number | null;
}

/** What the choices mean, for captions. */
const MEANINGS: Readonly<Record<string, string>> = {
  dynamic: 'dynamic: int8, the range of activations found at each run',
  static: 'static: int8, that range by calibration',
  int8: 'int8: rewritten with eight-bit products',
  nbits8: 'nbits8: blocks of eight-bit weights, each with a scale',
  nbits4: 'nbits4: blocks of four-bit weights',
};

/**
 * Draws how much each layer and each way of compressing it alone costs at the output.
 *
 * @param rows - of one model; layers are drawn in the order of their worst choice, the most harmful first
 */
export function sensitivityFigure(rows: readonly SensitivityRow[]): Figure {
  const lossy = rows.flatMap(({ outputDb, ...row }) => (outputDb === null ? [] : [{ ...row, decibels: outputDb }]));
  const sorted = lossy.toSorted((a, b) => a.decibels - b.decibels);
  const layers = [...new Set(sorted.map(({ layer }) => layer))];
  const choices = [...new Set(sorted.map(({ choice }) => choice))].sort();
  const exact = rows.length - lossy.length;
  const [worst] = sorted;
  const known = choices.flatMap((choice) => ownValue(MEANINGS, choice) ?? []);
  return figureOf({
    name: 'sensitivity',
    title: 'What compressing one layer costs',
    caption: [
      'Signal to error of the log-probabilities when one layer alone is compressed, in decibels: 10 more is a tenth of the',
      'error. Layers stand in the order of their most harmful choice.',
      ...(known.length > 0 ? [`Choices: ${known.join('; ')}.`] : []),
      ...(exact > 0 ? [`Not drawn, since nothing was lost: ${exact}.`] : []),
    ],
    alt: `Points of signal to error for ${layers.length} layers. ${
      worst === undefined
        ? 'Nothing was lost.'
        : `Most harmful: ${worst.layer} as ${worst.choice}, ${worst.decibels.toFixed(1)} dB.`
    }`,
    height: 150 + 34 * Math.max(1, layers.length),
    margin: { l: 170 },
    data: choices.map((choice) => {
      const points = sorted.filter((row) => row.choice === choice);
      const { color, symbol } = markOf(choice, choices);
      return {
        type: 'scatter',
        mode: 'markers',
        name: choice,
        x: points.map(({ decibels }) => roundTo(decibels)),
        y: points.map(({ layer }) => layer),
        marker: { color, symbol, size: 10 },
        hovertemplate: `%{y}, ${choice}: %{x} dB<extra></extra>`,
      };
    }),
    layout: { xaxis: axis('Signal to error of the output (dB)'), yaxis: rowAxis(layers) },
  });
}
