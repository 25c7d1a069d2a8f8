import type { InstancePrice } from '../../measure/cost/prices.js';
import type { Estimate, Summary } from '../../study/schema.js';
import { estimateOf, shareOf } from '../metric.js';
import { METRICS } from '../metrics.js';
import { formatEstimate, formatNumber, roundTo } from '../tables/format.js';
import { machineOf, type Pair, pairOf } from '../tables/measured.js';
import { axis, errorBars, figureOf, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { markOf } from './theme.js';

/** One measure of the variant, as a share of the base's: 1 is alike, less is better. */
interface Share {
  readonly title: string;
  /** Both values with their unit. */
  readonly values: string;
  readonly share: Estimate;
}

/** Beyond this share of the base, marks are cut. */
const LONGEST = 1.6;

/**
 * The main result at a glance: every measure of the compressed model as a share of the float model's, with its interval.
 *
 * @param prices - of machines to rent, for the cost
 * @returns `null` where the two were not both measured
 */
export function glanceFigure(summary: Summary, prices: readonly InstancePrice[]): Figure | null {
  const pair = pairOf(summary, prices);
  if (pair === null) return null;
  const shares = sharesOf(pair);
  const upwards = shares.toReversed();
  const { base, variant } = pair;
  const { color, symbol } = markOf(
    variant.id,
    summary.conditions.map(({ condition }) => condition.id),
  );
  const longest = Math.max(1.2, ...shares.map(({ share }) => Math.min(LONGEST, share.high + 0.15)));
  return figureOf({
    name: 'at-a-glance',
    title: `${variant.title}, beside ${base.title}`,
    caption: [
      `What ${variant.title} takes, in per cent of what ${base.title} takes: a mark left of the dotted line is a gain (${machineOf(summary)}).`,
      'Whiskers are 95 % intervals of the ratio, over the same utterances; file and memory were read once and have none.',
      'Time: from waveform to text of one utterance; in batches: for a second of sound. Energy and cost are estimates unless the table says otherwise.',
    ],
    alt: `${variant.title} in per cent of ${base.title}, a mark for each measure. ${shares
      .map((one) => `${one.title}: ${shareText(one.share)} (${one.values})`)
      .join('; ')}.`,
    height: 110 + 52 * shares.length,
    margin: { l: 240, t: 56 },
    data: [
      ...upwards.map(
        (one): JsonObject => ({
          type: 'scatter',
          mode: 'lines',
          x: [0, roundTo(100 * one.share.value)],
          y: [labelOf(one), labelOf(one)],
          line: { color: `${color}66`, width: 7 },
          hoverinfo: 'skip',
        }),
      ),
      {
        type: 'scatter',
        mode: 'markers',
        x: upwards.map(({ share }) => roundTo(100 * share.value)),
        y: upwards.map(labelOf),
        error_x: errorBars(
          upwards.map(({ share }) => share),
          { color, thickness: 2.5, width: 6 },
          100,
        ),
        marker: { color, symbol, size: 13 },
        hovertemplate: '%{x} %<extra></extra>',
      },
      {
        type: 'scatter',
        mode: 'text',
        // Where it would stand on the line at 100 %, behind that line.
        x: upwards.map(({ share }) => roundTo(share.high > 0.8 && share.high < 1 ? 100 : 100 * share.high)),
        y: upwards.map(labelOf),
        text: upwards.map(({ share }) => `   <b>${formatNumber(100 * share.value, 0)} %</b>`),
        textposition: 'middle right',
        cliponaxis: false,
        hoverinfo: 'skip',
      },
    ],
    layout: {
      showlegend: false,
      xaxis: axis(`Share of ${base.title} (%)`, {
        range: [0, roundTo(100 * longest)],
        showline: true,
        zeroline: false,
      }),
      yaxis: {
        categoryorder: 'array',
        categoryarray: upwards.map(labelOf),
        range: [-0.6, shares.length - 0.4],
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      },
      shapes: [
        {
          type: 'line',
          x0: 100,
          x1: 100,
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { dash: 'dot', width: 2, color: NEUTRAL_COLOR },
        },
      ],
    },
  });
}

/** Gains first, then what they cost. */
function sharesOf({ base, variant }: Pair): readonly Share[] {
  const metrics = METRICS.toSorted((one, other) => other.comparison.neutral - one.comparison.neutral);
  return metrics.flatMap((metric) => {
    const [was, is] = [metric.of(base.entry), metric.of(variant.entry)];
    const share = shareOf(metric, variant.entry, base.entry);
    if (was === null || is === null || share === null) return [];
    const { title, unit, format } = { ...metric, ...metric.burden };
    return [{ title, values: `${format(estimateOf(was).value)} → ${format(estimateOf(is).value)} ${unit}`, share }];
  });
}

function labelOf({ title, values }: Share): string {
  return `<b>${title}</b><br>${values}`;
}

function shareText(share: Estimate): string {
  const percent = (value: number): string => formatNumber(100 * value, 0);
  return share.low === share.high ? `${percent(share.value)} %` : `${formatEstimate(share, percent)} %`;
}
