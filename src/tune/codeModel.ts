import { type CodingReport, entropyCode } from '../compress/entropyCode.js';
import { InputError } from '../errors.js';
import { isCoded } from '../onnx/file/codedTensor.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { variantPaths, writeVariantCard } from '../recognise/card/variantCard.js';
import { graphsOf, type ResolvedModel } from '../recognise/model.js';
import { type DescribedModel, describedModel } from '../recognise/registry/describedModel.js';

/** What became of one graph of a model. */
export interface CodedGraph {
  /** Its name in the model. */
  readonly graph: string;
  /** The `.onnx` file that was written. */
  readonly path: string;
  readonly sizeBytes: { readonly before: number; readonly after: number };
  /** `null` of one that was decoded. */
  readonly report: CodingReport | null;
}

/** Where {@link codeModel} writes, and what. */
export interface CodeOptions {
  /** An `.onnx` file; a folder for a model of several graphs. The card of a model that has one is written there, too. */
  readonly out: string;
  /** Brings a coded model back, for other programs. Default: false. */
  readonly decode?: boolean | undefined;
}

/**
 * Codes the weights of a model without loss ({@link entropyCode}), with or without a card, in a form that everything here opens.
 *
 * @param idOrPath - the model
 * @returns its graphs, in their order
 * @throws {InputError} when the model is missing or damaged, has nothing to gain, or is coded already; with `decode`, when it is not coded
 * @example
 * const [only] = await codeModel('small.onnx', { out: 'small.coded.onnx' });
 */
export async function codeModel(
  idOrPath: string,
  { out, decode = false }: CodeOptions,
): Promise<readonly CodedGraph[]> {
  const model = await describedModel(idOrPath);
  const made = await Promise.all(graphsOf(model).map(async ({ name, path }) => await makeGraph(name, path, decode)));
  const paths = variantPaths(model, out);
  const written: CodedGraph[] = [];
  // All were made before one is written: the output may be the input.
  for (const { onnx, before, ...one } of made) {
    const path = paths[one.graph] as string;
    await writeModel(onnx, path);
    written.push({ ...one, path, sizeBytes: { before, after: await modelFileSize(await readModel(path)) } });
  }
  const { card, files }: DescribedModel = model;
  if (card) await writeVariantCard({ card, files }, paths, decode ? 'decoded' : 'coded');
  return written;
}

/**
 * Size that {@link codeModel} would bring the files of a model to, in bytes; of one that is coded, or has nothing to gain, its own.
 *
 * @throws {InputError} when a file is missing or damaged
 */
export async function codedSize(model: Pick<ResolvedModel, 'graphs'>): Promise<number> {
  let size = 0;
  for (const { path } of graphsOf(model)) {
    const read = await readModel(path);
    size += await modelFileSize(read);
    if (isCoded(read)) continue;
    const { report } = entropyCode(read);
    size -= report.sizeBytes - report.codedBytes;
  }
  return size;
}

interface MadeGraph extends Pick<CodedGraph, 'graph' | 'report'> {
  readonly onnx: OnnxModel;
  readonly before: number;
}

async function makeGraph(graph: string, path: string, decode: boolean): Promise<MadeGraph> {
  const read = await readModel(path);
  const before = await modelFileSize(read);
  if (decode) {
    if (isCoded(read)) return { graph, onnx: read, before, report: null };
    throw new InputError(
      `${path}: a model coded by \`quantlab code\` was required, got a plain one; other programs load it as it is`,
    );
  }
  if (isCoded(read)) {
    throw new InputError(
      `${path}: a model that is not coded was required, got a coded one; it is as small as this gets`,
    );
  }
  const { model: onnx, report } = entropyCode(read);
  if (report.tensors.some(({ sizeBytes, codedBytes }) => codedBytes < sizeBytes))
    return { graph, onnx, before, report };
  const got = report.tensors.length === 0 ? 'small tensors alone' : 'values that are all alike often';
  throw new InputError(`${path}: weights that coding makes smaller were required, got ${got}; keep it as it is`);
}
