import type { Command } from 'commander';
import { inspectModel, type ValueSummary } from '../onnx/inspect.js';
import { columns, megabytes } from './columns.js';
import type { Terminal } from './terminal.js';

interface InspectOptions {
  readonly hash?: true;
  readonly json?: true;
}

/** `quantlab inspect MODEL.onnx`: what a model file holds. */
export function addInspectCommand(program: Command, terminal: Terminal): void {
  program
    .command('inspect')
    .description('List the operators, inputs, outputs and weights of an ONNX file')
    .argument('<model.onnx>', 'the file')
    .option('--hash', 'compute the SHA-256 of each weight')
    .option('--json', 'print JSON')
    .action(async (path: string, options: InspectOptions) => {
      const summary = await inspectModel(path, { hash: options.hash === true });
      if (options.json) {
        terminal.print(`${JSON.stringify(summary, null, 2)}\n`);
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
    });
}
