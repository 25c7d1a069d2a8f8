import { basename } from 'node:path';
import { InputError } from '../../errors.js';
import type { ModelBench, ModelEvaluation } from '../../measure/latency/bench.js';
import { buildTable, type DataTable, type TableCells } from './dataTable.js';
import { formatEstimate, formatMegabytes, formatMs, formatNumber, formatPercent, formatPoints } from './format.js';

/** What `bench` and `evaluate` give, in one list. */
export type ModelResults = readonly (ModelBench | ModelEvaluation)[];

/** What a table of results says besides. */
export interface CompareTableOptions {
  /** Default: what was measured. */
  readonly title?: string;
  /** What the models are called, in their order. Default: the ids of their cards. */
  readonly names?: readonly string[];
  /** Further cells of each model, in their order. */
  readonly more?: readonly TableCells[];
  readonly notes?: readonly string[];
}

/**
 * A row for each model: file, latency, speed beside the first, word error rate and its change, as far as they were measured, with 95 %
 * intervals.
 *
 * @param results - what `bench` gave, what `evaluate` gave, or both in one list; those of the same file make one row
 * @throws {InputError} when there are none
 * @example
 * await showTable(compareTable([...await bench(models, { utterances }), ...await evaluate(models, { utterances })]));
 */
export function compareTable(results: ModelResults, options: CompareTableOptions = {}): DataTable {
  const names = namesOf(results);
  const rows = [...names].map(([path, name], place): TableCells => {
    const own = results.filter((result) => result.path === path);
    const cells = own.map((result) => ('latency' in result ? benchCells(result) : evaluationCells(result)));
    return { Model: options.names?.[place] ?? name, ...Object.assign({}, ...cells), ...options.more?.[place] };
  });
  return buildTable(rows, { title: options.title ?? titleOf(results), notes: options.notes ?? [] });
}

/**
 * What each file is called: its model, and where two have the same name, its file.
 *
 * @throws {InputError} when there are no results
 */
export function namesOf(results: ModelResults): ReadonlyMap<string, string> {
  if (results.length === 0) {
    throw new InputError(
      'results: those of at least one model were required, got none; pass what bench or evaluate gave',
    );
  }
  const models = new Map(results.map(({ path, model }) => [path, model]));
  const all = [...models.values()];
  return new Map(
    [...models].map(([path, model]) => {
      return [path, all.filter((other) => other === model).length > 1 ? `${model}, ${basename(path, '.onnx')}` : model];
    }),
  );
}

function benchCells({ sizeBytes, latency, speedUp }: ModelBench): TableCells {
  return {
    'File (MB)': formatMegabytes(sizeBytes),
    'Latency, mean (ms)': formatEstimate(latency.meanMs, formatMs),
    'Times as fast': speedUp === null ? '1' : formatEstimate(speedUp, (factor) => formatNumber(factor, 2)),
  };
}

function evaluationCells({ wer, comparison }: ModelEvaluation): TableCells {
  return {
    'WER (%)': formatEstimate(wer, formatPercent),
    'Change of WER (points)': comparison === null ? '–' : formatEstimate(comparison.werChange, formatPoints),
  };
}

function titleOf(results: ModelResults): string {
  const counts = results.map((result) =>
    'latency' in result ? `${result.latency.trials} trials` : `${result.heard.length} recordings`,
  );
  return `Models beside each other: ${[...new Set(counts)].join(', ')} each`;
}
