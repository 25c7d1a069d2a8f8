import type { Estimate, Observation, Summary } from '../../study/schema.js';
import { formatEstimate, formatMs, formatNumber, roundTo } from '../tables/format.js';
import { type Measured, measuredOf, pairOf } from '../tables/measured.js';
import { axis, errorBars, figureOf, rowName } from './drawing.js';
import type { Figure, JsonObject } from './figure.js';
import { latencyFinding } from './findings.js';
import { type Mark, markOf } from './theme.js';

const ROW_HEIGHT = 120;
const FRAME_HEIGHT = 110;

/**
 * Distribution of the latencies of each condition: its density, every trial as a dot, median and mean.
 *
 * @param summary - summary of a run
 * @param observations - its observations; only those of the latency phase are drawn
 */
export function latencyFigure(summary: Summary, observations: readonly Observation[]): Figure {
  const measured = measuredOf(summary);
  const ids = summary.conditions.map(({ condition }) => condition.id);
  // Plotly stacks rows upwards; readers expect the first condition on top.
  const rows = [...measured].reverse();
  const all = observations.filter(({ phase }) => phase === 'latency').map(({ totalMs }) => totalMs);
  const [from, to] = [Math.min(...all, 10) / 2, Math.max(...all, 10) * 2];
  return figureOf({
    name: 'latency',
    title: latencyFinding(pairOf(summary)) ?? 'Time from waveform to text',
    caption: captionOf(summary, measured),
    alt: altOf(measured),
    height: FRAME_HEIGHT + ROW_HEIGHT * Math.max(1, measured.length),
    margin: { l: 170 },
    data: rows.flatMap((row, place) => rowTraces(row, place, observations, markOf(row.id, ids))),
    layout: {
      showlegend: false,
      violingap: 0.1,
      xaxis: axis('Time from waveform to text of one utterance, logarithmic (ms)', {
        range: [from, to].map(logarithm),
        tickvals: TICKS_MS.map(logarithm),
        ticktext: TICKS_MS.map(String),
        showline: true,
      }),
      yaxis: {
        tickvals: rows.map((_, place) => place),
        ticktext: rows.map(({ title, latency }) => {
          return `${rowName(title)}<br>mean ${formatMs(latency.meanMs.value)} ms`;
        }),
        range: [-0.45, rows.length - 1 + 0.75],
        showgrid: false,
        zeroline: false,
        fixedrange: true,
      },
    },
  });
}

/** Times that the axis names. */
const TICKS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/** Densities are those of the logarithms: an axis that Plotly makes logarithmic has those of the times. */
function logarithm(ms: number): number {
  return roundTo(Math.log10(ms));
}

/** Points of a condition that are drawn; of more trials, every n-th. A picture shows no more, and a browser draws no more in time. */
const MOST_POINTS = 5000;

function rowTraces(
  row: Measured,
  place: number,
  observations: readonly Observation[],
  mark: Mark,
): readonly JsonObject[] {
  const latencies = observations
    .filter(({ condition, phase }) => condition === row.id && phase === 'latency')
    .map(({ totalMs }) => roundTo(totalMs))
    .filter((_, index, all) => index % Math.ceil(all.length / MOST_POINTS) === 0);
  const { meanMs, medianMs } = row.latency;
  return [
    {
      type: 'violin',
      name: row.title,
      x: latencies.map(logarithm),
      text: latencies.map((ms) => `${ms} ms`),
      y0: place,
      orientation: 'h',
      side: 'positive',
      width: 1.2,
      points: 'all',
      pointpos: -0.28,
      jitter: 0.18,
      marker: { color: mark.color, size: 4, opacity: 0.5 },
      line: { color: mark.color, width: 1.5 },
      box: { visible: false },
      meanline: { visible: false },
      hoverinfo: 'text+name',
      hoveron: 'points',
    },
    {
      type: 'scatter',
      name: `${row.title}, median`,
      x: [logarithm(medianMs.value)],
      y: [place],
      mode: 'markers',
      marker: { color: mark.color, symbol: 'line-ns', size: 22, line: { color: mark.color, width: 3 } },
      hovertemplate: `median ${formatMs(medianMs.value)} ms<extra></extra>`,
    },
    {
      type: 'scatter',
      name: `${row.title}, mean`,
      x: [logarithm(meanMs.value)],
      y: [place],
      error_x: errorBars([logarithms(meanMs)], { color: mark.color, thickness: 2, width: 5 }),
      mode: 'markers',
      marker: { color: mark.color, symbol: mark.symbol, size: 11, line: { color: '#ffffff', width: 1.5 } },
      hovertemplate: `mean ${formatMs(meanMs.value)} ms<extra></extra>`,
    },
  ];
}

function logarithms({ value, low, high }: Estimate): Estimate {
  return { value: Math.log10(value), low: Math.log10(low), high: Math.log10(high) };
}

function captionOf(summary: Summary, measured: readonly Measured[]): readonly string[] {
  const { latencyTrials } = summary.run.protocol;
  const trials = measured[0]?.latency.trials ?? latencyTrials;
  return [
    `Each dot is one of ${formatNumber(trials, 0)} trials${trials > MOST_POINTS ? `, of which every ${Math.ceil(trials / MOST_POINTS)}th is drawn` : ''}, the curve their density; the bar is the median, the large mark the mean.`,
    'Times spread since utterances differ in length.',
  ];
}

function altOf(measured: readonly Measured[]): string {
  const parts = measured.map(({ title, latency }) => {
    const mean = formatEstimate(latency.meanMs, formatMs);
    return `${title}: mean ${mean} ms, median ${formatMs(latency.medianMs.value)} ms`;
  });
  return `Distribution of latencies, a row for each condition. ${parts.join('; ')}.`;
}
