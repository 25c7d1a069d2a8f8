import type { Command } from 'commander';
import type { CodingReport } from '../compress/entropyCode.js';
import { sum } from '../measure/statistics/statistics.js';
import { codeModel } from '../tune/codeModel.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { addJson, addModel, addModelOut, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface CodeCommandOptions extends Pick<Given, 'json'> {
  readonly out: string;
  readonly decode?: true;
}

/** `quantlab code IN -o OUT`: a model in fewer bytes that every command opens, and back. */
export function addCodeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('code'), addModel, addModelOut, addJson)
    .description(
      'Code the weights of a model without loss, by how often each value occurs; every command here opens it',
    )
    .option('--decode', 'bring a coded model back, for other programs')
    .addHelpText(
      'after',
      examples('code small.onnx -o small.coded.onnx', 'code small.coded.onnx --decode -o small.onnx'),
    )
    .action(async (input: string, options: CodeCommandOptions) => {
      const graphs = await codeModel(input, options);
      const sizeBytes = {
        before: sum(graphs.map((one) => one.sizeBytes.before)),
        after: sum(graphs.map((one) => one.sizeBytes.after)),
      };
      if (options.json) return printJson({ input, output: options.out, sizeBytes, graphs }, terminal);
      for (const { graph, report } of graphs) {
        if (graphs.length > 1) terminal.print(`${graph}\n`);
        if (report !== null) terminal.print(tableOf(report));
      }
      terminal.print(`${options.out}: ${megabytes(sizeBytes.before)} → ${megabytes(sizeBytes.after)}\n`);
    });
}

function tableOf({ tensors }: CodingReport): string {
  const rows = tensors.map(({ name, dtype, shape, sizeBytes, entropyBits, codedBytes }) => [
    name,
    dtype,
    `[${shape.join(', ')}]`,
    sizeBytes,
    entropyBits.toFixed(2),
    codedBytes,
  ]);
  return columns(['weight', 'type', 'shape', 'bytes', 'entropy (bits a value)', 'coded bytes'], rows);
}
