import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { writeFileAtomic } from '../files.js';
import { nameArrangement } from '../measure/load/arrangements.js';
import { measureOffline, type OfflinePass, type OfflineReport, summarizeOffline } from '../measure/load/offline.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { throughputFigure } from '../report/figures/throughputFigure.js';
import { writeFigures } from '../report/figures/writeFigures.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { columns, percent } from './columns.js';
import { addNormaliserOption, type NormaliserOptions } from './normaliserOption.js';
import { collect, wholeNumber, wholeNumbers } from './options.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface ThroughputCommandOptions extends NormaliserOptions {
  readonly manifest: string;
  readonly model?: readonly string[];
  readonly batches?: readonly number[];
  readonly streams?: readonly number[];
  readonly cores: number;
  readonly rounds: number;
  readonly out?: string;
  readonly figure?: string;
  readonly json?: true;
}

/** `quantlab throughput`: how much models hear, by batch size and division of the cores. */
export function addThroughputCommand(program: Command, terminal: Terminal): void {
  addNormaliserOption(program.command('throughput'))
    .description(
      'Throughput of models when all recordings are there: batch sizes, processes and threads; the best of them',
    )
    .option('--manifest <set|path>', 'holdout, dev, calibration, or a manifest', 'holdout')
    .option('--model <id|path>', `a model (may be given several times; default: ${DEFAULT_MODEL})`, collect)
    .option('--batches <sizes>', 'batch sizes (default: 1,2,4,8,16,32)', wholeNumbers(1))
    .option('--streams <counts>', 'numbers of processes; the cores are divided among them', wholeNumbers(1))
    .option('--cores <n>', 'cores that may be used', wholeNumber(1), availableParallelism())
    .option('--rounds <n>', 'passes of each arrangement over all recordings', wholeNumber(1), 5)
    .option('--out <file.json>', 'keep every pass in this file, as it is finished')
    .option('--figure <folder>', 'draw throughput against batch size into this folder')
    .option('--json', 'print JSON')
    .action(async (options: ThroughputCommandOptions) => {
      const utterances = await heardOf(options.manifest, terminal);
      const models = await Promise.all((options.model ?? [DEFAULT_MODEL]).map((model) => resolveModel(model)));
      const keep = async (passes: readonly OfflinePass[]): Promise<void> => {
        const reports = summarizeOffline(passes, utterances, options);
        if (options.out !== undefined) {
          await writeFileAtomic(options.out, `${JSON.stringify({ reports, passes }, null, 1)}\n`);
        }
      };
      const passes = await measureOffline(models, {
        utterances,
        cores: options.cores,
        rounds: options.rounds,
        batchSizes: options.batches,
        streams: options.streams,
        signal: terminal.signal,
        onPass: async (all, total) => {
          const last = all.at(-1);
          if (last !== undefined) {
            const { model, arrangement, wallS } = last;
            terminal.say(`${all.length}/${total}  ${model}  ${nameArrangement(arrangement)}: ${wallS.toFixed(2)} s\n`);
          }
          await keep(all);
        },
      });
      const reports = summarizeOffline(passes, utterances, options);
      if (options.figure !== undefined) {
        const { files, warnings } = await writeFigures([throughputFigure(reports)], options.figure);
        for (const line of [...warnings, ...files]) terminal.say(`${line}\n`);
      }
      if (options.json) terminal.print(`${JSON.stringify(reports, null, 2)}\n`);
      else for (const report of reports) print(report, terminal);
    });
}

function print({ model, results, best, equals, utterances, audioS }: OfflineReport, terminal: Terminal): void {
  terminal.print(`${model}: ${utterances} utterances, ${audioS.toFixed(0)} s of sound\n`);
  const rows = results.map(({ name, passes, rtfx, utterancesPerS, paddingShare, accuracy, unsteadyTexts }) => [
    name,
    passes,
    `${rtfx.value.toFixed(1)} (${rtfx.low.toFixed(1)} to ${rtfx.high.toFixed(1)})`,
    utterancesPerS.value.toFixed(1),
    percent(paddingShare),
    `${(100 * accuracy.wer.value).toFixed(2)} %`,
    unsteadyTexts,
  ]);
  const header = ['arrangement', 'passes', 'RTFx (95 % interval)', 'utterances/s', 'padding', 'WER', 'unsteady texts'];
  terminal.print(columns(header, rows));
  const one = results.every(({ passes }) => passes < 2);
  const rest = one
    ? 'of one pass each: no interval'
    : equals.length === 0
      ? 'clearly'
      : `not to be told from ${equals.join('; ')}`;
  terminal.print(`best: ${best} (${rest})\n\n`);
}
