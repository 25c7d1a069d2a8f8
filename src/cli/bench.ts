import type { Command } from 'commander';
import { bench, type ModelBench } from '../measure/latency/bench.js';
import type { TimeSummary } from '../measure/latency/latency.js';
import type { PercentileBound } from '../measure/statistics/earlyStopping.js';
import { describeDrift } from '../measure/statistics/stability.js';
import { type ArrayBench, benchOnArrays } from '../tune/arrays/benchOnArrays.js';
import { decibelsText, megabytes, percent, shortened, withInterval } from './columns.js';
import { examples } from './help.js';
import { modelFile, namedModels } from './models.js';
import {
  type ArraysOptions,
  addArrays,
  addExport,
  addModels,
  addSpeech,
  addThreads,
  addTrials,
  areFedWithArrays,
  arraysOf,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { wholeNumber } from './options.js';
import { type OutputOptions, printRecords, type SetTable } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface BenchCommandOptions extends Pick<Given, 'manifest' | 'threads' | 'trials'>, OutputOptions, ArraysOptions {
  readonly warmUp: number;
}

/** `quantlab bench MODEL…`: how fast models are. */
export function addBenchCommand(program: Command, terminal: Terminal): void {
  declare(program.command('bench'), addModels, addSpeech('holdout'), addArrays, addTrials, addThreads, addExport)
    .description(
      'Latency of models, from waveform to text, each in a process of its own, taking turns; of models without a card, from arrays to arrays, with memory, and how far the outputs are from the first',
    )
    .option('--warm-up <n>', 'runs before the trials, which do not count', wholeNumber(1), 3)
    .addHelpText(
      'after',
      examples('bench deepspeech2-lstm small.onnx', 'bench any.onnx any-small.onnx --dim batch=1 --dim time=400'),
    )
    .action(async (names: readonly string[], options: BenchCommandOptions, command: Command) => {
      const isOnArrays = await areFedWithArrays(names, command);
      const progress = terminal.progress();
      const timing = {
        trials: options.trials,
        warmUpRuns: options.warmUp,
        threads: await threadsOf(options),
        signal: terminal.signal,
        onProgress: (done: number, total: number) => progress.update(done, total, 'trials'),
      };
      if (isOnArrays) {
        const files = await Promise.all(names.map(modelFile));
        const benches = await benchOnArrays(files, { ...arraysOf(options), ...timing }).finally(progress.stop);
        printArrays(benches, options, terminal);
        return;
      }
      const models = await namedModels(names);
      const utterances = await heardOf(options.manifest, terminal);
      const benches = await bench(models, { utterances, ...timing }).finally(progress.stop);
      for (const { model, latency } of benches) warnOfDrift(model, latency, terminal);
      printRecords(benches, options, terminal, (table) => describe(benches, table));
    });
}

/** Models of which nothing is known but their files. */
function printArrays(benches: readonly ArrayBench[], options: BenchCommandOptions, terminal: Terminal): void {
  for (const { model, times } of benches) warnOfDrift(model, times, terminal);
  // A line of CSV has a column for each number, by the name of its output.
  const records = benches.map(({ agreement, ...one }) => ({
    ...one,
    agreement: agreement && Object.fromEntries(agreement.map(({ output, ...numbers }) => [output, numbers])),
  }));
  printRecords(records, options, terminal, (table) => describeArrays(benches, table), benches);
}

function warnOfDrift(model: string, { stability }: TimeSummary, terminal: Terminal): void {
  if (stability?.drifts) terminal.say(`warning: ${model}: ${describeDrift(stability)}\n`);
}

/** Two tables, so that each fits 100 columns: times, then what stands beside them. */
function describe(benches: readonly ModelBench[], table: SetTable): string {
  const rest = benches.map(({ model, sizeBytes, loadMs, firstRunMs, speedUp }) => [
    shortened(model),
    speedUp === null ? '' : withInterval(speedUp, 2),
    megabytes(sizeBytes),
    loadMs.toFixed(0),
    firstRunMs.toFixed(1),
  ]);
  return [
    timesTable(
      benches.map(({ model, latency, threads }) => ({ model, times: latency, threads })),
      table,
      ['RTF', benches.map(({ latency }) => latency.realTimeFactor.toFixed(4))],
    ),
    table(['model', 'speed-up (95 % interval)', 'size', 'load ms', 'first call ms'], rest),
  ].join('');
}

function describeArrays(benches: readonly ArrayBench[], table: SetTable): string {
  const rest = benches.map(({ model, sizeBytes, peakBytes, loadMs, firstRunMs, speedUp }) => [
    shortened(model),
    speedUp === null ? '' : withInterval(speedUp, 2),
    megabytes(sizeBytes),
    megabytes(peakBytes),
    loadMs.toFixed(0),
    firstRunMs.toFixed(1),
  ]);
  const outputs = benches.flatMap(({ model, agreement }) =>
    (agreement ?? []).map(({ output, signalToErrorDb, largestDifference, equal }) => [
      shortened(model),
      shortened(output),
      decibelsText(signalToErrorDb, 'equal'),
      Number.isFinite(largestDifference) ? largestDifference.toPrecision(3) : 'no number',
      percent(equal),
    ]),
  );
  return [
    `${benches[0]?.origin}\n`,
    timesTable(benches, table),
    table(['model', 'speed-up (95 % interval)', 'size', 'peak memory', 'load ms', 'first call ms'], rest),
    outputs.length === 0
      ? ''
      : `\n${table(['model', 'output', 'signal to error dB', 'largest difference', 'equal'], outputs)}`,
  ].join('');
}

function timesTable(
  benches: readonly { readonly model: string; readonly times: TimeSummary; readonly threads: number }[],
  table: SetTable,
  [title, cells]: readonly [string?, (readonly string[])?] = [],
): string {
  const [first] = benches;
  const bounds = first?.times.percentiles ?? [];
  // Graphs that take less than a millisecond are told apart behind the point.
  const digits = (first?.times.meanMs.value ?? 1) < 10 ? 3 : 1;
  const rows = benches.map(({ model, times }, index) => [
    shortened(model),
    withInterval(times.meanMs, digits),
    times.medianMs.value.toFixed(digits),
    ...times.percentiles.map(({ valueMs }) => valueMs?.toFixed(digits) ?? '–'),
    ...(cells === undefined ? [] : [cells[index] ?? '']),
  ]);
  const header = ['model', 'mean ms (95 % interval)', 'median ms', ...bounds.map(nameOf), ...(title ? [title] : [])];
  return [
    `${first?.times.trials} trials of each model, ${first?.threads} threads\n\n`,
    table(header, rows),
    ...bounds.filter(({ valueMs }) => valueMs === null).map(missing),
    '\n',
  ].join('');
}

function nameOf({ percentile }: PercentileBound): string {
  return `p${100 * percentile} ≤`;
}

function missing(bound: PercentileBound): string {
  return `${nameOf(bound)}: –, since that takes ${bound.trialsNeeded} trials; see --trials\n`;
}
