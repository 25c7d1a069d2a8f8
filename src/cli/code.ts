import type { Command } from 'commander';
import { type CodingReport, entropyCode } from '../compress/entropyCode.js';
import { InputError } from '../errors.js';
import { isCoded } from '../onnx/file/codedTensor.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { variantPaths, writeVariantCard } from '../recognise/card/variantCard.js';
import { graphsOf } from '../recognise/model.js';
import { describedModel } from '../recognise/registry/describedModel.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { addJson, addModel, addModelOut, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface CodeCommandOptions extends Pick<Given, 'json'> {
  readonly out: string;
  readonly decode?: true;
}

/** A graph that was read, and as it will be written. */
interface Written {
  readonly graph: string;
  readonly path: string;
  readonly model: OnnxModel;
  readonly beforeBytes: number;
  /** `undefined` of one that is decoded. */
  readonly report: CodingReport | undefined;
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
      const model = await describedModel(input);
      const paths = variantPaths(model, options.out);
      const graphs: Written[] = [];
      // Before anything is written: the output may be the input.
      for (const { name, path } of graphsOf(model)) {
        const read = await readModel(path);
        const { model: made, report } = options.decode ? decoded(read) : coded(read);
        const beforeBytes = await modelFileSize(read);
        graphs.push({ graph: name, path: paths[name] as string, model: made, beforeBytes, report });
      }
      const sizes = { before: 0, after: 0 };
      for (const { model: made, path, beforeBytes } of graphs) {
        await writeModel(made, path);
        sizes.before += beforeBytes;
        sizes.after += await modelFileSize(await readModel(path));
      }
      const { card, files } = model;
      if (card !== null) await writeVariantCard({ card, files }, paths, options.decode ? 'decoded' : 'coded');
      const reports = graphs.flatMap(({ graph, report }) => (report === undefined ? [] : [{ graph, report }]));
      if (options.json) {
        const result = { input: model.path, output: options.out, sizeBytes: sizes };
        const [only, ...others] = reports;
        return printJson(
          { ...result, ...(others.length > 0 ? { graphs: reports } : only && { report: only.report }) },
          terminal,
        );
      }
      for (const { graph, report } of reports) {
        if (reports.length > 1) terminal.print(`${graph}\n`);
        terminal.print(tableOf(report));
      }
      terminal.print(`${options.out}: ${megabytes(sizes.before)} → ${megabytes(sizes.after)}\n`);
    });
}

function decoded(model: OnnxModel): { readonly model: OnnxModel; readonly report: undefined } {
  if (isCoded(model)) return { model, report: undefined };
  throw new InputError(
    `${model.path}: a model coded by \`quantlab code\` was required, got a plain one; other programs load it as it is`,
  );
}

function coded(model: OnnxModel): { readonly model: OnnxModel; readonly report: CodingReport } {
  if (isCoded(model)) {
    throw new InputError(
      `${model.path}: a model that is not coded was required, got a coded one; it is as small as this gets`,
    );
  }
  const result = entropyCode(model);
  const { tensors, leftBytes } = result.report;
  if (tensors.some(({ sizeBytes, codedBytes }) => codedBytes < sizeBytes)) return result;
  const got =
    tensors.length === 0
      ? `none in ${megabytes(leftBytes)} of small tensors`
      : `${tensors.length} whose values are all alike often`;
  throw new InputError(`${model.path}: weights that coding makes smaller were required, got ${got}; keep it as it is`);
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
