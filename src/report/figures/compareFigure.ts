import type { Estimate } from '../../study/schema.js';
import { type ModelResults, namesOf } from '../tables/compareTable.js';
import { formatEstimate, formatMs, formatPercent } from '../tables/format.js';
import { axis, estimatePoints, figureOf, rowAxis } from './drawing.js';
import type { Figure } from './figure.js';
import { speedFinding } from './findings.js';
import { markOf } from './theme.js';

/** One measure of several models: a panel of the figure. */
interface Panel {
  readonly axis: string;
  readonly words: string;
  /** Of the numbers as they are drawn. */
  readonly factor: number;
  readonly format: (value: number) => string;
  readonly estimates: ReadonlyMap<string, Estimate>;
}

/**
 * Draws models beside each other: how fast they are, how often they err, or both, each with its 95 % interval.
 *
 * @param results - what `bench` gave, what `evaluate` gave, or both in one list; those of the same file make one row
 * @throws {InputError} when there are none
 * @example
 * await showFigures([compareFigure(await bench(models, { utterances }))]);
 */
export function compareFigure(results: ModelResults): Figure {
  const names = namesOf(results);
  const rows = [...new Set(names.values())];
  const panels = panelsOf(results, names).filter(({ estimates }) => estimates.size > 0);
  const share = 1 / panels.length;
  const data = panels.flatMap(({ axis: title, factor, estimates }, place) =>
    [...estimates].map(([name, estimate]) =>
      estimatePoints({
        name,
        mark: markOf(name, rows),
        along: 'x',
        estimates: [estimate],
        places: [name],
        factor,
        whiskers: { thickness: 2, width: 5 },
        size: 11,
        hover: `${name}: %{x} (${title})`,
        more: { xaxis: axisName(place), yaxis: 'y' },
      }),
    ),
  );
  const axes = panels.map(({ axis: title }, place) => [
    axisName(place).replace('x', 'xaxis'),
    axis(title, {
      domain: [place * share, (place + 1) * share - (place + 1 < panels.length ? 0.08 : 0)],
      rangemode: 'tozero',
    }),
  ]);
  return figureOf({
    name: 'comparison',
    title: findingOf(results, names),
    caption: [`${panels.map(({ words }) => words).join('; ')}, with 95 % intervals.`],
    alt: `Points with intervals, a row for each model. ${rows.map((name) => inWords(name, panels)).join('; ')}.`,
    height: 150 + 60 * rows.length,
    margin: { l: 190 },
    data,
    layout: { showlegend: false, yaxis: rowAxis(rows), ...Object.fromEntries(axes) },
  });
}

/** Of two models, how fast the second is; of more, how many there are. */
function findingOf(results: ModelResults, names: ReadonlyMap<string, string>): string {
  const [base, ...others] = results.filter((result) => 'latency' in result);
  const [other] = others;
  if (base === undefined || other === undefined || others.length > 1) return 'Models beside each other';
  const [variant, model] = [other, base].map(({ path, model: id }) => names.get(path) ?? id);
  return speedFinding(variant ?? '', model ?? '', other.speedUp) ?? 'Models beside each other';
}

function axisName(place: number): 'x' | 'x2' {
  return place === 0 ? 'x' : 'x2';
}

function panelsOf(results: ModelResults, names: ReadonlyMap<string, string>): readonly Panel[] {
  const latency = new Map<string, Estimate>();
  const errors = new Map<string, Estimate>();
  for (const result of results) {
    const name = names.get(result.path) ?? result.model;
    if ('latency' in result) latency.set(name, result.latency.meanMs);
    else errors.set(name, result.wer);
  }
  return [
    {
      axis: 'Latency, mean (ms)',
      words: 'Mean time from waveform to text',
      factor: 1,
      format: formatMs,
      estimates: latency,
    },
    {
      axis: 'WER (%)',
      words: 'Word error rate, edits summed over all utterances',
      factor: 100,
      format: formatPercent,
      estimates: errors,
    },
  ];
}

function inWords(name: string, panels: readonly Panel[]): string {
  const parts = panels.flatMap(({ axis: title, format, estimates }) => {
    const estimate = estimates.get(name);
    return estimate === undefined ? [] : [`${title} ${formatEstimate(estimate, format)}`];
  });
  return `${name}: ${parts.join(', ')}`;
}
