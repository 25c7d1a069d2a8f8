import { cpus } from 'node:os';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { measureEnergy } from '../measure/energy/energy.js';
import type { EnergyLadderOptions } from '../measure/energy/energyLadder.js';
import { readPowerTable } from '../measure/energy/ratedPower.js';
import { EXECUTION_PROVIDERS, type ExecutionProvider } from '../recognise/session/session.js';
import { energyFigure } from '../report/figures/energyFigure.js';
import { columns, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import { namedModels } from './models.js';
import {
  addFigure,
  addJson,
  addModels,
  addSpeech,
  addThreads,
  addTrials,
  declare,
  type Given,
  MOST_PROCESSORS,
  threadsOf,
} from './optionGroups.js';
import { fraction, wholeNumber } from './options.js';
import { drawFigures, printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface EnergyCommandOptions extends Pick<Given, 'manifest' | 'threads' | 'trials' | 'figure' | 'json'> {
  readonly provider: ExecutionProvider;
  readonly ratedWatts?: number;
  readonly ratedThreads?: number;
}

/** `quantlab energy`: how much energy models take, and how that is known. */
export function addEnergyCommand(program: Command, terminal: Terminal): void {
  declare(program.command('energy'), addModels, addSpeech('holdout'), addTrials, addThreads, addFigure, addJson)
    .description('Joules an utterance, by the best method that works here; the method stands beside the number')
    .addOption(
      new Option('--provider <name>', 'where the models run; the energy of a GPU is measured or not known')
        .choices(EXECUTION_PROVIDERS)
        .default('cpu'),
    )
    .option('--rated-watts <W>', 'rated power of this processor, where the table does not have it', fraction(1))
    .option(
      '--rated-threads <n>',
      'threads that the whole processor runs, those of others too',
      wholeNumber(1, MOST_PROCESSORS),
    )
    .addHelpText('after', examples('energy deepspeech2-lstm small.onnx', 'energy --rated-watts 65 --rated-threads 12'))
    .action(async (names: readonly string[], options: EnergyCommandOptions) => {
      const ladder = await ladderOf(options);
      const named = await namedModels(names);
      const utterances = await heardOf(options.manifest, terminal);
      const progress = terminal.progress();
      const result = await measureEnergy(named, {
        utterances,
        trials: options.trials,
        executionProvider: options.provider,
        signal: terminal.signal,
        onProgress: (done, total) => progress.update(done, total, 'trials'),
        threads: await threadsOf(options),
        ...(ladder !== undefined && { ladder }),
      }).finally(progress.stop);
      const models = result.models.map((model) => ({ title: model.model, ...model }));
      await drawFigures([energyFigure(models)], options.figure, terminal);
      if (options.json) return printJson({ ...result, models }, terminal);
      const table = tableOf(models, {
        model: (one) => one.title,
        trials: (one) => one.trials,
        'J/utterance (95 % interval)': (one) => withInterval(one.joulesPerUtterance, 3),
        'without idle': (one) => one.netJoulesPerUtterance?.value.toFixed(3) ?? '–',
        'J/s of sound': (one) => one.joulesPerAudioS.value.toFixed(3),
        W: (one) => one.meanW.toFixed(2),
        busy: (one) => one.busyProcessors.toFixed(2),
      });
      terminal.print(columns(...table));
      const { source, skipped, idleW } = result;
      terminal.print(`\n${source.estimated ? 'Estimated' : 'Measured'} (${source.method}): ${source.scope}.\n`);
      if (source.citation !== null) terminal.print(`Source: ${source.citation}\n`);
      terminal.print(
        idleW === null
          ? 'Idle power is not subtracted: the method does not see it.\n'
          : `At rest the machine takes ${idleW.toFixed(2)} W; the column without idle has it subtracted.\n`,
      );
      for (const { method, reason } of skipped) terminal.print(`Not ${method}: ${reason}\n`);
    });
}

/** The ladder with what the reader knows of the processor. */
async function ladderOf(options: EnergyCommandOptions): Promise<EnergyLadderOptions | undefined> {
  const { ratedWatts, ratedThreads } = options;
  if (ratedWatts === undefined && ratedThreads === undefined) return undefined;
  if (!ratedWatts || ratedThreads === undefined) {
    throw new UsageError('energy: --rated-watts above 0 and --rated-threads were required, got one of them; give both');
  }
  const cpu = cpus()[0]?.model.trim() ?? '';
  const given = { page: 'given on the command line', found: new Date().toISOString().slice(0, 10) };
  const row = { cpu, ratedW: ratedWatts, logicalProcessors: ratedThreads, ...given };
  const { otherwise } = await readPowerTable();
  return { cpu, table: { processors: [row], otherwise } };
}
