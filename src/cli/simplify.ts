import type { Command } from 'commander';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { describeSimplification, simplifyModel } from '../onnx/normalForm/simplify.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import { addJson, addModel, addOut, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface SimplifyCommandOptions extends Pick<Given, 'json'> {
  readonly out: string;
}

/** `quantlab simplify IN.onnx -o OUT.onnx`: the normal form that every recipe works on, and what was done for it. */
export function addSimplifyCommand(program: Command, terminal: Terminal): void {
  declare(program.command('simplify'), addModel, addOut('model.onnx', 'where to write', '.onnx'), addJson)
    .description('Bring a model into the normal form that recipes work on; the answers stay the same, bit for bit')
    .addHelpText('after', examples('simplify model.onnx -o simple.onnx'))
    .action(async (input: string, options: SimplifyCommandOptions) => {
      const path = await modelFile(input);
      const { model, report } = simplifyModel(await readModel(path));
      await writeModel(model, options.out);
      const lines = describeSimplification(report);
      const last = `${options.out}: ${lines.length === 0 ? 'was in normal form already' : 'written'}`;
      if (options.json) printJson({ input: path, output: options.out, report }, terminal);
      else terminal.print(`${[...lines, last].join('\n')}\n`);
    });
}
