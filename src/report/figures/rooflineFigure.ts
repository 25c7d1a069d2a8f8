import type { MachineLimits } from '../../measure/machine/hardware.js';
import type { Roofline } from '../../measure/machine/roofline.js';
import { formatNumber, roundTo } from '../tables/format.js';
import { threadsText } from '../tables/peersTable.js';
import { figureOf, logAxis, NEUTRAL_COLOR } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { rooflineFinding } from './findings.js';
import { markOf } from './theme.js';

/** A model on a machine: a row of `quantlab hardware`. */
export interface RooflineRow extends Roofline {
  readonly title: string;
}

const GIGA = 1e9;

/**
 * Draws how near models come to what a machine can do: its roofs, and each model under them.
 *
 * @param limits - of the machine, with the threads of the rows
 * @param rows - models
 */
export function rooflineFigure(limits: MachineLimits, rows: readonly RooflineRow[]): Figure {
  const titles = rows.map(({ title }) => title);
  const peaks = [limits.float32PerS, limits.int8PerS];
  const slowest = limits.bandwidths.at(-1)?.bytesPerS ?? GIGA;
  const fastest = Math.max(slowest, ...limits.bandwidths.map(({ bytesPerS }) => bytesPerS));
  const ridge = Math.max(...peaks) / slowest;
  const intensities = rows.map(({ intensity }) => intensity);
  const from = Math.min(0.5, ...intensities.map((value) => value / 2));
  const rates = rows.map(rateOf);
  const to = Math.max(4 * ridge, ...intensities.map((value) => value * 2));
  return figureOf({
    name: 'roofline',
    title: rooflineFinding(rows),
    caption: [
      `Level lines: peak arithmetic with ${threadsText(limits.threads)}; slanted lines: speed of memory beyond the caches and of the fastest cache; all measured in ONNX Runtime.`,
      'Counted are products, convolutions and recurrences, whose weights are read anew in each step (a multiply-add is two operations); the fastest of the runs counts.',
    ],
    alt: `Roofline. Peak ${formatNumber(limits.float32PerS / GIGA, 0)} billion float32 and ${formatNumber(
      limits.int8PerS / GIGA,
      0,
    )} billion int8 operations a second, memory ${formatNumber(slowest / GIGA, 1)} to ${formatNumber(fastest / GIGA, 1)} GB/s. ${rows
      .map(
        ({ title, boundMs, fastestMs, share }) =>
          `${title}: at least ${formatNumber(boundMs, 1)} ms, measured ${formatNumber(fastestMs, 1)} ms, ${formatNumber(100 * share, 0)} % of what is possible`,
      )
      .join('; ')}.`,
    height: 560,
    margin: { l: 90, b: 180 },
    data: [
      roof('float32 peak', limits.float32PerS, fastest, to, 'solid'),
      roof('int8 peak', limits.int8PerS, fastest, to, 'dash'),
      slope('memory', slowest, from, Math.max(...peaks), 'dashdot'),
      slope('fastest cache', fastest, from, Math.max(...peaks), 'dot'),
      ...rows.map((row): JsonObject => {
        const { color, symbol } = markOf(row.title, titles);
        return {
          type: 'scatter',
          mode: 'markers',
          name: row.title,
          x: [roundTo(row.intensity)],
          y: [roundTo(rateOf(row))],
          marker: { color, symbol, size: 13 },
          hovertemplate: `%{x} operations a byte, %{y} billion a second: ${formatNumber(100 * row.share, 0)} % of the bound<extra></extra>`,
        };
      }),
    ],
    layout: {
      xaxis: logAxis('Intensity (operations / byte)', from, to),
      yaxis: logAxis(
        'Speed (10⁹ operations / s)',
        Math.min((from * slowest) / GIGA, ...rates) / 1.3,
        (Math.max(...peaks) / GIGA) * 1.3,
      ),
      legend: { orientation: 'h', x: 0, xanchor: 'left', y: -0.22, yref: 'paper' },
    },
  });
}

/** Billions of operations that it does in a second. */
function rateOf({ float32Operations, int8Operations, fastestMs }: RooflineRow): number {
  return (float32Operations + int8Operations) / (fastestMs / 1000) / GIGA;
}

/** A level line from where the fastest cache meets it. */
function roof(name: string, peak: number, fastest: number, to: number, dash: string): JsonObject {
  return line(name, [peak / fastest, to], [peak, peak], dash);
}

/** A slanted line up to the highest roof. */
function slope(name: string, bytesPerS: number, from: number, peak: number, dash: string): JsonObject {
  return line(name, [from, peak / bytesPerS], [from * bytesPerS, peak], dash);
}

function line(name: string, x: readonly number[], perS: readonly number[], dash: string): JsonObject {
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    x: x.map((value) => roundTo(value)),
    y: perS.map((value) => roundTo(value / GIGA)),
    line: { color: NEUTRAL_COLOR, width: 2, dash },
    hoverinfo: 'name',
  };
}
