import type { MemoryStages } from '../../measure/memory/memory.js';
import type { Summary } from '../../study/schema.js';
import { formatMegabytes, roundTo } from '../tables/format.js';
import { type Measured, measuredOf, pairOf } from '../tables/measured.js';
import { axis, type BarPart, figureOf, LEGEND_ABOVE, stackedBars } from './drawing.js';
import type { Figure } from './figure.js';
import { memoryFinding } from './findings.js';

interface Row extends Measured {
  readonly stages: MemoryStages;
}

/** Muted colours of their own, and others than those of the parts of latency. */
const PARTS: readonly BarPart<Row>[] = [
  { title: 'without a model', color: '#4f7f8a', of: ({ stages: { baseline } }) => baseline.residentBytes / 1e6 },
  {
    title: 'model loaded',
    color: '#7d8f4e',
    of: ({ stages: { baseline, loaded } }) => Math.max(0, loaded.residentBytes - baseline.residentBytes) / 1e6,
  },
  {
    title: 'while it runs',
    color: '#b0665a',
    of: ({ stages: { loaded, afterRuns } }) => Math.max(0, afterRuns.peakBytes - loaded.residentBytes) / 1e6,
  },
];

/** Memory of a process with one model: without it, loaded, and at its peak; `null` where it was not measured. */
export function memoryFigure(summary: Summary): Figure | null {
  const rows = measuredOf(summary).flatMap((row): Row[] => {
    const stages = row.outcome.memory?.withArena;
    return stages ? [{ ...row, stages }] : [];
  });
  if (rows.length === 0) return null;
  const most = Math.max(1, ...rows.map(({ stages }) => stages.afterRuns.peakBytes / 1e6));
  return figureOf({
    name: 'memory',
    title: memoryFinding(pairOf(summary)) ?? 'Memory of a process with one model',
    caption: [
      'What the process holds without a model (Node, the runtime, the front end), what loading the model adds, and what running adds: the middle one of the processes of each condition, of which the title compares the means.',
    ],
    alt: `Stacked bars of memory. ${rows
      .map((row) => {
        const parts = PARTS.map((part) => `${part.title} ${formatMegabytes(1e6 * part.of(row))} MB`).join(', ');
        return `${row.title}: ${parts}, peak ${peakOf(row)} MB`;
      })
      .join('; ')}.`,
    height: 150 + 60 * rows.length,
    margin: { l: 170, t: 84 },
    data: stackedBars(rows, PARTS, { unit: 'MB', total: (row) => `${peakOf(row)} MB` }),
    layout: {
      barmode: 'stack',
      legend: { ...LEGEND_ABOVE, traceorder: 'normal' },
      xaxis: axis('Resident memory of a process with one model, up to its peak (MB)', {
        range: [0, roundTo(most * 1.2)],
        showline: true,
      }),
      yaxis: { showgrid: false, fixedrange: true },
    },
  });
}

function peakOf({ stages }: Row): string {
  return formatMegabytes(stages.afterRuns.peakBytes);
}
