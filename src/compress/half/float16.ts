import { InputError, UnavailableError } from '../../errors.js';
import { storedBytes } from '../../onnx/file/storedBytes.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { operatorSetsOf } from '../../onnx/types/signature.js';
import type { Compressed } from '../dynamic/dynamic.js';
import { leftWeights } from '../rewrite/leftWeights.js';
import { prepare } from '../rewrite/prepare.js';
import type { CompressedWeight, CompressionReport } from '../rewrite/report.js';
import { planHalf } from './halfPlan.js';
import { type HalfFormat, HalfStore } from './halfStore.js';
import { HalfWriter, type HalfWriting } from './halfWriter.js';

/** Options of {@link convertToHalf}. */
export interface HalfOptions {
  /** Default float16. ONNX Runtime computes in bfloat16 on no processor: that needs `weightsOnly`. */
  readonly format?: HalfFormat;
  /** Store the weights in half precision and compute in float32: the file alone shrinks. Default false. */
  readonly weightsOnly?: boolean;
  /** Operators that go on computing in float32. Default: {@link HALF_BLOCK_LIST}. */
  readonly opBlockList?: readonly string[];
  /** Names of nodes that go on computing in float32. */
  readonly nodesToExclude?: readonly string[];
}

/**
 * Operators that stay in float32 although their definition has float16: those whose numbers are places, draws or scales,
 * where a rounding would choose another, and those that the runtime, or their definition by other operators, has in float32 alone.
 */
export const HALF_BLOCK_LIST: readonly string[] = [
  'Resize',
  'Upsample',
  'RoiAlign',
  'GridSample',
  'AffineGrid',
  'TopK',
  'OneHot',
  'RandomNormalLike',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
  'ScatterElements',
  'ScatterND',
  'MeanVarianceNormalization',
  'QuantizeLinear',
  'DequantizeLinear',
];

/** First operator set whose `Cast` names types as it does today, and that which knows bfloat16 (Changelog.md of ONNX). */
const FIRST_OPSET: Readonly<Record<HalfFormat, number>> = { float16: 7, bfloat16: 13 };

/**
 * Converts a model to half precision, the bodies of `If`, `Loop` and `Scan` included. Inputs and outputs of each graph stay
 * float32; so do operators whose definition has no float16 or that are not ONNX's own, and what may leave the range of
 * float16: counts, powers, sums, and constants such as 1e-12 or −1e9 with what is computed from them.
 *
 * @param original - left as it is
 * @returns the new model and a report on each weight; the original itself, with a note, where nothing would get smaller
 * @throws {UnavailableError} for bfloat16 arithmetic, which the runtime does not have
 * @throws {InputError} for an unknown format or node, or an operator set that does not know the format
 */
export function convertToHalf(original: OnnxModel, options: HalfOptions = {}): Compressed {
  const { format = 'float16', weightsOnly = false, opBlockList = HALF_BLOCK_LIST, nodesToExclude = [] } = options;
  const { model, notes, nodeNames } = prepare(original);
  checkOptions(model, nodeNames, { format, weightsOnly, nodesToExclude });
  const sets = operatorSetsOf(model.proto);
  const store = new HalfStore(format);
  const plan = planHalf(mainGraph(model), {
    sets,
    store,
    blocked: (node) => opBlockList.includes(node.opType) || nodesToExclude.includes(node.name),
  });
  const writing: HalfWriting = {
    sets,
    store,
    names: new NameSource(model.proto),
    weightsOnly,
    writers: new Map(),
    compressed: [],
    notes: new Set(notes),
  };
  const graph = new HalfWriter(plan, writing).write();
  const changed = { proto: copyMessage(model.proto, { graph }), path: model.path };
  if (writing.compressed.length > 0 && storedBytes(changed.proto) < storedBytes(original.proto)) {
    return { model: changed, report: reportOn(changed, format, writing.compressed, [...writing.notes]) };
  }
  const note = `the model was left as it is: it has no float32 weights that ${format} makes smaller than what it adds`;
  return { model: original, report: reportOn(original, format, [], [note], 'the model was left as it is') };
}

function reportOn(
  model: OnnxModel,
  format: HalfFormat,
  compressed: readonly CompressedWeight[],
  notes: readonly string[],
  reason = 'its operator stays in float32',
): CompressionReport {
  const left = leftWeights(mainGraph(model), 'half precision', new Map(), new Set()).filter(
    (weight) => weight.dtype === 'float32',
  );
  const leftBytes = sum(left.map((weight) => weight.sizeBytes));
  return {
    transform: format,
    compressed,
    leftWeights: left.map((weight) => ({ ...weight, reason })),
    leftNodes: [],
    replacedNodes: {},
    weightBytesBefore: sum(compressed.map((weight) => weight.sizeBytesBefore)) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
    notes,
  };
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

function checkOptions(
  model: OnnxModel,
  names: ReadonlySet<string>,
  { format, weightsOnly, nodesToExclude }: Required<Omit<HalfOptions, 'opBlockList'>>,
): void {
  if (format !== 'float16' && format !== 'bfloat16') {
    throw new InputError(`format: float16 or bfloat16 was required, got ${String(format)}; choose one`);
  }
  if (format === 'bfloat16' && !weightsOnly) {
    throw new UnavailableError(
      'bfloat16: a runtime that computes in it was required, got ONNX Runtime, which has no such kernels on the CPU; set weightsOnly',
    );
  }
  const opset = opsetVersion(model);
  if (opset < FIRST_OPSET[format]) {
    throw new InputError(
      `${model.path}: operator set ${FIRST_OPSET[format]} or later was required for ${format}, got ${opset}; export the model with a later one`,
    );
  }
  const missing = nodesToExclude.find((name) => !names.has(name));
  if (missing === undefined) return;
  throw new InputError(
    `nodesToExclude: names of the model's nodes were required, got ${missing}; see \`quantlab inspect\``,
  );
}
