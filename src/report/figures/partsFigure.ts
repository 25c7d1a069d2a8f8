import type { Summary } from '../../study/schema.js';
import { formatMs, roundTo } from '../tables/format.js';
import { type Measured, measuredOf } from '../tables/measured.js';
import { axis, type BarPart, figureOf, LEGEND_ABOVE, stackedBars } from './drawing.js';
import type { Figure } from './figure.js';
import { partsFinding } from './findings.js';

/** Muted colours of their own: the bright ones mean conditions in every figure. */
const PARTS: readonly BarPart<Measured>[] = [
  { title: 'features', color: '#a08850', of: ({ latency }) => latency.featuresMs },
  { title: 'inference', color: '#66727f', of: ({ latency }) => latency.inferenceMs },
  { title: 'decoding', color: '#8f5a83', of: ({ latency }) => latency.decodingMs },
];

/** Mean latency of each condition, split into features, inference and decoding. */
export function partsFigure(summary: Summary): Figure {
  const rows = measuredOf(summary);
  const slowest = Math.max(1, ...rows.map(({ latency }) => latency.meanMs.value));
  const sentences = rows.map((row) => {
    const parts = PARTS.map((part) => `${part.title} ${formatMs(part.of(row))} ms`);
    return `${row.title}: ${parts.join(', ')}`;
  });
  return figureOf({
    name: 'where-the-time-goes',
    title: partsFinding(rows),
    caption: [
      'The spectrogram (features), the network (inference), and the search for the text (decoding); quantization changes the network alone.',
    ],
    alt: `Stacked bars of the parts of the mean latency. ${sentences.join('; ')}.`,
    height: 150 + 60 * Math.max(1, rows.length),
    margin: { l: 170, t: 84 },
    data: stackedBars(rows, PARTS, {
      unit: 'ms',
      total: (row) => `${formatMs(row.latency.meanMs.value)} ms`,
    }),
    layout: {
      barmode: 'stack',
      legend: { ...LEGEND_ABOVE, traceorder: 'normal' },
      xaxis: axis('Mean time from waveform to text of one utterance (ms)', {
        range: [0, roundTo(slowest * 1.2)],
        showline: true,
      }),
      yaxis: { showgrid: false, fixedrange: true },
    },
  });
}
