import type { Command } from 'commander';
import { inspectModel, type ValueSummary } from '../onnx/inspect.js';
import { findCard } from '../recognise/registry/registry.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import { addJson, addModel, declare } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface InspectOptions {
  readonly hash?: true;
  readonly json?: true;
}

/** What can be done with a model of which nothing is known but its file. */
const WITHOUT_CARD =
  'No model card lies beside it: quantize, simplify and code need none; what hears speech does (data/models has some to start from).\n';

/** `quantlab inspect MODEL.onnx`: what a model file holds. */
export function addInspectCommand(program: Command, terminal: Terminal): void {
  declare(program.command('inspect'), addModel, addJson)
    .description('List the operators, inputs, outputs and weights of an ONNX file')
    .option('--hash', 'compute the SHA-256 of each weight')
    .addHelpText('after', examples('inspect model.onnx', 'inspect deepspeech2-lstm --json'))
    .action(async (input: string, options: InspectOptions) => {
      const path = await modelFile(input);
      const summary = await inspectModel(path, { hash: options.hash === true });
      if (options.json) {
        printJson(summary, terminal);
        return;
      }
      const values = (list: readonly ValueSummary[]): (readonly string[])[] =>
        list.map(({ name, dtype, shape }) => [name, dtype, `[${shape?.map((size) => size ?? '?').join(', ') ?? '…'}]`]);
      terminal.print(`${path}: ${megabytes(summary.sizeBytes)}, opset ${summary.opset}\n\n`);
      terminal.print(columns(['input', 'type', 'shape'], values(summary.inputs)));
      terminal.print(`\n${columns(['output', 'type', 'shape'], values(summary.outputs))}`);
      terminal.print(`\n${columns(['operator', 'count'], Object.entries(summary.operators))}`);
      const weights = summary.initializers.map(({ name, dtype, shape, sizeBytes, sha256 }) => [
        name,
        dtype,
        `[${shape.join(', ')}]`,
        sizeBytes,
        ...(sha256 === null ? [] : [sha256]),
      ]);
      terminal.print(
        `\n${columns(['weight', 'type', 'shape', 'bytes', ...(options.hash ? ['SHA-256'] : [])], weights)}`,
      );
      if ((await findCard(path)) === undefined && path === input) terminal.say(WITHOUT_CARD);
    });
}
