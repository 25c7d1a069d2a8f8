import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { describeSimplification, simplifyModel } from '../onnx/normalForm/simplify.js';
import type { Terminal } from './terminal.js';

interface SimplifyCommandOptions {
  readonly out: string;
  readonly json?: true;
}

/** `quantlab simplify IN.onnx -o OUT.onnx`: the normal form that every recipe works on, and what was done for it. */
export function addSimplifyCommand(program: Command, terminal: Terminal): void {
  program
    .command('simplify')
    .description('Bring a model into the normal form that recipes work on; the answers stay the same, bit for bit')
    .argument('<model.onnx>', 'the file')
    .requiredOption('-o, --out <model.onnx>', 'where to write')
    .option('--json', 'print the report as JSON')
    .action(async (path: string, options: SimplifyCommandOptions) => {
      if (!options.out.endsWith('.onnx')) {
        throw new UsageError(`--out: a name ending in .onnx was required, got ${options.out}; add the ending`);
      }
      const { model, report } = simplifyModel(await readModel(path));
      await writeModel(model, options.out);
      const lines = describeSimplification(report);
      terminal.print(
        options.json
          ? `${JSON.stringify({ input: path, output: options.out, report }, null, 2)}\n`
          : `${[...lines, `${options.out}: ${lines.length === 0 ? 'was in normal form already' : 'written'}`].join('\n')}\n`,
      );
    });
}
