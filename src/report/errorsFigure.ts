import type { Estimate } from '../experiment/schema.js';
import type { Figure, JsonObject } from './figure.js';
import { formatEstimate, formatNumber, formatPercent, formatPoints, roundTo } from './format.js';
import { FIGURE_WIDTH, type Mark, markOf } from './theme.js';

/** How often one model errs, and whether that differs from the first model. */
export interface ErrorsRow {
  /** Of the condition or model: its colour is the same in every figure. */
  readonly id: string;
  readonly title: string;
  /** Word error rate, a fraction. */
  readonly wer: Estimate;
  /** Beside the first row, which has none: the change, a fraction, and the p-value of the matched-pairs test. */
  readonly change?: { readonly wer: Estimate; readonly p: number | null } | undefined;
}

const TITLE = 'How often each model errs';

/**
 * Draws word error rates beside their change against the first model. The rates overlap, because the same utterances are hard for
 * all models; the change is paired, and says whether there is a difference.
 *
 * @param rows - models on the same utterances, the one that is compared with first; `evaluateModels` gives the numbers
 */
export function errorsFigure(rows: readonly ErrorsRow[]): Figure {
  const titles = rows.map(({ title }) => title);
  const ids = rows.map(({ id }) => id);
  const marked = rows.map((row) => ({ ...row, mark: markOf(row.id, ids) }));
  return {
    name: 'errors',
    title: TITLE,
    caption: [
      'Left: word error rate with its 95 % interval over utterances. Right: its change against the first model on the same',
      'utterances, in percentage points, with the 95 % interval of the paired bootstrap; one that holds 0 shows no difference.',
    ].join(' '),
    alt: `Points with intervals, a row for each model. ${rows.map(inWords).join('; ')}.`,
    width: FIGURE_WIDTH,
    height: 160 + 60 * Math.max(1, rows.length),
    spec: {
      data: marked.flatMap(({ title, wer, change, mark }) => [
        point(title, wer, mark, ['x', 'y'], '%'),
        ...(change ? [point(title, change.wer, mark, ['x2', 'y'], ' points')] : []),
      ]),
      layout: {
        title: { text: TITLE },
        showlegend: false,
        margin: { l: 170, r: 24, t: 48, b: 90 },
        xaxis: { title: { text: 'WER (%)' }, domain: [0, 0.46], rangemode: 'tozero', fixedrange: true },
        xaxis2: {
          title: { text: 'Change (points)' },
          domain: [0.54, 1],
          // No change is always in sight.
          rangemode: 'tozero',
          zeroline: true,
          zerolinewidth: 2,
          fixedrange: true,
        },
        yaxis: { categoryarray: titles.toReversed(), categoryorder: 'array', fixedrange: true },
      },
    },
  };
}

/** A value with its interval, in per cent. */
function point(
  title: string,
  { value, low, high }: Estimate,
  { color, symbol }: Mark,
  [xaxis, yaxis]: readonly [string, string],
  unit: string,
): JsonObject {
  return {
    type: 'scatter',
    mode: 'markers',
    name: title,
    x: [roundTo(100 * value)],
    y: [title],
    xaxis,
    yaxis,
    error_x: {
      type: 'data',
      symmetric: false,
      array: [roundTo(100 * (high - value))],
      arrayminus: [roundTo(100 * (value - low))],
      color,
      thickness: 2,
      width: 5,
    },
    marker: { color, symbol, size: 11 },
    hovertemplate: `${title}: %{x}${unit}<extra></extra>`,
  };
}

function inWords({ title, wer, change }: ErrorsRow): string {
  const rate = `${title}: ${formatEstimate(wer, formatPercent)} % word error rate`;
  if (change === undefined) return rate;
  const p = change.p === null ? '' : change.p < 0.001 ? ', p < 0.001' : `, p = ${formatNumber(change.p, 3)}`;
  return `${rate}, change ${formatEstimate(change.wer, formatPoints)} points${p}`;
}
