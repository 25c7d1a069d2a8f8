import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { writeFileAtomic } from '../files.js';
import { nameArrangement } from '../measure/throughput/arrangements.js';
import {
  measureOffline,
  type OfflinePass,
  type OfflineReport,
  summarizeOffline,
} from '../measure/throughput/offline.js';
import { throughputFigure } from '../report/figures/throughputFigure.js';
import { columns, percent, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import {
  addFigure,
  addJson,
  addKept,
  addModels,
  addNormaliserOption,
  addSpeech,
  declare,
  type Given,
  MOST_PROCESSORS,
} from './optionGroups.js';
import { wholeNumber, wholeNumbers } from './options.js';
import { drawFigures, printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface ThroughputCommandOptions extends Pick<Given, 'manifest' | 'out' | 'figure' | 'json' | 'normaliser'> {
  readonly batches?: readonly number[];
  readonly streams?: readonly number[];
  readonly cores: number;
  readonly rounds: number;
}

/** `quantlab throughput`: seconds of speech that models transcribe each second, by batch size and division of the cores. */
export function addThroughputCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('throughput'),
    addModels,
    addSpeech('holdout'),
    addNormaliserOption,
    addKept,
    addFigure,
    addJson,
  )
    .description(
      'Throughput of models when all recordings are there: batch sizes, processes and threads; the best of them',
    )
    .option('--batches <sizes>', 'batch sizes (default: 1,2,4,8,16,32)', wholeNumbers(1))
    .option(
      '--streams <counts>',
      'numbers of processes; the cores are divided among them',
      wholeNumbers(1, MOST_PROCESSORS),
    )
    .option('--cores <n>', 'cores that may be used', wholeNumber(1, MOST_PROCESSORS), availableParallelism())
    .option('--rounds <n>', 'passes of each arrangement over all recordings', wholeNumber(1), 5)
    .addHelpText(
      'after',
      examples('throughput deepspeech2-lstm small.onnx --batches 1,8', 'throughput --streams 1,2 --figure figures'),
    )
    .action(async (names: readonly string[], options: ThroughputCommandOptions) => {
      const utterances = await heardOf(options.manifest, terminal);
      const models = await namedModels(names);
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
      await drawFigures([throughputFigure(reports)], options.figure, terminal);
      if (options.json) printJson(reports, terminal);
      else for (const report of reports) print(report, terminal);
    });
}

function print({ model, results, best, equals, utterances, audioS }: OfflineReport, terminal: Terminal): void {
  terminal.print(`${model}: ${utterances} utterances, ${audioS.toFixed(0)} s of sound\n`);
  const table = tableOf(results, {
    arrangement: (result) => result.name,
    passes: (result) => result.passes,
    'RTFx (95 % interval)': (result) => withInterval(result.rtfx, 1),
    'utterances/s': (result) => result.utterancesPerS.value.toFixed(1),
    padding: (result) => percent(result.paddingShare),
    WER: (result) => `${(100 * result.accuracy.wer.value).toFixed(2)} %`,
    'unsteady texts': (result) => result.unsteadyTexts,
  });
  terminal.print(columns(...table));
  const one = results.every(({ passes }) => passes < 2);
  const rest = one
    ? 'of one pass each: no interval'
    : equals.length === 0
      ? 'clearly'
      : `not to be told from ${equals.join('; ')}`;
  terminal.print(`best: ${best} (${rest})\n\n`);
}
