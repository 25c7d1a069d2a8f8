import type { LatencySummary, Summary } from '../experiment/schema.js';
import type { Figure } from './figure.js';
import { formatMs, roundTo } from './format.js';
import { absencesOf, machineOf, measuredOf } from './measured.js';
import { FIGURE_WIDTH } from './theme.js';

interface Part {
  readonly title: string;
  readonly color: string;
  readonly read: (latency: LatencySummary) => number;
}

/** Muted colours of their own: the bright ones mean conditions in every figure. */
const PARTS: readonly Part[] = [
  { title: 'features', color: '#a08850', read: ({ featuresMs }) => featuresMs },
  { title: 'inference', color: '#66727f', read: ({ inferenceMs }) => inferenceMs },
  { title: 'decoding', color: '#8f5a83', read: ({ decodingMs }) => decodingMs },
];

/** Mean latency of each condition, split into features, inference and decoding. */
export function partsFigure(summary: Summary): Figure {
  const rows = [...measuredOf(summary)].reverse();
  const sentences = [...rows].reverse().map(({ title, latency }) => {
    const parts = PARTS.map((part) => `${part.title} ${formatMs(part.read(latency))} ms`);
    return `${title}: ${parts.join(', ')}`;
  });
  return {
    name: '04-where-the-time-goes',
    title: 'Where the time goes',
    caption: [
      `Mean latency of one utterance, split into its parts (${machineOf(summary)}):`,
      'the spectrogram (features), the network (inference), and the search for the text (decoding).',
      'Quantization changes the network alone.',
      ...absencesOf(summary),
    ].join(' '),
    alt: `Stacked bars of the parts of the mean latency. ${sentences.join('; ')}.`,
    width: FIGURE_WIDTH,
    height: 150 + 60 * Math.max(1, rows.length),
    spec: {
      data: PARTS.map((part) => ({
        type: 'bar',
        orientation: 'h',
        name: part.title,
        x: rows.map(({ latency }) => roundTo(part.read(latency))),
        y: rows.map(({ title }) => `<b>${title}</b>`),
        marker: { color: part.color },
        width: 0.55,
        hovertemplate: `${part.title} %{x} ms<extra></extra>`,
      })),
      layout: {
        title: { text: 'Where the time goes' },
        margin: { l: 170, r: 24, t: 84, b: 66 },
        barmode: 'stack',
        legend: { orientation: 'h', x: 0, y: 1, xanchor: 'left', yanchor: 'bottom', traceorder: 'normal' },
        xaxis: { title: { text: 'Mean latency (ms)' }, rangemode: 'tozero', showline: true, fixedrange: true },
        yaxis: { showgrid: false, fixedrange: true },
      },
    },
  };
}
