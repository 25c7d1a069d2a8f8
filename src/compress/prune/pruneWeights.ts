import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { nodeTitle } from '../../onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { makeTensor, shapeOf, storedSizeBytes, tensorFloats } from '../../onnx/tensor/tensor.js';
import type { Compressed } from '../dynamic/dynamic.js';
import { LeftInFloat } from '../dynamic/dynamicContext.js';
import { prepare } from '../rewrite/prepare.js';
import { compressedWeight, constantFloats, rewriteModel } from '../rewrite/rewrite.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';

/** Operators whose weights can be pruned. */
export const PRUNED_OP_TYPES = ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN', 'Conv'] as const;

/** An operator whose weights can be pruned. */
export type PrunedOpType = (typeof PRUNED_OP_TYPES)[number];

/** Options of {@link pruneWeights}. */
export interface PruneOptions {
  /** Share of each weight matrix that becomes zero, 0 to 1. Default 0.5. */
  readonly sparsity?: number;
  /** Operators whose weights are pruned. Default: all of {@link PRUNED_OP_TYPES}. */
  readonly opTypesToPrune?: readonly PrunedOpType[];
  /** Names of the only nodes to prune. Default: all. */
  readonly nodesToPrune?: readonly string[];
  /** Names of nodes to leave as they are. */
  readonly nodesToExclude?: readonly string[];
}

/**
 * Sets the smallest weights of each matrix to zero, without training after it (magnitude pruning, Han et al. 2015).
 *
 * The matrices keep their shapes: neither the file nor the time gets less by it, since the runtime has no sparse
 * products. What it gains shows once the weights are quantized and coded ({@link entropyCode}): zeros cost few bits.
 *
 * @param original - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for a sparsity outside 0…1, an unknown operator or node
 * @example
 * const { model } = pruneWeights(await readModel('model.onnx'), { sparsity: 0.3 });
 */
export function pruneWeights(original: OnnxModel, options: PruneOptions = {}): Compressed {
  const { sparsity = 0.5, opTypesToPrune = PRUNED_OP_TYPES, nodesToPrune = [], nodesToExclude = [] } = options;
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw new InputError(`sparsity: a share of 0 to 1 was required, got ${sparsity}; half is 0.5`);
  }
  const unknown = opTypesToPrune.find((opType) => !PRUNED_OP_TYPES.includes(opType));
  if (unknown !== undefined) {
    throw new InputError(`opTypesToPrune: ${PRUNED_OP_TYPES.join(', ')} were required, got ${unknown}; leave it out`);
  }
  const prepared = prepare(original);
  const { model } = prepared;
  const stored = storedTensors(model);
  const pruned = new Map<TensorProto, TensorProto>();
  const filter = { opTypesToQuantize: opTypesToPrune, nodesToQuantize: nodesToPrune, nodesToExclude };
  const { report } = rewriteModel(prepared, filter, {
    name: 'prune',
    title: 'pruning',
    opTypes: PRUNED_OP_TYPES,
    nested: true,
    rewrite(node, opType, scope, { compressed, notes }) {
      const places = opType === 'LSTM' || opType === 'GRU' || opType === 'RNN' ? [1, 2] : [1];
      const weights = places.map((place) => constantFloats(scope, node.input[place]));
      const computed = weights.find(({ tensor }) => !stored.has(tensor));
      if (computed !== undefined) throw new LeftInFloat(`its weight ${computed.name} is computed from constants`);
      for (const weight of weights) {
        if (pruned.has(weight.tensor)) continue;
        const before = tensorFloats(weight.tensor);
        const { values, zeros } = withoutSmallest(before, sparsity);
        const made = makeTensor(weight.tensor.name, 'float32', shapeOf(weight.tensor), values);
        pruned.set(weight.tensor, made);
        compressed.push(compressedWeight(weight, node, [made], 'tensor', signalToErrorDb(before, values)));
        notes.push(`${weight.name} of ${nodeTitle(node)}: ${zeros} of ${values.length} weights are zero`);
      }
      scope.nodes.push(node);
    },
  });
  const graph = mapTensors(mainGraph(model), (tensor) => pruned.get(tensor) ?? tensor);
  // The weights kept their names: what is in both lists was pruned.
  const done = new Set(report.compressed.map(({ name }) => name));
  const leftWeights = report.leftWeights.filter(({ name }) => !done.has(name));
  const bytes = [...pruned.keys()].reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0);
  const all = leftWeights.reduce((sum, { sizeBytes }) => sum + sizeBytes, bytes);
  return {
    model: { proto: copyMessage(model.proto, { graph }), path: model.path },
    report: { ...report, leftWeights, weightBytesBefore: all, weightBytesAfter: all },
  };
}

/** The tensors that a model holds as such: its initializers and constants, nested graphs included. */
function storedTensors(model: OnnxModel): Set<TensorProto> {
  const tensors = new Set<TensorProto>();
  mapTensors(mainGraph(model), (tensor) => {
    tensors.add(tensor);
    return tensor;
  });
  return tensors;
}

/** A copy with a share of its values, the smallest in magnitude, zero; of equal ones the first go. */
function withoutSmallest(values: Float32Array, share: number): { values: Float32Array; zeros: number } {
  const wanted = Math.floor(share * values.length);
  const magnitudes = values.map(Math.abs).sort();
  const limit = magnitudes[wanted] ?? Number.POSITIVE_INFINITY;
  const below = magnitudes.findIndex((magnitude) => magnitude >= limit);
  let ties = wanted - (below < 0 ? wanted : below);
  const kept = values.slice();
  let zeros = 0;
  for (const [i, value] of values.entries()) {
    const magnitude = Math.abs(value);
    if (magnitude < limit || (magnitude === limit && ties-- > 0)) kept[i] = 0;
    if (kept[i] === 0) zeros++;
  }
  return { values: kept, zeros };
}
