import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LayerSensitivity } from '../compress/choose/sensitivity.js';
import { type ShareWay, sharedOut, waysOfTaking } from '../compress/choose/shares.js';
import { PASSES, passNamed } from '../compress/passes.js';
import { writeRecipe } from '../compress/recipe.js';
import { UsageError } from '../errors.js';
import { readModel } from '../onnx/file/read.js';
import { graphOf } from '../recognise/model.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { sensitivityFigure } from '../report/figures/sensitivityFigure.js';
import { sensitivityOnArrays } from '../tune/arrays/onArrays.js';
import { sensitivityOnSpeech } from '../tune/sensitivity.js';
import { columns, decibelsText, megabytes, percent, tableOf } from './columns.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import {
  type ArraysOptions,
  addFigure,
  addGraph,
  addModel,
  addValues,
  areFedWithArrays,
  arraysOf,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { collect, commaList, writableFile } from './options.js';
import { drawFigures, printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface SensitivityCommandOptions
  extends Pick<Given, 'manifest' | 'utterances' | 'threads' | 'figure' | 'json' | 'graph'>,
    ArraysOptions {
  readonly node?: readonly string[];
  readonly output?: string;
  readonly technique?: string;
  readonly shares: readonly number[];
  readonly calibrated?: true;
  readonly budget?: number;
  readonly out?: string;
}

/** The techniques that take shares of layers away. */
const TAKING = PASSES.filter(({ taking }) => taking !== undefined);

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value < 1) return value;
  throw new InvalidArgumentError('A share above 0 and below 1 is required; half is 0.5.');
}

function sharesList(text: string): readonly number[] {
  return commaList(text).map(share);
}

/** What is asked for beside fewer bits; `undefined` where it is those. */
function waysOf({
  technique,
  shares,
  calibrated,
  budget,
  out,
}: SensitivityCommandOptions): readonly ShareWay[] | undefined {
  if ((budget === undefined) !== (out === undefined)) {
    const [given, missing] = budget === undefined ? ['--out', '--budget'] : ['--budget', '--out'];
    throw new UsageError(`sensitivity: ${missing} was required with ${given}, got none; give both, or neither`);
  }
  const pass = technique === undefined ? undefined : passNamed(technique);
  if (pass !== undefined) return waysOfTaking(pass, shares, calibrated === true);
  if (budget === undefined && calibrated === undefined) return undefined;
  throw new UsageError('sensitivity: --technique was required with --budget and --calibrated, got none; name one');
}

/** `quantlab sensitivity MODEL`: what compressing each layer alone costs and gains. */
export function addSensitivityCommand(program: Command, terminal: Terminal): void {
  declare(program.command('sensitivity'), addModel, addValues, addFigure, addGraph)
    .description('Compress one layer at a time, in each way; rank what it does to the output, the bytes and the time')
    .option('--node <name>', 'only this layer (may be given several times)', collect)
    .option('--output <name>', 'judge by this output of a model without a card (default: the first of float32)')
    .addOption(
      new Option('--technique <name>', 'take shares of each layer away by it, instead of fewer bits').choices(
        TAKING.map(({ name }) => name),
      ),
    )
    .addOption(
      new Option('--shares <list>', "with --technique, shares of a layer's weights")
        .argParser(sharesList)
        .default([0.25, 0.5, 0.75], '0.25,0.5,0.75'),
    )
    .option('--calibrated', 'with --technique, let the calibration set decide what goes')
    .option(
      '--budget <share>',
      'with --technique, share it out among the layers, so that the output loses least',
      share,
    )
    .option('-o, --out <recipe.json>', 'with --budget, the recipe that takes those shares', writableFile('.json'))
    .addHelpText(
      'after',
      examples(
        'sensitivity model.onnx --node lstm0 --figure figures',
        'sensitivity deepspeech2-lstm --technique prune --budget 0.5 -o pruned.json',
      ),
    )
    .action(async (input: string, options: SensitivityCommandOptions, command: Command) => {
      const ways = waysOf(options);
      const progress = terminal.progress();
      const shared = {
        onProgress: (done: number, total: number) => progress.update(done, total, 'layers and choices'),
        signal: terminal.signal,
        ...(options.node && { nodes: options.node }),
        ...(ways && { ways }),
        threads: await threadsOf(options),
      };
      const isOnArrays = options.output !== undefined || (await areFedWithArrays([input], command));
      const measured = await (isOnArrays ? onArrays() : onSpeech()).finally(progress.stop);
      const drawn = measured.map(({ layer, choice, outputDb }) => ({ layer: layer.node, choice, outputDb }));
      await drawFigures([sensitivityFigure(drawn)], options.figure, terminal);
      if (ways && options.budget !== undefined && options.out !== undefined) {
        const layers = [...new Map(measured.map(({ layer }) => [layer.node, layer])).values()];
        const name = `${options.technique}-by-sensitivity`;
        await writeRecipe(sharedOut(name, layers, ways, measured, options.budget), options.out);
        terminal.say(
          `${options.out}: ${options.budget} of the weights; \`quantize --recipe ${options.out}\` takes them\n`,
        );
      }
      if (options.json) return printJson(measured, terminal);
      const table = tableOf(measured, {
        layer: ({ layer }) => layer.node,
        operator: ({ layer }) => layer.opType,
        choice: ({ choice }) => choice,
        zeros: ({ zeros }) => percent(zeros),
        'weights dB': (one) => decibelsText(one.weightsDb),
        'layer dB': (one) => decibelsText(one.activationDb),
        'output dB': (one) => decibelsText(one.outputDb),
        bytes: (one) => `${megabytes(one.weightBytesBefore)} → ${megabytes(one.weightBytesAfter)}`,
        'saved ms': ({ savedMs }) => savedMs?.toFixed(2) ?? '–',
      });
      terminal.print(columns(...table));

      async function onSpeech(): Promise<readonly LayerSensitivity[]> {
        const model = await resolveModel(input);
        const graph = graphOf(model, options.graph);
        const { manifest, utterances } = options;
        const speech = { graph: graph.name, manifest, utterances, onLeftOut: terminal.leaveOut };
        return await sensitivityOnSpeech(await readModel(graph.path), model, { ...shared, ...speech });
      }

      async function onArrays(): Promise<readonly LayerSensitivity[]> {
        const onOrigin = (origin: string): void => terminal.say(`${origin}\n`);
        const given = { ...arraysOf(options), output: options.output, onOrigin };
        return await sensitivityOnArrays(await readModel(await modelFile(input)), { ...shared, ...given });
      }
    });
}
