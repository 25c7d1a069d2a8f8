import type { Command } from 'commander';
import { resolveModel } from '../recognise/registry/registry.js';
import { compareModels } from '../tune/compareModels.js';
import { columns, decibelsText, percent } from './columns.js';
import { examples } from './help.js';
import { A_MODEL, addJson, addSpeech, addThreads, addUtterances, declare, threadsOf } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface CompareCommandOptions {
  readonly manifest: string;
  readonly utterances: number;
  readonly threads?: number;
  readonly json?: true;
}

/** `quantlab compare A B`: how far a variant is from the model it was made from, layer by layer. */
export function addCompareCommand(program: Command, terminal: Terminal): void {
  declare(program.command('compare'), addSpeech('dev'), addUtterances, addThreads, addJson)
    .description('Signal to error of a variant, layer by layer, and the difference of its output')
    .argument('<reference>', `a model with a card: ${A_MODEL}`)
    .argument('<variant>', 'a model made from it, with a card, too')
    .addHelpText('after', examples('compare deepspeech2-lstm small.onnx'))
    .action(async (first: string, second: string, options: CompareCommandOptions) => {
      const models = [await resolveModel(first), await resolveModel(second)] as const;
      const progress = terminal.progress();
      const comparison = await compareModels(...models, {
        manifest: options.manifest,
        onLeftOut: terminal.leaveOut,
        onProgress: (done, total) => progress.update(done, total, 'utterances'),
        utterances: options.utterances,
        threads: await threadsOf(options),
      }).finally(progress.stop);
      if (options.json) {
        printJson(comparison, terminal);
        return;
      }
      const isSeveral = Object.keys(models[0].graphs).length > 1;
      const rows = comparison.values.map(({ graph, name, opType, signalToErrorDb, largestDifference }) => [
        isSeveral ? `${graph}: ${name}` : name,
        opType,
        decibelsText(signalToErrorDb, 'equal'),
        Number.isFinite(largestDifference) ? largestDifference.toPrecision(3) : 'no number',
      ]);
      terminal.print(columns(['value', 'given by', 'signal to error dB', 'largest difference'], rows));
      if (comparison.missing.length > 0) {
        terminal.print(`not compared, since ${second} has no such value: ${comparison.missing.join(', ')}\n`);
      }
      if ((comparison.values.at(-1)?.signalToErrorDb ?? Number.POSITIVE_INFINITY) <= 0) {
        terminal.print(`the outputs differ by more than they are: ${second} does not seem to be made from ${first}\n`);
      }
      terminal.print(`${percent(comparison.sameText)} of ${comparison.utterances} utterances have the same text\n`);
    });
}
