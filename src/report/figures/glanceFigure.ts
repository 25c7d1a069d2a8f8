import type { InstancePrice } from '../../measure/cost/prices.js';
import type { Estimate, Summary } from '../../study/schema.js';
import { estimateOf, shareOf } from '../metric.js';
import { METRICS } from '../metrics.js';
import { formatEstimate, formatNumber, roundTo } from '../tables/format.js';
import { machineOf, type Pair, pairsOf } from '../tables/measured.js';
import { axis, errorBars, figureOf, LEGEND_BELOW, limitLine } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { glanceFinding } from './findings.js';
import { type Mark, markOf } from './theme.js';

/** One measure of the variant, as a share of the base's: 1 is alike, less is better. */
interface Share {
  readonly title: string;
  /** Both values with their unit. */
  readonly values: string;
  readonly share: Estimate;
}

/** A row, and how far below the first pair's mark the others stand, as a share of it. */
const ROW_HEIGHT = 52;
const BESIDE = 0.32;

/** Beyond this share of the base, marks are cut. */
const LONGEST = 1.6;

/**
 * The main result at a glance: every measure of the compressed model as a share of the float model's, with its interval; below each,
 * thinner, the same of the other models of the run.
 *
 * @param prices - of machines to rent, for the cost
 * @returns `null` where the two were not both measured
 */
export function glanceFigure(summary: Summary, prices: readonly InstancePrice[]): Figure | null {
  const [pair, ...beside] = pairsOf(summary, prices);
  if (pair === undefined) return null;
  const shares = sharesOf(pair);
  const others = beside.map((other) => ({ ...other, shares: sharesOf(other) }));
  const { base, variant } = pair;
  const highest = [...shares, ...others.flatMap((other) => other.shares)].map(({ share }) => share.high);
  const longest = Math.max(1.1, ...highest.map((high) => Math.min(LONGEST, high + 0.02)));
  const ids = summary.conditions.map(({ condition }) => condition.id);
  // Plotly stacks rows upwards; readers expect the first on top.
  const placeOf = (title: string): number => shares.length - 1 - shares.findIndex((one) => one.title === title);
  return figureOf({
    name: 'at-a-glance',
    title: glanceFinding(pair),
    caption: [
      `What ${variant.title} takes in per cent of ${base.title}, on ${machineOf(summary)}: left of the dotted line is a gain, whiskers are 95 % intervals.`,
      ...others.map((other) => `Small: the same of ${other.variant.title}.`),
    ],
    alt: [
      `${variant.title} in per cent of ${base.title}, a mark for each measure. ${sharesText(shares)}.`,
      ...others.map(
        (other) => `${other.variant.title} in per cent of ${other.base.title}: ${sharesText(other.shares)}.`,
      ),
    ].join(' '),
    height: 110 + ROW_HEIGHT * shares.length + (others.length > 0 ? 60 : 0),
    margin: { l: 240, r: 72, t: 56, ...(others.length > 0 && { b: 120 }) },
    data: [
      ...rowTraces(variant, shares, { ...markOf(variant.id, ids), placeOf, numbersAt: longest, size: 10, width: 4 }),
      ...others.flatMap((other, index) =>
        rowTraces(other.variant, other.shares, {
          ...markOf(other.variant.id, ids),
          placeOf: (title) => placeOf(title) - BESIDE * (index + 1),
          numbersAt: longest,
          size: 7,
          width: 2,
        }),
      ),
    ],
    layout: {
      showlegend: others.length > 0,
      legend: LEGEND_BELOW,
      xaxis: axis(`Share of ${others.length > 0 ? 'the float model' : base.title} (%)`, {
        range: [0, roundTo(100 * longest)],
        showline: true,
        zeroline: false,
      }),
      yaxis: {
        tickvals: shares.map(({ title }) => placeOf(title)),
        ticktext: shares.map(labelOf),
        range: [-0.6 - (others.length > 0 ? BESIDE : 0), shares.length - 0.4],
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      },
      shapes: [limitLine('x', 100)],
    },
  });
}

/** How the marks of a pair are drawn, and where. */
interface RowStyle extends Mark {
  readonly placeOf: (title: string) => number;
  /** Where the numbers begin, as a share: beyond all marks. */
  readonly numbersAt: number;
  readonly size: number;
  readonly width: number;
}

/** A pair's mark in each row, on a line from nothing, with its number in a column of their own. */
function rowTraces(
  { title }: Pair['variant'],
  shares: readonly Share[],
  { color, symbol, placeOf, numbersAt, size, width }: RowStyle,
): readonly JsonObject[] {
  const upwards = shares.toReversed();
  const places = upwards.map((one) => placeOf(one.title));
  return [
    ...upwards.map(
      ({ share }, index): JsonObject => ({
        type: 'scatter',
        mode: 'lines',
        x: [0, roundTo(100 * share.value)],
        y: [roundTo(places[index] ?? 0), roundTo(places[index] ?? 0)],
        line: { color, width },
        hoverinfo: 'skip',
        showlegend: false,
      }),
    ),
    {
      type: 'scatter',
      mode: 'markers',
      name: title,
      x: upwards.map(({ share }) => roundTo(100 * share.value)),
      y: places.map((place) => roundTo(place)),
      error_x: errorBars(
        upwards.map(({ share }) => share),
        { color, thickness: 2, width: size },
        100,
      ),
      marker: { color, symbol, size },
      hovertemplate: '%{x} %<extra></extra>',
    },
    {
      type: 'scatter',
      mode: 'text',
      x: upwards.map(() => roundTo(100 * numbersAt)),
      y: places.map((place) => roundTo(place)),
      text: upwards.map(({ share }) => ` <b>${formatNumber(100 * share.value, 0)} %</b>`),
      textfont: { size: size + 6 },
      textposition: 'middle right',
      cliponaxis: false,
      hoverinfo: 'skip',
      showlegend: false,
    },
  ];
}

/** Gains first, then what they cost. */
function sharesOf({ base, variant }: Pair): readonly Share[] {
  const metrics = METRICS.toSorted((one, other) => other.comparison.neutral - one.comparison.neutral);
  return metrics.flatMap((metric) => {
    const [was, is] = [metric.of(base.entry), metric.of(variant.entry)];
    const share = shareOf(metric, variant.entry, base.entry);
    if (was === null || is === null || share === null) return [];
    const { title: name, unit, format } = { ...metric, ...metric.burden };
    const title = metric.isDerived?.(variant.entry) ? `${name}, estimated` : name;
    return [{ title, values: `${format(estimateOf(was).value)} → ${format(estimateOf(is).value)} ${unit}`, share }];
  });
}

function labelOf({ title, values }: Share): string {
  return `<b>${title}</b><br>${values}`;
}

function sharesText(shares: readonly Share[]): string {
  return shares.map((one) => `${one.title}: ${shareText(one.share)} (${one.values})`).join('; ');
}

function shareText(share: Estimate): string {
  const percent = (value: number): string => formatNumber(100 * value, 0);
  return share.low === share.high ? `${percent(share.value)} %` : `${formatEstimate(share, percent)} %`;
}
