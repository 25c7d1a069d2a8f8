import type { Estimate } from '../../study/schema.js';
import { formatEstimate, formatNumber, formatPercent, formatPoints } from '../tables/format.js';
import { axis, estimatePoints, figureOf, rowAxis } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { type Mark, markOf } from './theme.js';

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

/**
 * Draws word error rates beside their change against the first model. The rates overlap, because the same utterances are hard for
 * all models; the change is paired, and says whether there is a difference.
 *
 * @param rows - models on the same utterances, the one that is compared with first; `evaluate` gives the numbers
 */
export function errorsFigure(rows: readonly ErrorsRow[]): Figure {
  const titles = rows.map(({ title }) => title);
  const ids = rows.map(({ id }) => id);
  const marked = rows.map((row) => ({ ...row, mark: markOf(row.id, ids) }));
  return figureOf({
    name: 'errors',
    title: 'How often each model errs',
    caption: [
      'Left: word error rate with its 95 % interval over utterances. Right: its change against the first model on the same',
      'utterances, in percentage points, with the 95 % interval of the paired bootstrap; one that holds 0 shows no difference.',
    ],
    alt: `Points with intervals, a row for each model. ${rows.map(inWords).join('; ')}.`,
    height: 160 + 60 * Math.max(1, rows.length),
    margin: { l: 170, b: 90 },
    data: marked.flatMap(({ title, wer, change, mark }) => [
      point(title, wer, mark, 'x', '%'),
      ...(change ? [point(title, change.wer, mark, 'x2', ' points')] : []),
    ]),
    layout: {
      showlegend: false,
      xaxis: axis('WER (%)', { domain: [0, 0.46], rangemode: 'tozero' }),
      // No change is always in sight.
      xaxis2: axis('Change (points)', { domain: [0.54, 1], rangemode: 'tozero', zeroline: true, zerolinewidth: 2 }),
      yaxis: rowAxis(titles),
    },
  });
}

/** A value with its interval, in per cent. */
function point(title: string, rate: Estimate, mark: Mark, xaxis: 'x' | 'x2', unit: string): JsonObject {
  return estimatePoints({
    name: title,
    mark,
    along: 'x',
    estimates: [rate],
    places: [title],
    factor: 100,
    whiskers: { thickness: 2, width: 5 },
    size: 11,
    hover: `${title}: %{x}${unit}`,
    more: { xaxis, yaxis: 'y' },
  });
}

function inWords({ title, wer, change }: ErrorsRow): string {
  const rate = `${title}: ${formatEstimate(wer, formatPercent)} % word error rate`;
  if (change === undefined) return rate;
  const p = change.p === null ? '' : change.p < 0.001 ? ', p < 0.001' : `, p = ${formatNumber(change.p, 3)}`;
  return `${rate}, change ${formatEstimate(change.wer, formatPoints)} points${p}`;
}
