import type { Summary } from '../experiment/schema.js';
import type { MemoryStages } from '../measure/memory/memory.js';
import type { Figure, JsonObject } from './figure.js';
import { formatMegabytes, roundTo } from './format.js';
import { absencesOf, type Measured, measuredOf } from './measured.js';
import { FIGURE_WIDTH } from './theme.js';

interface Part {
  readonly title: string;
  readonly color: string;
  readonly bytes: (stages: MemoryStages) => number;
}

/** Muted colours of their own, as in the figure of the parts of latency. */
const PARTS: readonly Part[] = [
  { title: 'without a model', color: '#66727f', bytes: ({ baseline }) => baseline.residentBytes },
  {
    title: 'model loaded',
    color: '#a08850',
    bytes: ({ baseline, loaded }) => Math.max(0, loaded.residentBytes - baseline.residentBytes),
  },
  {
    title: 'while it runs',
    color: '#8f5a83',
    bytes: ({ loaded, afterRuns }) => Math.max(0, afterRuns.peakBytes - loaded.residentBytes),
  },
];

interface Row extends Measured {
  readonly stages: MemoryStages;
}

/** Memory of a process with one model: without it, loaded, and at its peak. */
export function memoryFigure(summary: Summary): Figure {
  const rows = measuredOf(summary).flatMap((row): Row[] => {
    const stages = row.outcome.memory?.withArena;
    return stages ? [{ ...row, stages }] : [];
  });
  const upwards = rows.toReversed();
  const most = Math.max(1, ...rows.map(({ stages }) => stages.afterRuns.peakBytes / 1e6));
  const title = 'Memory of a process with one model';
  return {
    name: '05-memory',
    title,
    caption: [
      'Resident memory in megabytes (10⁶ bytes), added up to the peak: what the process holds without a model (Node, the runtime, the front end),',
      'what loading the model adds, and what running adds. One process for each condition, read once: there is no interval.',
      ...absencesOf(summary),
    ].join(' '),
    alt: `Stacked bars of memory. ${rows
      .map((row) => {
        const parts = PARTS.map((part) => `${part.title} ${formatMegabytes(part.bytes(row.stages))} MB`).join(', ');
        return `${row.title}: ${parts}, peak ${peakOf(row)} MB`;
      })
      .join('; ')}.`,
    width: FIGURE_WIDTH,
    height: 150 + 60 * Math.max(1, rows.length),
    spec: {
      data: PARTS.map(
        (part, place): JsonObject => ({
          type: 'bar',
          orientation: 'h',
          name: part.title,
          x: upwards.map(({ stages }) => roundTo(part.bytes(stages) / 1e6)),
          y: upwards.map((row) => `<b>${row.title}</b>`),
          marker: { color: part.color },
          width: 0.55,
          hovertemplate: `${part.title} %{x} MB<extra></extra>`,
          ...(place === PARTS.length - 1 && {
            text: upwards.map((row) => ` ${peakOf(row)} MB`),
            textposition: 'outside',
            cliponaxis: false,
          }),
        }),
      ),
      layout: {
        title: { text: title },
        margin: { l: 170, r: 24, t: 84, b: 66 },
        barmode: 'stack',
        legend: { orientation: 'h', x: 0, y: 1, xanchor: 'left', yanchor: 'bottom', traceorder: 'normal' },
        xaxis: {
          title: { text: 'Resident memory (MB)' },
          range: [0, roundTo(most * 1.2)],
          showline: true,
          fixedrange: true,
        },
        yaxis: { showgrid: false, fixedrange: true },
      },
    },
  };
}

function peakOf({ stages }: Row): string {
  return formatMegabytes(stages.afterRuns.peakBytes);
}
