import type { Candidate } from '../post/choosing.js';
import { formatMegabytes, formatMs, formatPercent, roundTo } from '../tables/format.js';
import { axis, figureOf } from './drawing.js';
import type { Figure } from './figure.js';
import { listed } from './findings.js';
import { markOf } from './theme.js';

function findingOf(front: readonly Candidate[]): string {
  if (front.length === 0) return 'Nothing was measured';
  return `No other is shown to beat ${listed(front.map(({ title }) => title))}`;
}

/**
 * Draws candidates by latency and file size, those that no other beats in all metrics with their names in bold.
 *
 * @param candidates - with latency and size
 * @param front - of them, from `paretoFront`
 */
export function choosingFigure(candidates: readonly Candidate[], front: readonly Candidate[]): Figure {
  const ids = candidates.map(({ id }) => id);
  const isBest = ({ id }: Candidate): boolean => front.some((one) => one.id === id);
  const slowest = Math.max(1, ...candidates.map(({ metrics }) => metrics.latencyMs ?? 0));
  const largest = Math.max(1, ...candidates.map(({ metrics }) => metrics.sizeBytes ?? 0)) / 1e6;
  return figureOf({
    name: 'choosing',
    title: findingOf(front),
    caption: [
      'Mean latency and file size of each variant; down and left is better. Bold: no other is shown to be better in one measured metric and worse in none.',
    ],
    alt: `Latency against file size, a point for each variant. ${candidates
      .map((one) => {
        const { latencyMs, sizeBytes, wer } = one.metrics;
        const words = wer === null ? '' : `, word error rate ${formatPercent(wer)} %`;
        const best = isBest(one) ? ', beaten by none' : '';
        return `${one.title}: ${formatMs(latencyMs ?? Number.NaN)} ms, ${formatMegabytes(sizeBytes ?? 0)} MB${words}${best}`;
      })
      .join('; ')}.`,
    height: 460,
    data: candidates.map((one, place) => {
      const { color, symbol } = markOf(one.id, ids);
      const { latencyMs, sizeBytes, wer } = one.metrics;
      const isRight = (latencyMs ?? 0) > slowest * 0.6;
      return {
        type: 'scatter',
        mode: 'markers+text',
        name: one.title,
        x: [roundTo(latencyMs ?? 0)],
        y: [roundTo((sizeBytes ?? 0) / 1e6)],
        text: [isBest(one) ? `  <b>${one.title}</b>  ` : `  ${one.title}  `],
        // In turns above and below, so that the words of near points do not meet.
        textposition: `${place % 2 === 0 ? 'top' : 'bottom'} ${isRight ? 'left' : 'right'}`,
        cliponaxis: false,
        marker: { color, symbol, size: isBest(one) ? 14 : 9 },
        hovertemplate: `${one.title}<br>%{x} ms<br>%{y} MB${wer === null ? '' : `<br>WER ${formatPercent(wer)} %`}<extra></extra>`,
      };
    }),
    layout: {
      showlegend: false,
      xaxis: axis('Mean latency (ms)', { range: [0, roundTo(slowest * 1.3)], showline: true, zeroline: false }),
      yaxis: axis('Model file (MB)', { range: [0, roundTo(largest * 1.2)], showline: true, zeroline: false }),
    },
  });
}
