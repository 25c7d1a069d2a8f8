import type { Command } from 'commander';
import { readModel } from '../onnx/file/read.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { sensitivityFigure } from '../report/figures/sensitivityFigure.js';
import { writeFigures } from '../report/figures/writeFigures.js';
import { sensitivityOnSpeech } from '../tune/sensitivity.js';
import { columns, decibelsText, megabytes, namedInfinities } from './columns.js';
import { collect, wholeNumber } from './options.js';
import type { Terminal } from './terminal.js';

interface SensitivityCommandOptions {
  readonly manifest: string;
  readonly utterances: number;
  readonly node?: readonly string[];
  readonly threads?: number;
  readonly figure?: string;
  readonly json?: true;
}

/** `quantlab sensitivity MODEL`: what compressing each layer alone costs and gains. */
export function addSensitivityCommand(program: Command, terminal: Terminal): void {
  program
    .command('sensitivity')
    .description('Compress one layer at a time, in each way; rank what it does to the output, the bytes and the time')
    .argument('<id|path>', 'a model with a card')
    .option('--manifest <set|path>', 'speech on which outputs are compared', 'dev')
    .option('--utterances <n>', 'how many of them', wholeNumber(1), 8)
    .option('--node <name>', 'only this layer (may be given several times)', collect)
    .option('--threads <n>', 'threads of one operator', wholeNumber(1))
    .option('--figure <folder>', 'draw the effect on the output into this folder')
    .option('--json', 'print JSON')
    .action(async (input: string, options: SensitivityCommandOptions) => {
      const { card, path } = await resolveModel(input);
      const progress = terminal.progress();
      const measured = await sensitivityOnSpeech(await readModel(path), card, {
        manifest: options.manifest,
        onLeftOut: terminal.leaveOut,
        utterances: options.utterances,
        onProgress: (done, total) => progress.update(done, total, 'layers and choices'),
        ...(options.node && { nodes: options.node }),
        ...(options.threads !== undefined && { threads: options.threads }),
      }).finally(progress.stop);
      if (options.figure !== undefined) {
        const rows = measured.map(({ layer, choice, outputDb }) => ({ layer: layer.node, choice, outputDb }));
        const { files, warnings } = await writeFigures([sensitivityFigure(rows)], options.figure);
        for (const line of [...warnings, ...files]) terminal.say(`${line}\n`);
      }
      if (options.json) {
        terminal.print(`${JSON.stringify(measured, namedInfinities, 2)}\n`);
        return;
      }
      const rows = measured.map(({ layer, choice, ...one }) => [
        layer.node,
        layer.opType,
        choice,
        decibelsText(one.weightsDb),
        decibelsText(one.activationDb),
        decibelsText(one.outputDb),
        `${megabytes(one.weightBytesBefore)} → ${megabytes(one.weightBytesAfter)}`,
        one.savedMs?.toFixed(2) ?? '–',
      ]);
      const header = ['layer', 'operator', 'choice', 'weights dB', 'layer dB', 'output dB', 'bytes', 'saved ms'];
      terminal.print(columns(header, rows));
    });
}
