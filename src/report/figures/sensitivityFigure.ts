import { ownValue } from '../../ownValue.js';
import { formatNumber, roundTo } from '../tables/format.js';
import { axis, figureOf, LEGEND_BELOW, limitLine, roomBelow, rowAxis } from './drawing.js';
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

/** What the choices are called in words. */
const WORDS: Readonly<Record<string, string>> = {
  dynamic: 'int8, ranges found at each run',
  static: 'int8, ranges by calibration',
  int8: 'int8 products',
  nbits8: '8-bit blocks',
  nbits4: '4-bit blocks',
};

/** Below it a layer is worth a look, as a rule of thumb: its error has a thousandth of the power of what it disturbs. */
const WORTH_A_LOOK_DB = 30;

/** What the most harmful choice says. */
function findingOf(worst: (Omit<SensitivityRow, 'outputDb'> & { readonly decibels: number }) | undefined): string {
  if (worst === undefined) return 'Nothing is lost in any layer';
  const harm = `${worst.layer} as ${worst.choice}, ${formatNumber(worst.decibels, 1)} dB`;
  return worst.decibels < WORTH_A_LOOK_DB
    ? `Most is lost by ${harm}`
    : `No layer alone falls below ${WORTH_A_LOOK_DB} dB; lowest: ${harm}`;
}

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
  const named = (choice: string): string => ownValue(WORDS, choice) ?? choice;
  return figureOf({
    name: 'sensitivity',
    title: findingOf(worst && { ...worst, choice: named(worst.choice) }),
    caption: [
      'Log-probabilities when one layer alone is compressed: 10 dB more is a tenth of the error.',
      `Left of the dotted line, ${WORTH_A_LOOK_DB} dB, the error has more than a thousandth of the signal's power: a rule of thumb for where to look first.`,
      ...(exact > 0 ? [`Not drawn, since nothing was lost: ${exact}.`] : []),
    ],
    alt: `Points of signal to error for ${layers.length} layers. ${
      worst === undefined
        ? 'Nothing was lost.'
        : `Most harmful: ${worst.layer} as ${named(worst.choice)}, ${worst.decibels.toFixed(1)} dB.`
    }`,
    height: 100 + roomBelow(choices.length) + 34 * Math.max(1, layers.length),
    margin: { l: 170, b: roomBelow(choices.length) },
    data: choices.map((choice) => {
      const points = sorted.filter((row) => row.choice === choice);
      const { color, symbol } = markOf(choice, choices);
      return {
        type: 'scatter',
        mode: 'markers',
        name: named(choice),
        x: points.map(({ decibels }) => roundTo(decibels)),
        y: points.map(({ layer }) => layer),
        marker: { color, symbol, size: 10 },
        hovertemplate: `%{y}, ${named(choice)}: %{x} dB<extra></extra>`,
      };
    }),
    layout: {
      legend: LEGEND_BELOW,
      xaxis: axis('Signal to error of the output (dB)', {
        range: [
          Math.floor(Math.min(WORTH_A_LOOK_DB, worst?.decibels ?? WORTH_A_LOOK_DB) - 3),
          Math.ceil((sorted.at(-1)?.decibels ?? WORTH_A_LOOK_DB) + 3),
        ],
        showline: true,
      }),
      yaxis: rowAxis(layers),
      shapes: [limitLine('x', WORTH_A_LOOK_DB)],
    },
  });
}
