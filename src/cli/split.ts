import { type Command, Option } from 'commander';
import { graphOf } from '../recognise/model.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { arrayFeeds } from '../tune/arrays/onArrays.js';
import type { FeedsOf } from '../tune/runModel.js';
import { middleFeeds, speechFeeds } from '../tune/speechRunner.js';
import { splitModel, splitModelDirections } from '../tune/split/splitModel.js';
import { columns, megabytes, tableOf } from './columns.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import {
  type ArraysOptions,
  addArrays,
  addGraph,
  addJson,
  addModel,
  addSpeech,
  areFedWithArrays,
  arraysOf,
  declare,
  type Given,
} from './optionGroups.js';
import { wholeNumber } from './options.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface SplitCommandOptions extends Pick<Given, 'manifest' | 'graph' | 'json'>, ArraysOptions {
  readonly out: string;
  readonly stages: number;
  readonly by: 'time' | 'weights';
  readonly carry?: true;
  readonly directions?: true;
}

/** More would be processes that only wait for each other. */
const MOST_STAGES = 64;

/** `quantlab split MODEL -o FOLDER`: a model as several, each for a process of its own. */
export function addSplitCommand(program: Command, terminal: Terminal): void {
  declare(program.command('split'), addModel, addSpeech('dev'), addArrays, addGraph, addJson)
    .description(
      'Cut a model into stages that run one after another, each in a process or on a machine of its own: balanced by measured times, where the fewest bytes cross',
    )
    .option('--stages <n>', 'how many', wholeNumber(2, MOST_STAGES), 2)
    .addOption(
      new Option(
        '--by <what>',
        'balance measured times; or weights, which runs nothing, so that it need not fit this machine',
      )
        .choices(['time', 'weights'])
        .default('time'),
    )
    .option(
      '--carry',
      'stages take up where they stopped: one recording in pieces (networks that hear in one direction)',
    )
    .addOption(
      new Option(
        '--directions',
        'cut between the two directions of recurrent layers, which then run side by side',
      ).conflicts(['stages', 'by', 'carry']),
    )
    .requiredOption('-o, --out <folder>', 'folder for the stages and split.json; must be new or empty')
    .addHelpText(
      'after',
      examples('split deepspeech2-lstm --stages 2 -o halves', 'split model.onnx --by weights -o halves'),
    )
    .action(async (name: string, options: SplitCommandOptions, command: Command) => {
      const { path, feedsOf } = await graphAndFeeds(name, options, command, terminal, 'one');
      const { stages, out, by, carry = false, directions = false } = options;
      const measured = { threads: 1, signal: terminal.signal, feedsOf: by === 'time' ? feedsOf : null };
      const report = directions
        ? await splitModelDirections(path, out)
        : await splitModel(path, out, { stages, carry, ...measured });
      if (options.json) return printJson(report, terminal);
      const table = tableOf([...report.stages.entries()], {
        stage: ([, { file }]) => file,
        nodes: ([, { nodes }]) => nodes,
        weights: ([, { weightBytes }]) => megabytes(weightBytes),
        ms: ([, { timeMs }]) => timeMs?.toFixed(2) ?? '–',
        'hands on': ([index]) => report.cuts[index]?.values.length ?? 0,
        bytes: ([index]) => report.cuts[index]?.bytes?.toFixed(0) ?? '–',
      });
      terminal.print(columns(...table));
    });
}

/** The file of a graph, and what it is fed with: arrays, or speech (all, or one recording of middle length). */
export async function graphAndFeeds(
  name: string,
  options: Pick<Given, 'manifest' | 'graph'> & ArraysOptions & { readonly utterances?: number },
  command: Command,
  terminal: Terminal,
  which: 'one' | 'all',
): Promise<{ readonly path: string; readonly feedsOf: FeedsOf }> {
  if (await areFedWithArrays([name], command)) {
    const given = arraysOf(options);
    const feedsOf = arrayFeeds(which === 'one' ? { samples: 1, ...given } : given, (origin) =>
      terminal.say(`${origin}\n`),
    );
    return { path: await modelFile(name), feedsOf };
  }
  const model = await resolveModel(name);
  const graph = graphOf(model, options.graph);
  const { manifest, utterances } = options;
  const speech = { graph: graph.name, manifest, onLeftOut: terminal.leaveOut, ...(utterances && { utterances }) };
  return { path: graph.path, feedsOf: await (which === 'one' ? middleFeeds : speechFeeds)(model, speech) };
}
