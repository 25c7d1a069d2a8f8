import { escapePlotly } from '../escape.js';
import { type JsonObject, mapText, type PlotlySpec, type Scheme } from './figure.js';

/** Families that every system has something for. */
export const FONT_FAMILY = 'Helvetica Neue, Arial, Open Sans, sans-serif';

/** Width of a figure in CSS pixels: a column of the post; its text stays legible when a phone shows it at half the size. */
export const FIGURE_WIDTH = 640;

/**
 * Okabe and Ito's palette, safe for colour-blind readers ("Color Universal Design", 2008), in the order in which it is given to
 * conditions that have no colour of their own. Each stands out from white and from the dark background by 3 : 1 or more. The last
 * five are for figures with many models; there, shapes and words tell apart what colours may not.
 */
const PALETTE = [
  ...['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#B8860B', '#7A68C8'],
  ...['#C2385B', '#5E8C00', '#8D6E63', '#00838F', '#757575'],
] as const;
const SYMBOLS = ['circle', 'diamond', 'square', 'triangle-up', 'cross', 'star'] as const;

/** Conditions that look the same in every figure of every run. */
const FIXED: readonly string[] = ['cpu-float32', 'cpu-int8-dynamic', 'gpu-float32'];

/** How a condition is drawn; colour and shape say the same, so that neither is needed. */
export interface Mark {
  readonly color: string;
  readonly symbol: string;
}

/** Ids of the experiment's conditions are their titles in small letters. */
const idOf = (title: string): string => title.toLowerCase().replaceAll(' ', '-');

/**
 * How a condition is drawn: always alike for the three of the experiment; further ones take the free colours in order.
 *
 * @param id - the condition, or its title
 * @param all - ids or titles of all conditions of the run, in order
 */
export function markOf(id: string, all: readonly string[]): Mark {
  const fixed = FIXED.indexOf(idOf(id));
  const others = all.filter((other) => !FIXED.includes(idOf(other)));
  const place = fixed >= 0 ? fixed : FIXED.length + Math.max(0, others.indexOf(id));
  return {
    color: PALETTE[place % PALETTE.length] ?? '#0072B2',
    symbol: SYMBOLS[place % SYMBOLS.length] ?? SYMBOLS[0],
  };
}

interface Surroundings {
  readonly paper: string;
  readonly text: string;
  readonly quiet: string;
  readonly grid: string;
}

const SURROUNDINGS: Readonly<Record<Scheme, Surroundings>> = {
  light: { paper: '#ffffff', text: '#1b1f24', quiet: '#57606a', grid: '#e3e6ea' },
  dark: { paper: '#15181c', text: '#e8eaed', quiet: '#a6adb7', grid: '#333941' },
};

const TEXT_SIZE = 16;
const TITLE_PLACE: JsonObject = {
  x: 0,
  xref: 'container',
  xanchor: 'left',
  y: 1,
  yanchor: 'top',
  pad: { l: 12, t: 14 },
};

/** Plotly template of a scheme: fonts, axes and background, but no data. */
export function templateOf(scheme: Scheme): JsonObject {
  const { paper, text, quiet, grid } = SURROUNDINGS[scheme];
  const axis: JsonObject = {
    color: quiet,
    gridcolor: grid,
    linecolor: quiet,
    zerolinecolor: grid,
    tickfont: { color: text, size: TEXT_SIZE },
    ticklabelstandoff: 6,
    title: { font: { color: quiet, size: TEXT_SIZE }, standoff: 14 },
  };
  return {
    layout: {
      paper_bgcolor: paper,
      plot_bgcolor: paper,
      font: { family: FONT_FAMILY, size: TEXT_SIZE, color: text },
      title: { font: { size: 19, color: text }, ...TITLE_PLACE },
      xaxis: axis,
      yaxis: axis,
      annotationdefaults: { font: { color: text, size: TEXT_SIZE }, arrowcolor: quiet },
      hoverlabel: { font: { family: FONT_FAMILY } },
    },
  };
}

/** A spec with the colours of its surroundings and steady trace ids, ready for Plotly. */
export function withScheme(spec: PlotlySpec, scheme: Scheme): PlotlySpec {
  const { data, layout } = mapText({ data: spec.data, layout: spec.layout }, escapePlotly) as unknown as PlotlySpec;
  return {
    data: data.map((trace, place) => ({ ...trace, uid: `t${place}` })),
    layout: { ...layout, template: templateOf(scheme) },
  };
}
