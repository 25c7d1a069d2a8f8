import { MARGIN } from '../../measure/accuracy/accuracyTest.js';
import type { Estimate, Summary } from '../../study/schema.js';
import { candidatesOf, paretoFront } from '../post/choosing.js';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatPercent,
  formatPoints,
  roundTo,
} from '../tables/format.js';
import { isWithinMargin, type Measured, measuredOf, timesSmallerOf } from '../tables/measured.js';
import { axis, errorBars, figureOf, limitLine, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { variantsFinding } from './findings.js';
import { markOf } from './theme.js';

/** Smaller than float32 by so many times is the goal. */
export const GOAL_TIMES_SMALLER = 10;

/** Points of word error rate that are drawn; what loses more stands at the edge, with its number. */
const [MOST_GAINED, MOST_LOST] = [-2, 6];

const ROW_HEIGHT = 34;

/** A measure of all variants beside what it is compared with: a panel. */
interface Panel {
  readonly title: string;
  /** Of the axis, in its unit. */
  readonly domain: readonly [from: number, to: number];
  readonly range: readonly [from: number, to: number];
  /** Where nothing changes, and the limit that is drawn. */
  readonly neutral: number;
  readonly limit?: number;
  readonly of: (row: Measured) => Estimate | null;
  /** Of what others are compared with, as it is. */
  readonly base: (row: Measured) => string;
  readonly format: (value: number) => string;
}

/** A number that was read once. */
const exact = (value: number): Estimate => ({ value, low: value, high: value });

/**
 * How far each technique gets: words, time and bytes of each variant beside the float32 model that it was made from, a row for each,
 * with the gate of one point as a line. Bold: those that no other is shown to beat.
 *
 * @param summary - of a run over variants
 */
export function variantsFigure(summary: Summary): Figure {
  const rows = measuredOf(summary);
  const candidates = candidatesOf(summary, []);
  const front = paretoFront(candidates, ['wer', 'latencyMs', 'sizeBytes']).map(({ id }) => id);
  const models = [...new Set(rows.map(modelOf))];
  const isCoded = rows.some(({ outcome }) => outcome.codedBytes !== undefined);
  const panels = panelsOf(rows);
  const placeOf = (row: Measured): number => rows.length - 1 - rows.indexOf(row);
  return figureOf({
    name: 'variants',
    title: variantsFinding(rows, GOAL_TIMES_SMALLER),
    caption: [
      `Each variant beside the float32 model at the head of its group; files are ${isCoded ? 'coded without loss' : 'as they are loaded'}. Dotted: the gate of ${100 * MARGIN} point and the goal of ${GOAL_TIMES_SMALLER} times; filled: within the gate as measured; bold: no other is shown to be better in one of the three and worse in none.`,
    ],
    alt: `Word errors, time and size of variants, a row for each. ${rows.map((row) => sentenceOf(row, panels, front)).join('; ')}.`,
    height: 130 + ROW_HEIGHT * Math.max(1, rows.length),
    margin: { l: 230, r: 16, t: 56 },
    data: panels.flatMap((panel, index) =>
      tracesOf(panel, index, rows, placeOf, (row) => markOf(modelOf(row), models).color),
    ),
    layout: {
      showlegend: false,
      ...Object.fromEntries(
        panels.map(({ title, domain, range }, index) => [
          `xaxis${suffix(index)}`,
          axis(title, { domain, range, showline: true, zeroline: false, nticks: 4 }),
        ]),
      ),
      yaxis: {
        tickvals: rows.map(placeOf),
        ticktext: rows.map((row) => nameOf(row, front.includes(row.id))),
        range: [-0.6, rows.length - 0.4],
        zeroline: false,
        fixedrange: true,
      },
      shapes: panels.flatMap(({ neutral, limit }, index) => [
        { ...limitLine('x', neutral), xref: `x${suffix(index)}`, line: { width: 1, color: NEUTRAL_COLOR } },
        ...(limit === undefined ? [] : [{ ...limitLine('x', limit), xref: `x${suffix(index)}` }]),
      ]),
    },
  });
}

function panelsOf(rows: readonly Measured[]): readonly Panel[] {
  const speeds = rows.map(({ entry }) => entry.comparison?.latencySpeedUp.high ?? 1);
  return [
    {
      title: 'Lost words (points)',
      domain: [0, 0.34],
      range: [MOST_GAINED - 0.3, MOST_LOST + 0.6],
      neutral: 0,
      limit: 100 * MARGIN,
      of: ({ entry: { comparison } }) => {
        const change = comparison?.werChange;
        if (!change) return null;
        return { value: 100 * change.value, low: 100 * change.low, high: 100 * change.high };
      },
      base: ({ accuracy }) => `WER ${formatPercent(accuracy.wer.value)} %`,
      format: (points) => formatPoints(points / 100),
    },
    {
      title: 'Times as fast',
      domain: [0.41, 0.67],
      range: [0.5, roundTo(Math.max(2, ...speeds) * 1.1)],
      neutral: 1,
      of: ({ entry: { comparison } }) => comparison?.latencySpeedUp ?? null,
      base: ({ latency }) => `${formatMs(latency.meanMs.value)} ms`,
      format: formatFactor,
    },
    {
      title: 'Times smaller',
      domain: [0.74, 1],
      range: [0, Math.max(GOAL_TIMES_SMALLER, ...rows.map((row) => timesSmallerOf(row, rows) ?? 1)) + 1],
      neutral: 1,
      limit: GOAL_TIMES_SMALLER,
      of: (row) => {
        const value = timesSmallerOf(row, rows);
        return value === null ? null : exact(value);
      },
      base: ({ outcome }) => `${formatMegabytes(outcome.sizeBytes)} MB`,
      format: formatFactor,
    },
  ];
}

/** The marks of one panel: a filled or an open one for each variant, and in words what the bases are. */
function tracesOf(
  { of, base, neutral, range: [from, to] }: Panel,
  index: number,
  rows: readonly Measured[],
  placeOf: (row: Measured) => number,
  colorOf: (row: Measured) => string,
): readonly JsonObject[] {
  const own = { xaxis: `x${suffix(index)}`, yaxis: 'y', cliponaxis: false, hoverinfo: 'skip' };
  const bases = rows.filter(({ entry }) => entry.comparison === null);
  const marks = rows.flatMap((row): JsonObject[] => {
    const estimate = of(row);
    if (estimate === null) return [];
    const isBeyond = index === 0 && estimate.value > MOST_LOST;
    const color = colorOf(row);
    const symbol = isBeyond ? 'triangle-right' : 'circle';
    return [
      {
        ...own,
        type: 'scatter',
        mode: isBeyond ? 'markers+text' : 'markers',
        x: [roundTo(isBeyond ? MOST_LOST : estimate.value)],
        y: [placeOf(row)],
        ...(isBeyond
          ? { text: [`${Math.round(estimate.value)} `], textposition: 'middle left' }
          : { error_x: errorBars([within(estimate, from, to)], { color, thickness: 2, width: 4 }) }),
        marker: { color, symbol: isWithinMargin(row) ? symbol : `${symbol}-open`, size: 10, line: { color, width: 2 } },
      },
    ];
  });
  const words: JsonObject = {
    ...own,
    type: 'scatter',
    mode: 'text',
    x: bases.map(() => neutral),
    y: bases.map(placeOf),
    text: bases.map((row) => ` ${base(row)}`),
    textposition: 'middle right',
  };
  return bases.length > 0 ? [...marks, words] : marks;
}

/** An interval as far as the axis shows it. */
function within({ value, low, high }: Estimate, from: number, to: number): Estimate {
  return { value, low: Math.max(from, low), high: Math.min(to, high) };
}

function modelOf({ entry }: Measured): string {
  return entry.condition.model;
}

/** The model stands at the head of its group alone. */
function nameOf({ title, entry }: Measured, isBest: boolean): string {
  const short = entry.comparison === null || entry.condition.base !== undefined ? title : title.replace(/^.*?, /, '');
  return isBest ? `<b>${short}</b>` : short;
}

function sentenceOf(row: Measured, panels: readonly Panel[], front: readonly string[]): string {
  const parts = panels.map((panel) => {
    const estimate = panel.of(row);
    return estimate === null ? panel.base(row) : `${panel.title.toLowerCase()} ${panelText(estimate, panel)}`;
  });
  return `${row.title}: ${parts.join(', ')}${front.includes(row.id) ? ', beaten by none' : ''}`;
}

function panelText(estimate: Estimate, { format }: Panel): string {
  return estimate.low === estimate.high ? format(estimate.value) : formatEstimate(estimate, format);
}

/** Plotly's first axis has no number. */
function suffix(index: number): string {
  return index === 0 ? '' : String(index + 1);
}
