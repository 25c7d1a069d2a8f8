import type { Estimate } from '../../study/schema.js';
import { roundTo } from '../tables/format.js';
import type { Figure, JsonObject } from './figure.js';
import { FIGURE_WIDTH } from './theme.js';

/** What differs from figure to figure; the width, and the heading in its place, are the same in all. */
export interface Drawing extends Omit<Figure, 'caption' | 'width' | 'spec'> {
  /** Sentences. */
  readonly caption: readonly string[];
  /** In CSS pixels: left for the words of the rows, below for those of the legend. */
  readonly margin?: Readonly<Partial<Record<'l' | 'r' | 't' | 'b', number>>>;
  readonly data: readonly JsonObject[];
  readonly layout: JsonObject;
}

/** Letters of the title that a line has room for, and the height of a line in CSS pixels. */
const HEADING_LENGTH = 62;
const HEADING_LINE = 25;

/** A title in lines as full as its words allow. */
function linesOf(title: string): readonly string[] {
  const lines: string[] = [];
  for (const word of title.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= HEADING_LENGTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Puts a figure together. */
export function figureOf({
  name,
  title,
  caption,
  alt,
  height,
  margin: { t = 48, ...margin } = {},
  data,
  layout,
}: Drawing): Figure {
  const lines = linesOf(title);
  const more = (lines.length - 1) * HEADING_LINE;
  return {
    name,
    title,
    caption: caption.join(' '),
    alt,
    width: FIGURE_WIDTH,
    height: height + more,
    spec: {
      data,
      layout: {
        // Plotly sets the middle of several lines where it sets the middle of one.
        title: { text: lines.join('<br>'), pad: { l: 12, t: 14 + more / 2 } },
        margin: { l: 80, r: 24, b: 66, ...margin, t: t + more },
        ...layout,
      },
    },
  };
}

/** An axis with its title, unit included; nobody zooms. */
export function axis(title: string, more: JsonObject = {}): JsonObject {
  return { title: { text: title }, ...more, fixedrange: true };
}

/** A logarithmic axis that names 1, 2 and 5 of each decade, so that short ones have ticks, too. */
export function logAxis(title: string, from: number, to: number, more: JsonObject = {}): JsonObject {
  const ticks: number[] = [];
  for (let decade = Math.floor(Math.log10(from)); decade <= Math.log10(to); decade++) {
    for (const digit of [1, 2, 5]) ticks.push(roundTo(digit * 10 ** decade));
  }
  return axis(title, {
    type: 'log',
    range: [roundTo(Math.log10(from)), roundTo(Math.log10(to))],
    tickvals: ticks,
    ticktext: ticks.map((tick) => tick.toLocaleString('en-US')),
    ...more,
  });
}

/** An axis of names, the first one on top. */
export function rowAxis(names: readonly string[]): JsonObject {
  return { categoryorder: 'array', categoryarray: names.toReversed(), fixedrange: true };
}

/** Letters of a row's name that one line has room for, in the margins of the figures here. */
const ROW_NAME_LENGTH = 17;

/** The name of a row, in two lines as even as its words allow where it is long. */
export function rowName(title: string): string {
  const spaces = [...title.matchAll(/ /g)].map(({ index }) => index);
  const unevenness = (space: number): number => Math.abs(2 * space + 1 - title.length);
  const [middle] = spaces.sort((a, b) => unevenness(a) - unevenness(b));
  if (title.length <= ROW_NAME_LENGTH || middle === undefined) return `<b>${title}</b>`;
  return `<b>${title.slice(0, middle)}<br>${title.slice(middle + 1)}</b>`;
}

/** A row below everything: `margin.b` has to leave room for its lines. */
export const LEGEND_BELOW: JsonObject = {
  orientation: 'h',
  x: 0,
  xanchor: 'left',
  y: 0.01,
  yref: 'container',
  yanchor: 'bottom',
};

/** `margin.b` for the title of the axis and a legend below it, whose names are too long to stand side by side. */
export function roomBelow(names: number): number {
  return 66 + 24 * names;
}

/** A row between the heading and the plot: `margin.t` has to leave room. */
export const LEGEND_ABOVE: JsonObject = { orientation: 'h', x: 0, y: 1, xanchor: 'left', yanchor: 'bottom' };

/** Grey of what is no condition: limits, fronts, prices. */
export const NEUTRAL_COLOR = '#8A8F98';

/** A dotted line across the plot, at a value of one axis: a limit, or what is neutral. */
export function limitLine(along: 'x' | 'y', at: number): JsonObject {
  const own = { [`${along}0`]: at, [`${along}1`]: at };
  const across = along === 'x' ? { yref: 'paper', y0: 0, y1: 1 } : { xref: 'paper', x0: 0, x1: 1 };
  return { type: 'line', ...own, ...across, line: { dash: 'dot', width: 2, color: NEUTRAL_COLOR } };
}

/** How whiskers are drawn; what is left out is Plotly's. */
export interface BarStyle {
  readonly color: string;
  readonly thickness?: number;
  readonly width?: number;
}

/** The 95 % intervals of estimates as whiskers. */
export function errorBars(estimates: readonly Estimate[], style: BarStyle, factor = 1): JsonObject {
  return {
    type: 'data',
    symmetric: false,
    array: estimates.map(({ value, high }) => roundTo((high - value) * factor)),
    arrayminus: estimates.map(({ value, low }) => roundTo((value - low) * factor)),
    ...style,
  };
}

/** Estimates along one axis, and what stands for each of them on the other. */
export interface EstimatePoints {
  readonly name: string;
  readonly mark: { readonly color: string; readonly symbol: string | readonly string[] };
  readonly along: 'x' | 'y';
  readonly estimates: readonly Estimate[];
  readonly places: readonly (string | number)[];
  /** Of the numbers that are drawn: 100 for rates in per cent. */
  readonly factor?: number;
  readonly whiskers?: Omit<BarStyle, 'color'>;
  /** Diameter in pixels. */
  readonly size: number;
  /** Joins the points. */
  readonly line?: JsonObject;
  readonly hover: string;
  readonly more?: JsonObject;
}

/** Marks with whiskers, joined where there is a line. */
export function estimatePoints(points: EstimatePoints): JsonObject {
  const { name, mark, along, estimates, places, factor = 1, whiskers, size, line, hover, more } = points;
  const values = estimates.map(({ value }) => roundTo(factor * value));
  return {
    type: 'scatter',
    mode: line ? 'lines+markers' : 'markers',
    name,
    ...(along === 'x' ? { x: values, y: places } : { x: places, y: values }),
    ...more,
    [`error_${along}`]: errorBars(estimates, { color: mark.color, ...whiskers }, factor),
    ...(line && { line }),
    marker: { color: mark.color, symbol: mark.symbol, size },
    hovertemplate: `${hover}<extra></extra>`,
  };
}

/** One part of bars that are stacked. */
export interface BarPart<Row> {
  readonly title: string;
  readonly color: string;
  /** In the unit of the axis. */
  readonly of: (row: Row) => number;
}

/** Bars from left to right, a row each, made of parts; behind each its total. */
export function stackedBars<Row extends { readonly title: string }>(
  rows: readonly Row[],
  parts: readonly BarPart<Row>[],
  { unit, total }: { readonly unit: string; readonly total: (row: Row) => string },
): readonly JsonObject[] {
  // Plotly stacks rows upwards; readers expect the first on top.
  const upwards = rows.toReversed();
  return parts.map(({ title, color, of }, part) => ({
    type: 'bar',
    orientation: 'h',
    name: title,
    x: upwards.map((row) => roundTo(of(row))),
    y: upwards.map((row) => rowName(row.title)),
    marker: { color },
    width: 0.55,
    ...(part === parts.length - 1 && {
      text: upwards.map((row) => ` ${total(row)}`),
      textposition: 'outside',
      cliponaxis: false,
    }),
    hovertemplate: `${title} %{x} ${unit}<extra></extra>`,
  }));
}
