import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { intAttribute, isOp, nodeTitle } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { makeTensor, shapeOf, storedSizeBytes, tensorFloats } from '../../onnx/tensor/tensor.js';
import { ownValue } from '../../ownValue.js';
import { channelsLast, type MomentsOf, measureMoments, type Watched } from '../calibrators/moments.js';
import {
  applyAlone,
  CALIBRATED,
  type Compressed,
  nodeOptions,
  optionsSchema,
  type Pass,
  type RecipeResources,
  refuseCalibrated,
  weightInputs,
} from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { checkNodeNames } from '../rewrite/nodeNames.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import type { CompressedWeight } from '../rewrite/report.js';
import { type Changed, compressedWeight, constantFloats, type NodeFilter, rewriteModel } from '../rewrite/rewrite.js';
import type { Constant } from '../rewrite/scope.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';
import { forEachPlace } from './places.js';

/** Operators whose weights can be pruned. */
export const PRUNED_OP_TYPES = ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN', 'Conv'] as const;

/** An operator whose weights can be pruned. */
export type PrunedOpType = (typeof PRUNED_OP_TYPES)[number];

/** Options of {@link pruneWeights}; `PASSES` describes each. */
export interface PruneOptions extends Partial<NodeFilter<PrunedOpType>> {
  readonly sparsity?: number;
  readonly sparsities?: Readonly<Record<string, number>>;
  readonly scope?: 'tensor' | 'model';
  readonly pattern?: string | undefined;
  readonly calibrated?: boolean;
}

type PruneSettings = Required<Omit<PruneOptions, 'pattern'>> & { readonly pattern: string | undefined };

/** What is said of a share that is none. */
const SHARE = 'a share of 0 or more, and below 1, was required';
const SPARSITY: z.ZodNumber = z.number().min(0, SHARE).lt(1, SHARE);

/** Magnitude pruning: {@link pruneWeights} as a step of a recipe. */
export const PRUNE: Pass<'prune', PruneOptions, PruneSettings> = {
  name: 'prune',
  title: 'pruning',
  description: 'the smallest weights become zero: what is coded afterwards gets smaller, nothing gets faster',
  stage: 'zeros',
  options: optionsSchema<PruneOptions, PruneSettings>({
    sparsity: SPARSITY.default(0.5).meta({ description: 'share of the weights that becomes zero; half is 0.5' }),
    sparsities: z.record(z.string(), SPARSITY).readonly().default({}).meta({
      description: 'a share of its own for a node, by its name, instead of that of all',
    }),
    scope: z.enum(['tensor', 'model']).default('tensor').meta({
      description:
        'whether each matrix loses that share, or all together, the smallest beside the root mean square of their matrix',
    }),
    pattern: z
      .string()
      .refine((text) => patternOf(text) !== undefined, 'N:M, such as 2:4, with N below M, was required')
      .optional()
      .meta({ description: 'N:M instead of a share: of M neighbours that a product adds up, at most N stay' }),
    calibrated: CALIBRATED,
    ...nodeOptions(PRUNED_OP_TYPES, PRUNED_OP_TYPES),
  }),
  taking: (sparsity) => ({ sparsity }),
  forms: [0.5, 0.75].map((sparsity) => ({
    choice: `zeros-${100 * sparsity}`,
    opTypes: PRUNED_OP_TYPES,
    options: (nodesToQuantize) => ({ sparsity, calibrated: true, nodesToQuantize }),
    isForCoding: true,
  })),
  looksFor: ({ opTypesToQuantize }) => `constant weights of ${opTypesToQuantize.join(', ')}`,
  apply,
};

/**
 * Sets the smallest weights to zero, without training after it (magnitude pruning, Han et al. 2015): of each matrix, of all together,
 * or of every few neighbours (N:M, Mishra et al. 2021). In a recipe that has a calibration set, `calibrated` takes those whose products are smallest
 * there; of all together, the budget of each layer is then by what its output loses. A share for each layer is said by `sparsities`.
 *
 * The matrices keep their shapes: neither the file nor the time gets less by it, since the runtime has no sparse
 * products. What it gains shows once the weights are quantized and coded ({@link entropyCode}): zeros cost few bits.
 *
 * @param original - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for a sparsity outside 0…1, N above M, an unknown operator or node, or shares of nodes beside another budget
 * @example
 * const { model } = pruneWeights(await readModel('model.onnx'), { sparsity: 0.3 });
 */
export function pruneWeights(original: OnnxModel, options: PruneOptions = {}): Compressed {
  return applyAlone(original, PRUNE, options, (graph, settings) => {
    refuseCalibrated(settings);
    return prune(graph, settings);
  });
}

/** A weight that is pruned, for the first node that reads it. */
interface Pruned {
  readonly node: NodeProto;
  readonly weight: Constant;
  /** Its axis along which a product adds up. */
  readonly axis: number;
  /** What it multiplies there; of recurrent weights the outputs of all directions beside each other. */
  readonly read: Watched | undefined;
}

