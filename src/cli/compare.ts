import type { Command } from 'commander';
import { readModel } from '../onnx/file/read.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { testText } from '../report/accuracyText.js';
import { compareModels, compareOnArrays, type ValueComparisons } from '../tune/compareModels.js';
import { columns, decibelsText, percent } from './columns.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import {
  A_MODEL,
  type ArraysOptions,
  addValues,
  areFedWithArrays,
  arraysOf,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

type CompareCommandOptions = Pick<Given, 'manifest' | 'utterances' | 'threads' | 'json'> & ArraysOptions;

/** `quantlab compare A B`: how far a variant is from the model it was made from, layer by layer. */
export function addCompareCommand(program: Command, terminal: Terminal): void {
  addValues(program.command('compare'))
    .description(
      'Signal to error of a variant, layer by layer, the difference of its output, and whether its texts stay within the margin',
    )
    .argument('<reference>', A_MODEL)
    .argument('<variant>', 'a model made from it')
    .addHelpText(
      'after',
      examples('compare deepspeech2-lstm small.onnx', 'compare any.onnx any-small.onnx --inputs samples.npz'),
    )
    .action(async (first: string, second: string, options: CompareCommandOptions, command: Command) => {
      const { signal } = terminal;
      if (await areFedWithArrays([first, second], command)) {
        const models = await Promise.all([first, second].map(async (name) => await readModel(await modelFile(name))));
        const [one, other] = models as [(typeof models)[0], (typeof models)[0]];
        const given = { ...arraysOf(options), threads: await threadsOf(options), signal };
        const comparison = await compareOnArrays(one, other, given, (origin) => terminal.say(`${origin}\n`));
        if (options.json) printJson(comparison, terminal);
        else printValues(comparison, [first, second], terminal);
        return;
      }
      const models = [await resolveModel(first), await resolveModel(second)] as const;
      const progress = terminal.progress();
      const comparison = await compareModels(...models, {
        manifest: options.manifest,
        onLeftOut: terminal.leaveOut,
        onProgress: (done, total) => progress.update(done, total, 'utterances'),
        utterances: options.utterances,
        threads: await threadsOf(options),
        signal,
      }).finally(progress.stop);
      if (options.json) return printJson(comparison, terminal);
      const isSeveral = Object.keys(models[0].graphs).length > 1;
      printValues(comparison, [first, second], terminal, isSeveral);
      const { sameText, texts, utterances } = comparison;
      terminal.print(`${percent(sameText)} of ${utterances} utterances have the same text\n`);
      if (texts !== null) terminal.print(`${second}: ${testText(texts.test)}\n`);
    });
}

function printValues(
  { values, missing }: Pick<ValueComparisons, 'values' | 'missing'>,
  [first, second]: readonly [string, string],
  terminal: Terminal,
  isSeveral = false,
): void {
  const rows = values.map(({ graph, name, opType, signalToErrorDb, largestDifference }) => [
    isSeveral ? `${graph}: ${name}` : name,
    opType,
    decibelsText(signalToErrorDb, 'equal'),
    Number.isFinite(largestDifference) ? largestDifference.toPrecision(3) : 'no number',
  ]);
  terminal.print(columns(['value', 'given by', 'signal to error dB', 'largest difference'], rows));
  if (missing.length > 0) {
    terminal.print(`not compared, since ${second} has no such value: ${missing.join(', ')}\n`);
  }
  if ((values.at(-1)?.signalToErrorDb ?? Number.POSITIVE_INFINITY) <= 0) {
    terminal.print(`the outputs differ by more than they are: ${second} does not seem to be made from ${first}\n`);
  }
}
