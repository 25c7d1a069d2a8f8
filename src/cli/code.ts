import type { Command } from 'commander';
import { entropyCode, entropyDecode, isCoded } from '../compress/entropyCode.js';
import { InputError } from '../errors.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { modelFile } from './models.js';
import { addJson, addModel, addOut, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface CodeCommandOptions extends Pick<Given, 'json'> {
  readonly out: string;
  readonly decode?: true;
}

/** `quantlab code IN -o OUT`: 8-bit weights in fewer bytes, for storing and sending, and back. */
export function addCodeCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('code'),
    addModel,
    addOut('file', 'where to write; a coded file cannot be run before it is decoded'),
    addJson,
  )
    .description('Code the 8-bit weights of a quantized model by how often each value occurs; --decode brings it back')
    .option('--decode', 'bring a coded model back, byte for byte')
    .addHelpText(
      'after',
      examples('code small.onnx -o small.coded.onnx', 'code small.coded.onnx --decode -o small.onnx'),
    )
    .action(async (input: string, options: CodeCommandOptions) => {
      const path = await modelFile(input);
      const model = await readModel(path);
      // Before anything is written: the output may be the input.
      const before = await modelFileSize(model);
      const sizesOf = async () => ({ before, after: await modelFileSize(await readModel(options.out)) });
      if (options.decode) {
        if (!isCoded(model)) {
          throw new InputError(
            `${path}: a model coded by \`quantlab code\` was required, got a plain one; it can be run as it is`,
          );
        }
        await writeModel(entropyDecode(model), options.out);
        const sizeBytes = await sizesOf();
        if (options.json) printJson({ input: path, output: options.out, sizeBytes }, terminal);
        else terminal.print(`${options.out}: ${megabytes(sizeBytes.before)} → ${megabytes(sizeBytes.after)}\n`);
        return;
      }
      const coded = entropyCode(model);
      const { tensors, leftBytes } = coded.report;
      if (!tensors.some(({ sizeBytes, codedBytes }) => codedBytes < sizeBytes)) {
        const got =
          tensors.length === 0
            ? `none in ${megabytes(leftBytes)} of other tensors; quantize it first, for example \`quantlab quantize\``
            : `${tensors.length} whose values are all alike often; nothing is gained by coding them`;
        throw new InputError(`${path}: 8-bit weights that coding makes smaller were required, got ${got}`);
      }
      await writeModel(coded.model, options.out);
      const sizeBytes = await sizesOf();
      if (options.json)
        return printJson({ input: path, output: options.out, sizeBytes, report: coded.report }, terminal);
      const rows = coded.report.tensors.map(({ name, shape, ...sizes }) => [
        name,
        `[${shape.join(', ')}]`,
        sizes.sizeBytes,
        sizes.entropyBits.toFixed(2),
        sizes.codedBytes,
      ]);
      terminal.print(columns(['weight', 'shape', 'bytes', 'entropy (bits a byte)', 'coded bytes'], rows));
      terminal.print(`${options.out}: ${megabytes(sizeBytes.before)} → ${megabytes(sizeBytes.after)}\n`);
    });
}
