import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { benchPipelines, type PipelineBench } from '../tune/split/benchPipelines.js';
import { columns, tableOf, withInterval } from './columns.js';
import { examples } from './help.js';
import {
  type ArraysOptions,
  addArrays,
  addGraph,
  addJson,
  addModel,
  addSpeech,
  declare,
  type Given,
  MOST_PROCESSORS,
} from './optionGroups.js';
import { wholeNumber } from './options.js';
import { printJson } from './output.js';
import { graphAndFeeds } from './split.js';
import type { Terminal } from './terminal.js';

interface PipelineCommandOptions extends Pick<Given, 'manifest' | 'utterances' | 'graph' | 'json'>, ArraysOptions {
  readonly cores: number;
  readonly rounds: number;
  readonly chunk?: number;
}

/** `quantlab pipeline MODEL SPLIT…`: split models beside the whole one, with the same cores. */
export function addPipelineCommand(program: Command, terminal: Terminal): void {
  declare(program.command('pipeline'), addModel, addSpeech('holdout'), addArrays, addGraph, addJson)
    .description(
      'Throughput and latency of a model that was split, a process for each stage, beside the whole one on all cores and as a stream on each',
    )
    .argument('<splits...>', 'folders that `quantlab split` made of it')
    .option('--utterances <n>', 'how many of them, evenly spread', wholeNumber(1), 16)
    .option('--cores <n>', 'cores that may be used', wholeNumber(1, MOST_PROCESSORS), availableParallelism())
    .option('--rounds <n>', 'passes of each arrangement over all samples', wholeNumber(1), 5)
    .option('--chunk <steps>', 'send recordings in pieces, too, through splits made with --carry', wholeNumber(2))
    .addHelpText(
      'after',
      examples('pipeline deepspeech2-lstm halves', 'pipeline model.onnx halves quarters --dim batch=1'),
    )
    .action(async (name: string, folders: readonly string[], options: PipelineCommandOptions, command: Command) => {
      const { path, feedsOf } = await graphAndFeeds(name, options, command, terminal, 'all');
      const progress = terminal.progress();
      const benches = await benchPipelines(path, folders, {
        feedsOf,
        cores: options.cores,
        rounds: options.rounds,
        chunk: options.chunk,
        signal: terminal.signal,
        onProgress: (done, total) => progress.update(done, total, 'passes'),
      }).finally(progress.stop);
      if (options.json) return printJson(benches, terminal);
      print(benches, terminal);
    });
}

function print(benches: readonly PipelineBench[], terminal: Terminal): void {
  const [first] = benches;
  const held = first?.pinned
    ? 'each process held to its cores'
    : 'processes not held to cores: that takes taskset on Linux';
  terminal.print(`${first?.samples} samples, ${first?.rounds} rounds; ${held}\n\n`);
  const table = tableOf(benches, {
    model: ({ model, chunk }) => (chunk === null ? model : `${model}, ${chunk} steps`),
    processes: ({ pipelines, stages, threads }) => `${pipelines} × ${stages} × ${threads}`,
    'samples/s (95 %)': ({ samplesPerS }) => withInterval(samplesPerS, 1),
    'alone ms (95 %)': ({ latencyMs }) => withInterval(latencyMs, 1),
    'stages ms': ({ stagesMs }) => stagesMs.map((ms) => ms.toFixed(1)).join(' + '),
    'handed over': ({ handedBytes }) => `${(handedBytes / 1000).toFixed(0)} kB`,
    'copying ms': ({ handedMs }) => handedMs.toFixed(2),
    'messages ms': ({ messagesMs }) => messagesMs?.toFixed(2) ?? '–',
    'largest difference': ({ largestDifference }) => largestDifference.toPrecision(1),
  });
  terminal.print(columns(...table));
  terminal.print('processes: pipelines × stages × threads of each\n');
}
