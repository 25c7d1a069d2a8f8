import type { NodeProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { attributeOf, intAttribute, makeNode, stringAttribute } from '../../onnx/graph/node.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import type { OnnxModel } from '../../onnx/model.js';
import { makeTensor, shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import { channelsLast, type Moments, type MomentsOf, measureMoments, type Watched } from '../calibrators/moments.js';
import {
  applyAlone,
  CALIBRATED,
  type Compressed,
  type Memory,
  nodeOptions,
  optionsSchema,
  type Pass,
  type RecipeResources,
  refuseCalibrated,
} from '../pass.js';
import { LeftInFloat, requireForm } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import {
  type Changed,
  compressedWeight,
  constantFloats,
  type NodeFilter,
  type Rewriting,
  rewriteModel,
} from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';
import { type Factors, factorsOf, type Kept, type Spectrum, spectrumOf } from './factors.js';

/** Operators whose weights can become two factors; of recurrent layers the input weights. */
export const FACTORED_OP_TYPES = ['MatMul', 'Gemm', 'Conv', 'LSTM', 'GRU', 'RNN'] as const;

/** An operator whose weights can become two factors. */
export type FactoredOpType = (typeof FACTORED_OP_TYPES)[number];

/** Options of {@link factorWeights}; `PASSES` describes each. */
export interface LowRankOptions extends Partial<NodeFilter<FactoredOpType>> {
  readonly energy?: number;
  readonly rank?: number;
  readonly bytes?: number;
  readonly calibrated?: boolean;
}

type LowRankSettings = Required<Omit<LowRankOptions, 'rank' | 'bytes'>> & {
  readonly rank: number | undefined;
  readonly bytes: number | undefined;
};

/** Weights in two factors: {@link factorWeights} as a step of a recipe. */
export const LOW_RANK: Pass<'low-rank', LowRankOptions, LowRankSettings> = {
  name: 'low-rank',
  title: 'low-rank factorization',
  description:
    'a weight matrix becomes the product of two thin ones where that takes less: fewer bytes and fewer products',
  stage: 'structure',
  options: optionsSchema<LowRankOptions, LowRankSettings>({
    energy: z
      .number()
      .gt(0, 'a share above 0 was required')
      .max(1, 'a share of at most 1 was required')
      .default(0.9)
      .meta({ description: "share of a matrix's sum of squares that its factors keep; it decides their rank" }),
    rank: z.int().min(1).optional().meta({ description: 'rank of the factors of every matrix, instead of that share' }),
    bytes: z
      .number()
      .gt(0, 'a share above 0 was required')
      .lt(1, 'a share below 1 was required')
      .optional()
      .meta({ description: "share of a matrix's bytes that its factors may take, instead of both" }),
    calibrated: CALIBRATED,
    ...nodeOptions(FACTORED_OP_TYPES, FACTORED_OP_TYPES),
  }),
  taking: (share) => ({ bytes: Number((1 - share).toFixed(6)) }),
  // A convolution of kernel 1 is for recipes alone: of the others it has no form.
  forms: [0.75, 0.5].map((bytes) => ({
    choice: `rank-${100 * bytes}`,
    opTypes: ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN'],
    options: (nodesToQuantize) => ({ bytes, calibrated: true, nodesToQuantize }),
    makes: firstFactorOf,
  })),
  looksFor: ({ opTypesToQuantize }) =>
    `constant weights of ${opTypesToQuantize.join(', ')}, which two thin matrices stand for in fewer bytes`,
  apply,
};

/**
 * Writes weights as the product of two thin matrices, the nearest of that rank (by singular values), without training after it.
 *
 * MatMul and Gemm become two products, a convolution of kernel 1 two of them; of LSTM, GRU and RNN the input weights of both directions
 * share the first factor, which is multiplied with what the layer reads before it. Where the factors would take as many numbers
 * as the matrix, it stays. In a recipe that has a calibration set, `calibrated` weighs the error by what the layer reads there: what is
 * nearest is then what the product gives, not the matrix, and `energy` is a share of that.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for a rank above that of every matrix, a share outside 0…1, an unknown operator or node
 * @example
 * const { model } = factorWeights(await readModel('model.onnx'), { energy: 0.95 });
 */
export function factorWeights(model: OnnxModel, options: LowRankOptions = {}): Compressed {
  return applyAlone(model, LOW_RANK, options, (graph, settings) => {
    refuseCalibrated(settings);
    return factor(graph, settings, {});
  });
}

/** What the product with the first factor of a node's weight is called. */
function firstFactorOf(node: string): string {
  return `${node}_low_rank`;
}

async function apply(graph: NormalGraph, settings: LowRankSettings, resources: RecipeResources): Promise<Changed> {
  const { memory } = resources;
  if (!settings.calibrated) return factor(graph, settings, { memory });
  const watched: Watched[] = [];
  rewriteLayers(graph, settings, (layer) => {
    watched.push(whatItReads(layer));
    throw new LeftInFloat('uncalibrated', 'it was looked at alone');
  });
  return factor(graph, settings, {
    moments: await measureMoments(graph, watched, resources, LOW_RANK.title),
    memory,
  });
}

/** What is known before factors are made. */
interface Known {
  readonly moments?: MomentsOf;
  readonly memory?: Memory | undefined;
}

function factor(input: NormalGraph, settings: LowRankSettings, known: Known): Changed {
  const { rank } = settings;
  let highest = 0;
  const changed = rewriteLayers(input, settings, (layer, scope, rewriting) => {
    highest = Math.max(highest, Math.min(layer.rows, layer.columns));
    writeFactors(layer, settings, known, scope, rewriting);
  });
  if (rank !== undefined && highest > 0 && rank > highest) {
    throw new InputError(
      `rank: at most ${highest}, the full rank of the model's largest matrix, was required, got ${rank}; choose a lower one`,
    );
  }
  return { ...changed, graph: changed.graph.allowing(settings.nodesToQuantize.map(firstFactorOf)) };
}

function rewriteLayers(
  input: NormalGraph,
  settings: LowRankSettings,
  rewrite: (layer: Layer, scope: Scope, rewriting: Rewriting) => void,
): Changed {
  return rewriteModel(input, settings, {
    name: LOW_RANK.name,
    title: LOW_RANK.title,
    opTypes: FACTORED_OP_TYPES,
    mainGraphOnly: true,
    begin: (rewriting) => (node, opType, scope) => {
      const layer = readLayer(node, opType, scope);
      if ((input.users.get(node.input[1] ?? '')?.length ?? 0) > 1) {
        throw new LeftInFloat('shared', 'another node reads its weight, too');
      }
      rewrite(layer, scope, rewriting);
    },
  });
}

/** A node whose weight multiplies what it reads by a matrix [rows, columns]: rows are what is read, columns what comes of it. */
interface Layer {
  readonly node: NodeProto;
  readonly opType: FactoredOpType;
  readonly weight: Constant;
  readonly rows: number;
  readonly columns: number;
  /** Whether the weight is stored as [columns, rows]. */
  readonly isTurned: boolean;
}

function readLayer(node: NodeProto, opType: FactoredOpType, scope: Scope): Layer {
  const weight = constantFloats(scope, node.input[1]);
  const shape = shapeOf(weight.tensor);
  const layer = { node, opType, weight };
  const [first = 0, second = 0, third = 0] = shape;
  switch (opType) {
    case 'MatMul':
      requireForm(shape.length === 2, `its weight has shape [${shape.join(', ')}], not two dimensions`);
      return { ...layer, rows: first, columns: second, isTurned: false };
    case 'Gemm': {
      requireForm(intAttribute(node, 'transA', 0) === 0, 'it turns what it reads');
      const isTurned = intAttribute(node, 'transB', 0) !== 0;
      return { ...layer, rows: isTurned ? second : first, columns: isTurned ? first : second, isTurned };
    }
    case 'Conv': {
      const isPoint = shape.slice(2).every((size) => size === 1);
      const isPadded = (attributeOf(node, 'pads')?.ints ?? []).some((pad) => pad !== 0n);
      const fills = stringAttribute(node, 'auto_pad', 'NOTSET').startsWith('SAME');
      requireForm(isPoint && !isPadded && !fills, 'its kernel is larger than 1, or it pads');
      requireForm(intAttribute(node, 'group', 1) === 1, 'its channels are in groups');
      return { ...layer, rows: second, columns: first, isTurned: true };
    }
    default:
      requireForm(shape.length === 3, `its weight has shape [${shape.join(', ')}], not three dimensions`);
      return { ...layer, rows: third, columns: first * second, isTurned: true };
  }
}

function writeFactors(
  layer: Layer,
  settings: LowRankSettings,
  { moments, memory }: Known,
  scope: Scope,
  { names, compressed }: Rewriting,
): void {
  const { node, weight, rows, columns, isTurned } = layer;
  const stored = tensorFloats(weight.tensor);
  if (!stored.every(Number.isFinite)) throw new LeftInFloat('values', 'its weight has numbers that are not finite');
  const matrix = isTurned ? transpose(stored, columns, rows) : stored;
  const most = (rows * columns - 1) / (rows + columns);
  const weighed = moments?.(whatItReads(layer));
  if (moments !== undefined && weighed === undefined) {
    throw new LeftInFloat('uncalibrated', `calibration has no finite values of ${node.input[0] ?? ''}`);
  }
  const spectrum = remembered(memory, weight.tensor, weighed, () => spectrumOf(matrix, rows, columns, weighed));
  const factors = factorsOf(spectrum, keptOf(layer, settings));
  const { rank } = factors;
  if (rank > most) {
    const why = `two factors of rank ${rank} would take no less than its ${rows} × ${columns} numbers`;
    throw new LeftInFloat('larger', why);
  }
  const decibels = signalToErrorDb(matrix, factors.product);
  const title = node.name === '' ? (node.output[0] ?? layer.opType) : node.name;
  const between = names.value(firstFactorOf(title));
  const [left, right] = tensorsOf(layer, factors, [
    names.value(`${weight.name}_left`),
    names.value(`${weight.name}_right`),
  ]);
  scope.added.push(left, right);
  scope.nodes.push(...nodesOf(layer, left.name, right.name, between, names.node(firstFactorOf(title))));
  // Each factor stands for its share of the matrix.
  for (const tensor of [left, right]) {
    const share = tensor === left ? rows / (rows + columns) : columns / (rows + columns);
    const report = compressedWeight(weight, node, [tensor], 'tensor', decibels);
    const sizeBytesBefore = report.sizeBytesBefore * share;
    compressed.push({
      stored: tensor.name,
      report: { ...report, shape: shapeOf(tensor), sizeBytesBefore, storedAs: tensor.name },
    });
  }
}

/** What was found out before of the same weight, for the same moments; else what is found out now. */
function remembered(
  memory: Memory | undefined,
  weight: TensorProto,
  moments: Moments | undefined,
  make: () => Spectrum,
): Spectrum {
  const known = memory?.of<{ readonly spectrum: Spectrum; readonly moments: Moments | undefined }>(weight);
  const key = moments === undefined ? 'spectrum' : 'weighed spectrum';
  const before = known?.get(key);
  if (before !== undefined && before.moments === moments) return before.spectrum;
  const spectrum = make();
  known?.set(key, { spectrum, moments });
  return spectrum;
}

/** What the matrix multiplies: rows of a value's last axis, of a convolution those of its channels. */
function whatItReads({ node, opType, weight, rows }: Layer): Watched {
  const perm = opType === 'Conv' ? channelsLast(shapeOf(weight.tensor).length) : undefined;
  return { value: node.input[0] ?? '', size: rows, perm };
}

/** What decides how many factors are kept: a rank, a share of the bytes, or of the energy. */
function keptOf({ rows, columns }: Layer, { rank, bytes, energy }: LowRankSettings): Kept {
  if (rank !== undefined) return { rank };
  return bytes === undefined
    ? { energy }
    : { rank: Math.max(1, Math.floor((bytes * rows * columns) / (rows + columns))) };
}

function tensorsOf(
  { opType, weight, rows, columns, isTurned }: Layer,
  { rank, left, right }: Factors,
  [leftName, rightName]: readonly [string, string],
): readonly [TensorProto, TensorProto] {
  const [first = 0, second = 0, ...kernel] = shapeOf(weight.tensor);
  const turned = isTurned ? transpose(right, rank, columns) : right;
  if (opType === 'Conv') {
    return [
      makeTensor(leftName, 'float32', [rank, rows, ...kernel], transpose(left, rows, rank)),
      makeTensor(rightName, 'float32', [columns, rank, ...kernel], turned),
    ];
  }
  const isRecurrent = opType === 'LSTM' || opType === 'GRU' || opType === 'RNN';
  const shape = isRecurrent ? [first, second, rank] : isTurned ? [columns, rank] : [rank, columns];
  return [makeTensor(leftName, 'float32', [rows, rank], left), makeTensor(rightName, 'float32', shape, turned)];
}

/** What is read times the first factor, then the node as it was with the second. */
function nodesOf({ node, opType }: Layer, left: string, right: string, between: string, name: string): NodeProto[] {
  const [read = '', , ...rest] = node.input;
  const second = { input: [between, right, ...rest] };
  if (opType !== 'Conv') return [makeNode('MatMul', [read, left], [between], { name }), copyMessage(node, second)];
  const isStride = ({ name: attribute }: { readonly name: string }): boolean => attribute === 'strides';
  return [
    makeNode('Conv', [read, left], [between], { name, inherited: node.attribute.filter(isStride) }),
    copyMessage(node, { ...second, attribute: node.attribute.filter((attribute) => !isStride(attribute)) }),
  ];
}

/** A matrix [rows, columns] as [columns, rows]. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  transposeMatrices(values, turned, 1, rows, columns);
  return turned;
}
