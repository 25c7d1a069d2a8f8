import type { Command } from 'commander';
import { inspectModel, type ModelSummary, type ValueSummary } from '../onnx/inspect.js';
import { graphsOf } from '../recognise/model.js';
import { describedModel } from '../recognise/registry/describedModel.js';
import { findCard } from '../recognise/registry/registry.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { addJson, addModel, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface InspectOptions extends Pick<Given, 'json'> {
  readonly hash?: true;
}

/** Said of a model that is no more than its file. */
const WITHOUT_CARD =
  'No model card lies beside it: quantize, bench, compare, sensitivity, simplify and code need none; commands that transcribe need one (`quantlab card init` writes it).\n';

/** `quantlab inspect MODEL.onnx`: what a model file holds. */
export function addInspectCommand(program: Command, terminal: Terminal): void {
  declare(program.command('inspect'), addModel, addJson)
    .description('List the operators, inputs, outputs and weights of an ONNX file')
    .option('--hash', 'compute the SHA-256 of each weight')
    .addHelpText('after', examples('inspect model.onnx', 'inspect deepspeech2-lstm --json'))
    .action(async (input: string, options: InspectOptions) => {
      // A file is shown as it is, whatever its card says.
      const isFile = input.endsWith('.onnx');
      const model = isFile ? { graphs: { model: input } } : await describedModel(input);
      const graphs = graphsOf(model);
      const summaries: Record<string, ModelSummary> = {};
      for (const { name, path } of graphs) {
        summaries[name] = await inspectModel(path, { hash: options.hash === true });
      }
      if (options.json) {
        const [only, ...others] = Object.values(summaries);
        printJson(others.length === 0 ? only : summaries, terminal);
        return;
      }
      for (const [index, { name, path }] of graphs.entries()) {
        if (index > 0) terminal.print('\n');
        printSummary(path, summaries[name] as ModelSummary, options, terminal);
      }
      if (isFile && (await findCard(input)) === undefined) terminal.say(WITHOUT_CARD);
    });
}

function printSummary(path: string, summary: ModelSummary, options: InspectOptions, terminal: Terminal): void {
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
  terminal.print(`\n${columns(['weight', 'type', 'shape', 'bytes', ...(options.hash ? ['SHA-256'] : [])], weights)}`);
}