async function apply(graph: NormalGraph, settings: PruneSettings, resources: RecipeResources): Promise<Changed> {
  if (!settings.calibrated) return prune(graph, settings);
  const watched: Watched[] = [];
  rewriteWeights(graph, settings, ({ read }) => {
    if (read !== undefined) watched.push(read);
  });
  return prune(graph, settings, await measureMoments(graph, watched, resources, PRUNE.title));
}

function prune(input: NormalGraph, settings: PruneSettings, moments?: MomentsOf): Changed {
  const pattern = patternOf(settings.pattern);
  const named = Object.keys(settings.sparsities);
  checkNodeNames('sparsities', named, input.nodeNames);
  if (named.length > 0 && (pattern !== undefined || settings.scope === 'model')) {
    const other = pattern === undefined ? 'scope' : 'pattern';
    throw new InputError(`sparsities: no ${other} was required beside it, got both; leave one of them out`);
  }
  if (pattern !== undefined && settings.scope === 'model') {
    throw new InputError('scope: tensor was required with a pattern, got model; leave one of them out');
  }
  const weights = new Map<TensorProto, Pruned>();
  const { report } = rewriteWeights(input, settings, (one) => {
    if (!weights.has(one.weight.tensor)) weights.set(one.weight.tensor, one);
  });
  const all = [...weights.values()];
  const scores = all.map((one) => scoresOf(one, moments));
  const masks =
    pattern === undefined
      ? masksOf(all, scores, settings)
      : all.map((one, index) => patternMask(one, scores[index] ?? new Float32Array(), pattern));
  const pruned = new Map<TensorProto, TensorProto>();
  const compressed: CompressedWeight[] = [];
  const notes = [...input.notes];
  for (const [index, { node, weight }] of all.entries()) {
    const before = tensorFloats(weight.tensor);
    const values = before.map((value, i) => (masks[index]?.[i] === 1 ? 0 : value));
    const made = makeTensor(weight.tensor.name, 'float32', shapeOf(weight.tensor), values);
    pruned.set(weight.tensor, made);
    compressed.push(compressedWeight(weight, node, [made], 'tensor', signalToErrorDb(before, values)));
    const zeros = values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
    notes.push(`${weight.name} of ${nodeTitle(node)}: ${zeros} of ${values.length} weights are zero`);
  }
  const graph = mapTensors(input.graph, (tensor) => pruned.get(tensor) ?? tensor);
  // The weights kept their names: what is in both lists was pruned.
  const done = new Set(compressed.map(({ name }) => name));
  const leftWeights = report.leftWeights.filter(({ name }) => !done.has(name));
  const bytes = [...pruned.keys()].reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0);
  const sizeBytes = leftWeights.reduce((sum, one) => sum + one.sizeBytes, bytes);
  return {
    graph: input.with({ graph }),
    report: { ...report, compressed, leftWeights, weightBytesBefore: sizeBytes, weightBytesAfter: sizeBytes, notes },
  };
}

/** Hands out the weights that can be pruned; every node stays. */
function rewriteWeights(input: NormalGraph, settings: PruneSettings, found: (one: Pruned) => void): Changed {
  const stored = storedTensors(input.graph);
  return rewriteModel(input, settings, {
    name: PRUNE.name,
    title: PRUNE.title,
    opTypes: PRUNED_OP_TYPES,
    begin: () => (node, opType, scope) => {
      const places = weightInputs(opType);
      const weights = places.map((place) => constantFloats(scope, node.input[place]));
      const computed = weights.find(({ tensor }) => !stored.has(tensor));
      if (computed !== undefined) {
        throw new LeftInFloat('not-constant', `its weight ${computed.name} is computed from constants`);
      }
      for (const [index, weight] of weights.entries()) {
        const axis = sumAxis(node, weight.tensor);
        // What a nested graph computes cannot be watched.
        const read = scope.parent === null ? whatItReads(node, weight.tensor, axis, index === 1) : undefined;
        found({ node, weight, axis, read });
      }
      scope.nodes.push(node);
    },
  });
}

/** What a weight multiplies; `undefined` where it has no rows of its own: of channels in groups, or of several matrices. */
function whatItReads(node: NodeProto, tensor: TensorProto, axis: number, isRecurrence: boolean): Watched | undefined {
  const shape = shapeOf(tensor);
  const [size = 0, directions = 1] = [shape[axis], shape[0]];
  const value = node.input[0] ?? '';
  if (isOp(node, 'Conv')) {
    return intAttribute(node, 'group', 1) === 1 ? { value, size, perm: channelsLast(shape.length) } : undefined;
  }
  if (isOp(node, 'MatMul')) return shape.length === 2 ? { value, size } : undefined;
  if (isOp(node, 'Gemm')) return intAttribute(node, 'transA', 0) === 0 ? { value, size } : undefined;
  if (!isRecurrence) return { value, size };
  const [output = ''] = node.output;
  const perm = intAttribute(node, 'layout', 0) === 0 ? [0, 2, 1, 3] : undefined;
  return output === '' ? undefined : { value: output, size: directions * size, perm };
}

