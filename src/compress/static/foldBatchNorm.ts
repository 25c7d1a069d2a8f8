import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { floatAttribute, intAttribute, isOp, nodeTitle } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import { makeTensor, shapeOf, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type Constant, Scope } from '../rewrite/scope.js';

/** A model without the normalisations that became part of the layer before them. */
export interface Folded {
  readonly graph: NormalGraph;
  /** Titles of the `BatchNormalization` nodes that are gone. */
  readonly folded: readonly string[];
}

/** Scale and offset of each channel: y = scale · x + offset. */
interface ChannelMap {
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/**
 * Folds each `BatchNormalization` whose numbers are constant into the `Conv` or `Gemm` that alone feeds it:
 * w′ = w · γ / √(σ² + ε), b′ = (b − μ) · γ / √(σ² + ε) + β, computed in double precision.
 *
 * @returns the very graph where there is nothing to fold
 */
export function foldBatchNorm(input: NormalGraph): Folded {
  const { graph } = input;
  const scope = new Scope(graph, null);
  const names = new NameSource(input.model.proto);
  const folded: string[] = [];
  const layers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    if (isOp(node, 'Conv') || isOp(node, 'Gemm')) layers.set(node.output[0] ?? '', node);
  }
  const replacements = new Map<NodeProto, NodeProto | null>();
  for (const norm of graph.node) {
    const source = norm.input[0] ?? '';
    const layer = layers.get(source);
    if (!isOp(norm, 'BatchNormalization') || layer === undefined) continue;
    if (input.isOutput(source) || input.users.get(source)?.length !== 1 || replacements.has(layer)) continue;
    if (norm.output.slice(1).some((name) => name !== '') || intAttribute(norm, 'training_mode', 0) !== 0) continue;
    const map = channelMap(norm, scope);
    const changed = map === undefined ? undefined : foldInto(layer, map, scope, names);
    if (changed === undefined) continue;
    replacements.set(layer, copyMessage(changed, { output: [norm.output[0] ?? ''] }));
    replacements.set(norm, null);
    folded.push(nodeTitle(norm));
  }
  if (folded.length === 0) return { graph: input, folded };
  const node = graph.node.flatMap((one) => {
    const replacement = replacements.get(one);
    return replacement === null ? [] : [replacement ?? one];
  });
  const changed = copyMessage(graph, { node, initializer: [...graph.initializer, ...scope.added] });
  return { graph: input.with({ graph: pruneUnused(changed) }), folded };
}

function float32Of(scope: Scope, name: string | undefined): Constant | undefined {
  const constant = name === undefined || name === '' ? undefined : scope.constantOf(name);
  return constant !== undefined && tensorDtype(constant.tensor) === 'float32' ? constant : undefined;
}

function channelMap(norm: NodeProto, scope: Scope): ChannelMap | undefined {
  const constants = norm.input.slice(1, 5).map((name) => float32Of(scope, name));
  const [gamma, beta, mean, variance] = constants.map((constant) => constant && tensorFloats(constant.tensor));
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) return undefined;
  const epsilon = floatAttribute(norm, 'epsilon', 1e-5);
  const scale = Float64Array.from(gamma, (value, i) => value / Math.sqrt((variance[i] ?? 0) + epsilon));
  if (!scale.every(Number.isFinite)) return undefined;
  return { scale, offset: scale.map((factor, i) => (beta[i] ?? 0) - (mean[i] ?? 0) * factor) };
}

function foldInto(layer: NodeProto, map: ChannelMap, scope: Scope, names: NameSource): NodeProto | undefined {
  const weight = float32Of(scope, layer.input[1]);
  if (weight === undefined) return undefined;
  const biasName = layer.input[2] ?? '';
  const bias = biasName === '' ? undefined : float32Of(scope, biasName);
  const shape = shapeOf(weight.tensor);
  const gemm = layer.opType === 'Gemm';
  if (gemm && (floatAttribute(layer, 'alpha', 1) !== 1 || floatAttribute(layer, 'beta', 1) !== 1)) return undefined;
  const axis = gemm && intAttribute(layer, 'transB', 0) === 0 ? 1 : 0;
  const channels = map.scale.length;
  if (shape[axis] !== channels || (gemm && shape.length !== 2)) return undefined;
  if (biasName !== '' && (bias === undefined || shapeOf(bias.tensor).join() !== String(channels))) return undefined;
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const values = tensorFloats(weight.tensor).map(
    (value, i) => value * (map.scale[Math.floor(i / inner) % channels] ?? 1),
  );
  const biases = bias === undefined ? new Float32Array(channels) : tensorFloats(bias.tensor);
  const shifted = biases.map((value, i) => value * (map.scale[i] ?? 1) + (map.offset[i] ?? 0));
  const weightName = names.value(`${weight.name}_folded`);
  const shiftedName = names.value(`${biasName === '' ? `${weight.name}_bias` : biasName}_folded`);
  scope.added.push(
    makeTensor(weightName, 'float32', shape, values),
    makeTensor(shiftedName, 'float32', [channels], shifted),
  );
  return copyMessage(layer, { input: [layer.input[0] ?? '', weightName, shiftedName] });
}
