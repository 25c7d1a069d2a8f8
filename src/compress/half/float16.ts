import type { GraphProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError, UnavailableError } from '../../errors.js';
import { storedBytes } from '../../onnx/file/storedBytes.js';
import { NameSource } from '../../onnx/graph/names.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { applyAlone, type Compressed, NODES_TO_EXCLUDE, optionsSchema, type Pass, someNames } from '../pass.js';
import { leftWeights } from '../rewrite/leftWeights.js';
import { checkNodeNames } from '../rewrite/nodeNames.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type CompressedWeight, type CompressionReport, type LeftWeight, weightBytes } from '../rewrite/report.js';
import type { Changed } from '../rewrite/rewrite.js';
import { planHalf } from './halfPlan.js';
import { type HalfFormat, HalfStore } from './halfStore.js';
import { HalfWriter, type HalfWriting } from './halfWriter.js';

/** Options of {@link convertToHalf}; `PASSES` describes each. */
export interface HalfOptions {
  readonly format?: HalfFormat;
  readonly weightsOnly?: boolean;
  readonly opBlockList?: readonly string[];
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

/** Half precision: {@link convertToHalf} as a step of a recipe. */
export const HALF: Pass<'half', HalfOptions, Required<HalfOptions>> = {
  name: 'half',
  title: 'half precision',
  description: 'weights and, unless they alone are asked for, arithmetic in 16-bit floats; needs no calibration',
  stage: 'rest',
  options: optionsSchema<HalfOptions>({
    format: z.enum(['float16', 'bfloat16']).default('float16').meta({
      description:
        '16-bit floats to use; bfloat16 for the weights alone, since ONNX Runtime computes in it on no processor',
    }),
    weightsOnly: z.boolean().default(false).meta({
      description: 'store weights in half precision and compute in float32: the file alone shrinks',
    }),
    opBlockList: someNames().default(HALF_BLOCK_LIST).meta({
      description: 'an operator that goes on computing in float32 (default: those whose numbers are places or scales)',
      flag: 'block-op',
    }),
    nodesToExclude: NODES_TO_EXCLUDE,
  }),
  looksFor: () => 'float32 constants of more than one number',
  apply: convert,
};

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
  return applyAlone(original, HALF, options, convert);
}

/**
 * By a writer of its own, not by the rewriter of the other passes: those replace single nodes that read weights, here every
 * node changes the type of every value, and what a node may become depends on the types and ranges of all around it.
 */
function convert(input: NormalGraph, settings: Required<HalfOptions>): Changed {
  const { format, weightsOnly, opBlockList, nodesToExclude } = settings;
  const { model, notes, sets } = input;
  checkOptions(input, settings);
  const store = new HalfStore(format);
  const plan = planHalf(input.graph, {
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
  const changed = input.with({ graph });
  if (writing.compressed.length > 0 && storedBytes(changed.model.proto) < storedBytes(input.original.proto)) {
    return { graph: changed, report: reportOn(changed.graph, format, writing.compressed, [...writing.notes]) };
  }
  const note = `the model was left as it is: it has no float32 weights that ${format} makes smaller than what it adds`;
  return {
    graph: input,
    report: reportOn(mainGraph(input.original), format, [], [note], 'the model was left as it is'),
  };
}

function reportOn(
  graph: GraphProto,
  format: HalfFormat,
  compressed: readonly CompressedWeight[],
  notes: readonly string[],
  reason = 'its operator stays in float32',
): CompressionReport {
  const left = leftWeights(graph, HALF.title, new Map(), new Set())
    .filter((weight) => weight.dtype === 'float32')
    .map((weight): LeftWeight => ({ ...weight, cause: 'form', reason }));
  return {
    transform: format,
    compressed,
    leftWeights: left,
    leftNodes: [],
    replacedNodes: {},
    ...weightBytes(compressed, left),
    notes,
  };
}

function checkOptions(graph: NormalGraph, { format, weightsOnly, nodesToExclude }: Required<HalfOptions>): void {
  if (format === 'bfloat16' && !weightsOnly) {
    throw new UnavailableError(
      'bfloat16: a runtime that computes in it was required, got ONNX Runtime, which has no such kernels on the CPU; set weightsOnly',
    );
  }
  if (graph.opset < FIRST_OPSET[format]) {
    throw new InputError(
      `operator set ${FIRST_OPSET[format]} or later was required for ${format}, got ${graph.opset}; export the model with a later one`,
    );
  }
  checkNodeNames('nodesToExclude', nodesToExclude, graph.nodeNames);
}
