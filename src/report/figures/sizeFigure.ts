import type { Summary } from '../../study/schema.js';
import { formatFactor, formatMegabytes, roundTo } from '../tables/format.js';
import { absencesOf, type Measured, measuredOf } from '../tables/measured.js';
import { axis, figureOf, rowName } from './drawing.js';
import type { Figure } from './figure.js';
import { markOf } from './theme.js';

/** Size of each model file on disk. */
export function sizeFigure(summary: Summary): Figure {
  const measured = measuredOf(summary);
  const ids = summary.conditions.map(({ condition }) => condition.id);
  const rows = [...measured].reverse();
  const largest = Math.max(1, ...rows.map(({ outcome }) => outcome.sizeBytes / 1e6));
  return figureOf({
    name: 'size',
    title: 'Size of the model file',
    caption: [
      'Size of the model file that each condition loads, in megabytes (10⁶ bytes).',
      'Size on disk is not memory: the runtime repacks weights when it loads them.',
      ...absencesOf(summary),
    ],
    alt: `Bars of the model files' sizes. ${measured.map((row) => `${row.title}: ${labelOf(row)}`).join('; ')}.`,
    height: 120 + 60 * Math.max(1, rows.length),
    margin: { l: 170 },
    data: [
      {
        type: 'bar',
        orientation: 'h',
        x: rows.map(({ outcome }) => roundTo(outcome.sizeBytes / 1e6)),
        y: rows.map(({ title }) => rowName(title)),
        marker: { color: rows.map(({ id }) => markOf(id, ids).color) },
        text: rows.map((row) => ` ${labelOf(row)}`),
        textposition: 'outside',
        cliponaxis: false,
        width: 0.55,
        hovertemplate: '%{x} MB<extra></extra>',
      },
    ],
    layout: {
      showlegend: false,
      xaxis: axis('Size (MB)', { range: [0, roundTo(largest * 1.3)], showline: true }),
      yaxis: { showgrid: false, fixedrange: true },
    },
  });
}

function labelOf({ outcome, entry }: Measured): string {
  const size = `${formatMegabytes(outcome.sizeBytes)} MB`;
  const compression = entry.comparison?.compression ?? 1;
  return compression > 1.005 ? `${size}, ${formatFactor(compression)} smaller` : size;
}
