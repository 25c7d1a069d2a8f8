import type { Command } from 'commander';
import { entropyCode, entropyDecode, isCoded } from '../compress/coding/entropyCode.js';
import { InputError } from '../errors.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { columns, megabytes } from './columns.js';
import type { Terminal } from './terminal.js';

interface CodeCommandOptions {
  readonly out: string;
  readonly decode?: true;
  readonly json?: true;
}

/** `quantlab code IN -o OUT`: 8-bit weights in Huffman's code, for storing and sending, and back. */
export function addCodeCommand(program: Command, terminal: Terminal): void {
  program
    .command('code')
    .description('Code the 8-bit weights of a quantized model by how often each value occurs; --decode brings it back')
    .argument('<model>', 'an .onnx file; with --decode a coded one')
    .requiredOption('-o, --out <file>', 'where to write; a coded file cannot be run before it is decoded')
    .option('--decode', 'bring a coded model back, byte for byte')
    .option('--json', 'print the sizes as JSON')
    .action(async (path: string, options: CodeCommandOptions) => {
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
        terminal.print(
          options.json
            ? `${JSON.stringify({ input: path, output: options.out, sizeBytes }, null, 2)}\n`
            : `${options.out}: ${megabytes(sizeBytes.before)} → ${megabytes(sizeBytes.after)}\n`,
        );
        return;
      }
      const coded = entropyCode(model);
      const { tensors, leftBytes } = coded.report;
      if (!tensors.some(({ sizeBytes, codedBytes }) => codedBytes < sizeBytes)) {
        const got =
          tensors.length === 0
            ? `none in ${megabytes(leftBytes)} of other tensors; quantize it first, for example \`quantlab quantize\``
            : `${tensors.length} whose values are all alike often; nothing is gained by coding them`;
        throw new InputError(`${path}: 8-bit weights that Huffman's code makes smaller were required, got ${got}`);
      }
      await writeModel(coded.model, options.out);
      const sizeBytes = await sizesOf();
      if (options.json) {
        terminal.print(
          `${JSON.stringify({ input: path, output: options.out, sizeBytes, report: coded.report }, null, 2)}\n`,
        );
        return;
      }
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
