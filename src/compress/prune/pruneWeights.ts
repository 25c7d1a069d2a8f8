import type { GraphProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { nodeTitle } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { makeTensor, shapeOf, storedSizeBytes, tensorFloats } from '../../onnx/tensor/tensor.js';
import { applyAlone, type Compressed, nodeOptions, optionsSchema, type Pass, weightInputs } from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type Changed, compressedWeight, constantFloats, type NodeFilter, rewriteModel } from '../rewrite/rewrite.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';

/** Operators whose weights can be pruned. */
export const PRUNED_OP_TYPES = ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN', 'Conv'] as const;

/** An operator whose weights can be pruned. */
export type PrunedOpType = (typeof PRUNED_OP_TYPES)[number];

/** Options of {@link pruneWeights}; `PASSES` describes each. */
export interface PruneOptions extends Partial<NodeFilter<PrunedOpType>> {
  readonly sparsity?: number;
}

/** What is said of a share that is none. */
const SHARE = 'a share of 0 to 1 was required';

/** Magnitude pruning: {@link pruneWeights} as a step of a recipe. */
export const PRUNE: Pass<'prune', PruneOptions, Required<PruneOptions>> = {
  name: 'prune',
  title: 'pruning',
  description: 'the smallest weights become zero: what is coded afterwards gets smaller, nothing gets faster',
  stage: 'structure',
  options: optionsSchema<PruneOptions>({
    sparsity: z
      .number()
      .min(0, SHARE)
      .max(1, SHARE)
      .default(0.5)
      .meta({ description: 'share of each weight matrix that becomes zero, 0 to 1; half is 0.5' }),
    ...nodeOptions(PRUNED_OP_TYPES, PRUNED_OP_TYPES),
  }),
  looksFor: ({ opTypesToQuantize }) => `constant weights of ${opTypesToQuantize.join(', ')}`,
  apply: prune,
};

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
  return applyAlone(original, PRUNE, options, prune);
}

function prune(input: NormalGraph, settings: Required<PruneOptions>): Changed {
  const stored = storedTensors(input.graph);
  const pruned = new Map<TensorProto, TensorProto>();
  const notes = [...input.notes];
  const { report } = rewriteModel(input, settings, {
    name: PRUNE.name,
    title: PRUNE.title,
    opTypes: PRUNED_OP_TYPES,
    begin:
      ({ compressed }) =>
      (node, opType, scope) => {
        const weights = weightInputs(opType).map((place) => constantFloats(scope, node.input[place]));
        const computed = weights.find(({ tensor }) => !stored.has(tensor));
        if (computed !== undefined) {
          throw new LeftInFloat('not-constant', `its weight ${computed.name} is computed from constants`);
        }
        for (const weight of weights) {
          if (pruned.has(weight.tensor)) continue;
          const before = tensorFloats(weight.tensor);
          const { values, zeros } = withoutSmallest(before, settings.sparsity);
          const made = makeTensor(weight.tensor.name, 'float32', shapeOf(weight.tensor), values);
          pruned.set(weight.tensor, made);
          const report = compressedWeight(weight, node, [made], 'tensor', signalToErrorDb(before, values));
          compressed.push({ stored: weight.name, report });
          notes.push(`${weight.name} of ${nodeTitle(node)}: ${zeros} of ${values.length} weights are zero`);
        }
        scope.nodes.push(node);
      },
  });
  const graph = mapTensors(input.graph, (tensor) => pruned.get(tensor) ?? tensor);
  // The weights kept their names: what is in both lists was pruned.
  const done = new Set(report.compressed.map(({ name }) => name));
  const leftWeights = report.leftWeights.filter(({ name }) => !done.has(name));
  const bytes = [...pruned.keys()].reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0);
  const all = leftWeights.reduce((sum, { sizeBytes }) => sum + sizeBytes, bytes);
  return {
    graph: input.with({ graph }),
    report: { ...report, leftWeights, weightBytesBefore: all, weightBytesAfter: all, notes },
  };
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
