import type { Command } from 'commander';
import type { LayerSensitivity } from '../compress/choose/sensitivity.js';
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
import { collect } from './options.js';
import { drawFigures, printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface SensitivityCommandOptions
  extends Pick<Given, 'manifest' | 'utterances' | 'threads' | 'figure' | 'json' | 'graph'>,
    ArraysOptions {
  readonly node?: readonly string[];
  readonly output?: string;
}

/** `quantlab sensitivity MODEL`: what compressing each layer alone costs and gains. */
export function addSensitivityCommand(program: Command, terminal: Terminal): void {
  declare(program.command('sensitivity'), addModel, addValues, addFigure, addGraph)
    .description('Compress one layer at a time, in each way; rank what it does to the output, the bytes and the time')
    .option('--node <name>', 'only this layer (may be given several times)', collect)
    .option('--output <name>', 'judge by this output of a model without a card (default: the first of float32)')
    .addHelpText(
      'after',
      examples('sensitivity deepspeech2-lstm', 'sensitivity model.onnx --node lstm0 --figure figures'),
    )
    .action(async (input: string, options: SensitivityCommandOptions, command: Command) => {
      const progress = terminal.progress();
      const shared = {
        onProgress: (done: number, total: number) => progress.update(done, total, 'layers and choices'),
        signal: terminal.signal,
        ...(options.node && { nodes: options.node }),
        threads: await threadsOf(options),
      };
      const isOnArrays = options.output !== undefined || (await areFedWithArrays([input], command));
      const measured = await (isOnArrays ? onArrays() : onSpeech()).finally(progress.stop);
      const drawn = measured.map(({ layer, choice, outputDb }) => ({ layer: layer.node, choice, outputDb }));
      await drawFigures([sensitivityFigure(drawn)], options.figure, terminal);
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
