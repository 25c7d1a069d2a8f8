import type { Command } from 'commander';
import { bench, type ModelBench } from '../measure/latency/bench.js';
import type { PercentileBound } from '../measure/statistics/earlyStopping.js';
import { describeDrift } from '../measure/statistics/stability.js';
import { megabytes, shortened, withInterval } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import { addExport, addModels, addSpeech, addThreads, addTrials, declare, threadsOf } from './optionGroups.js';
import { wholeNumber } from './options.js';
import { type OutputOptions, printRecords, type SetTable } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface BenchCommandOptions extends OutputOptions {
  readonly manifest: string;
  readonly threads?: number;
  readonly trials: number;
  readonly warmUp: number;
}

/** `quantlab bench MODEL…`: how fast models hear. */
export function addBenchCommand(program: Command, terminal: Terminal): void {
  declare(program.command('bench'), addModels, addSpeech('holdout'), addTrials, addThreads, addExport)
    .description('Latency of models, from waveform to text, each in a process of its own, taking turns')
    .option('--warm-up <n>', 'runs before the trials, which do not count', wholeNumber(1), 3)
    .addHelpText('after', examples('bench deepspeech2-lstm small.onnx', 'bench --trials 1000 --export csv > bench.csv'))
    .action(async (names: readonly string[], options: BenchCommandOptions) => {
      const models = await namedModels(names);
      const utterances = await heardOf(options.manifest, terminal);
      const progress = terminal.progress();
      const benches = await bench(models, {
        utterances,
        trials: options.trials,
        warmUpRuns: options.warmUp,
        threads: await threadsOf(options),
        signal: terminal.signal,
        onProgress: (done, total) => progress.update(done, total, 'trials'),
      }).finally(progress.stop);
      for (const { model, latency } of benches) {
        if (latency.stability?.drifts) terminal.say(`warning: ${model}: ${describeDrift(latency.stability)}\n`);
      }
      printRecords(benches, options, terminal, (table) => describe(benches, table));
    });
}

/** Two tables, so that each fits 100 columns: times, then what stands beside them. */
function describe(benches: readonly ModelBench[], table: SetTable): string {
  const [first] = benches;
  const bounds = first?.latency.percentiles ?? [];
  const times = benches.map(({ model, latency }) => [
    shortened(model),
    withInterval(latency.meanMs, 1),
    latency.medianMs.value.toFixed(1),
    ...latency.percentiles.map(({ valueMs }) => valueMs?.toFixed(1) ?? '–'),
    latency.realTimeFactor.toFixed(4),
  ]);
  const rest = benches.map(({ model, sizeBytes, loadMs, firstRunMs, speedUp }) => [
    shortened(model),
    speedUp === null ? '' : withInterval(speedUp, 2),
    megabytes(sizeBytes),
    loadMs.toFixed(0),
    firstRunMs.toFixed(1),
  ]);
  return [
    `${first?.latency.trials} trials of each model, ${first?.threads} threads\n\n`,
    table(['model', 'mean ms (95 % interval)', 'median ms', ...bounds.map(nameOf), 'RTF'], times),
    bounds
      .filter(({ valueMs }) => valueMs === null)
      .map(missing)
      .join(''),
    '\n',
    table(['model', 'speed-up (95 % interval)', 'size', 'load ms', 'first call ms'], rest),
  ].join('');
}

function nameOf({ percentile }: PercentileBound): string {
  return `p${100 * percentile} ms`;
}

function missing(bound: PercentileBound): string {
  return `${nameOf(bound)}: –, since that takes ${bound.trialsNeeded} trials; see --trials\n`;
}