/** The tensors that a model holds as such: its initializers and constants, nested graphs included. */
function storedTensors(graph: GraphProto): Set<TensorProto> {
  const tensors = new Set<TensorProto>();
  mapTensors(graph, (tensor) => {
    tensors.add(tensor);
    return tensor;
  });
  return tensors;
}

/**
 * How much each number of a weight matters: its magnitude; with moments times the root of the energy of what it multiplies, which is
 * what the product loses with it (Sun et al. 2024, Wanda).
 */
function scoresOf({ weight, axis, read }: Pruned, moments: MomentsOf | undefined): Float32Array {
  const scores = tensorFloats(weight.tensor).map(Math.abs);
  const found = read && moments?.(read);
  if (found === undefined) return scores;
  const { size, products, rows } = found;
  const places = shapeOf(weight.tensor)[axis] ?? 1;
  const roots = Float64Array.from({ length: size }, (_, i) => Math.sqrt((products[i * size + i] ?? 0) / rows));
  let at = 0;
  forEachPlace(weight.tensor, axis, (_value, place, part) => {
    // Where directions are beside each other, each has places of its own.
    const first = Math.floor((part * size) / places) * places;
    scores[at] = (scores[at] ?? 0) * (roots[first + place] ?? 0);
    at++;
  });
  return scores;
}

/** For each weight which of its numbers go: ones for those. */
function masksOf(
  all: readonly Pruned[],
  scores: readonly Float32Array[],
  { sparsity, sparsities, scope }: PruneSettings,
): readonly Uint8Array[] {
  if (scope === 'tensor') {
    return scores.map((values, i) => smallest(values, ownValue(sparsities, all[i]?.node.name ?? '') ?? sparsity));
  }
  const together = new Float32Array(scores.reduce((count, { length }) => count + length, 0));
  let at = 0;
  const starts = scores.map((values) => {
    const start = at;
    const root = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length) || 1;
    together.set(
      values.map((value) => value / root),
      start,
    );
    at += values.length;
    return start;
  });
  const mask = smallest(together, sparsity);
  return starts.map((start, index) => mask.subarray(start, start + (scores[index]?.length ?? 0)));
}

/** Ones for a share of the magnitudes, the smallest; of equal ones the first go. */
function smallest(magnitudes: Float32Array, share: number): Uint8Array {
  const wanted = Math.floor(share * magnitudes.length);
  const sorted = magnitudes.toSorted();
  const limit = sorted[wanted] ?? Number.POSITIVE_INFINITY;
  const below = sorted.findIndex((magnitude) => magnitude >= limit);
  let ties = wanted - (below < 0 ? wanted : below);
  const mask = new Uint8Array(magnitudes.length);
  for (const [i, magnitude] of magnitudes.entries()) {
    if (magnitude < limit || (magnitude === limit && ties-- > 0)) mask[i] = 1;
  }
  return mask;
}

/** At most `stay` of `of` neighbours are kept. */
interface Pattern {
  readonly stay: number;
  readonly of: number;
}

function patternOf(text: string | undefined): Pattern | undefined {
  const [, stay = 0, of = 0] = (/^([1-9]\d{0,3}):([1-9]\d{0,3})$/.exec(text ?? '') ?? []).map(Number);
  return stay > 0 && stay < of ? { stay, of } : undefined;
}

/** Ones for all but the largest few of each few neighbours along the axis along which a product adds up. */
function patternMask({ weight, axis }: Pruned, scores: Float32Array, { stay, of }: Pattern): Uint8Array {
  const shape = shapeOf(weight.tensor);
  const inner = shape.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const size = shape[axis] ?? 1;
  const mask = new Uint8Array(scores.length);
  for (let start = 0; start < scores.length; start += size * inner) {
    for (let column = 0; column < inner; column++) {
      for (let first = 0; first < size; first += of) {
        const places = Array.from(
          { length: Math.min(of, size - first) },
          (_, i) => start + (first + i) * inner + column,
        );
        places.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
        for (const place of places.slice(stay)) mask[place] = 1;
      }
    }
  }
  return mask;
}

/** The axis of a weight along which its node adds up. */
function sumAxis(node: NodeProto, tensor: TensorProto): number {
  const rank = shapeOf(tensor).length;
  if (isOp(node, 'MatMul')) return Math.max(0, rank - 2);
  if (isOp(node, 'Gemm')) return intAttribute(node, 'transB', 0) === 0 ? 0 : 1;
  return isOp(node, 'Conv') ? 1 : rank - 1;
}
