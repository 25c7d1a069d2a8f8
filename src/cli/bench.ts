import type { Command } from 'commander';
import { bench } from '../measure/latency/bench.js';
import type { PercentileBound } from '../measure/statistics/earlyStopping.js';
import { describeDrift } from '../measure/statistics/stability.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { recordsToCsv } from '../report/tables/csv.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { columns, megabytes } from './columns.js';
import { collect, exportOption, wholeNumber } from './options.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface BenchCommandOptions {
  readonly manifest: string;
  readonly model?: readonly string[];
  readonly threads?: number;
  readonly trials: number;
  readonly json?: true;
  readonly export?: 'csv';
}

const PERCENTILES = ['p90 ms', 'p95 ms', 'p99 ms'] as const;

function bounded({ valueMs, trialsNeeded }: PercentileBound): string {
  return valueMs?.toFixed(1) ?? `needs ${trialsNeeded} trials`;
}

/** `quantlab bench`: how fast models hear. */
export function addBenchCommand(program: Command, terminal: Terminal): void {
  program
    .command('bench')
    .description('Latency of models, from waveform to text, each in a process of its own, taking turns')
    .option('--manifest <set|path>', 'holdout, dev, calibration, or a manifest', 'holdout')
    .option('--model <id|path>', `a model (may be given several times; default: ${DEFAULT_MODEL})`, collect)
    .option('--threads <n>', 'threads of one operator (default: one for each physical core)', wholeNumber(1))
    .option('--trials <n>', 'trials of each model', wholeNumber(1), 300)
    .option('--json', 'print JSON')
    .addOption(exportOption())
    .action(async (options: BenchCommandOptions) => {
      const utterances = await heardOf(options.manifest, terminal);
      const models = await Promise.all((options.model ?? [DEFAULT_MODEL]).map((model) => resolveModel(model)));
      const progress = terminal.progress();
      try {
        const benches = await bench(models, {
          utterances,
          trials: options.trials,
          signal: terminal.signal,
          onProgress: (done, total) => progress.update(done, total, 'trials'),
          ...(options.threads !== undefined && { threads: options.threads }),
        });
        progress.stop();
        for (const { model, latency } of benches) {
          if (latency.stability?.drifts) terminal.say(`warning: ${model}: ${describeDrift(latency.stability)}\n`);
        }
        if (options.export) {
          terminal.print(recordsToCsv(benches));
          return;
        }
        if (options.json) {
          terminal.print(`${JSON.stringify(benches, null, 2)}\n`);
          return;
        }
        const rows = benches.map(({ model, sizeBytes, threads, latency, loadMs, firstRunMs, speedUp }) => [
          model,
          megabytes(sizeBytes),
          threads,
          latency.trials,
          `${latency.meanMs.value.toFixed(1)} (${latency.meanMs.low.toFixed(1)} to ${latency.meanMs.high.toFixed(1)})`,
          latency.medianMs.value.toFixed(1),
          ...latency.percentiles.map(bounded),
          latency.realTimeFactor.toFixed(4),
          loadMs.toFixed(0),
          firstRunMs.toFixed(1),
          speedUp === null
            ? ''
            : `${speedUp.value.toFixed(2)} (${speedUp.low.toFixed(2)} to ${speedUp.high.toFixed(2)})`,
        ]);
        const header = [
          'model',
          'size',
          'threads',
          'trials',
          'mean ms (95 % interval)',
          'median ms',
          ...PERCENTILES,
          'RTF',
          'load ms',
          'first call ms',
          'speed-up',
        ];
        terminal.print(columns(header, rows));
      } finally {
        progress.stop();
      }
    });
}
