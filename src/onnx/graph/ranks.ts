import type { GraphProto, NodeProto } from 'onnx-buf';
import { tensorIntegers } from '../tensor/tensor.js';
import { foldConstant } from './constants.js';
import { attributeOf, isOp } from './node.js';
import { UNARY } from './unary.js';

/** Operators whose result has as many axes as the input with the most. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Where', 'Less', 'Greater', 'Equal', 'And', 'Or', 'Xor', 'Not'],
  'Mod',
  ...UNARY,
  ...['LayerNormalization', 'BatchNormalization', 'Softmax', 'LogSoftmax', 'QuantizeLinear', 'DequantizeLinear'],
]);

/**
 * How many axes the values of a graph have, as far as their nodes tell it; nested graphs apart.
 *
 * @returns by name; values that are not known are missing
 */
export function ranksOf(graph: GraphProto): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const { name, dims } of graph.initializer) ranks.set(name, dims.length);
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  for (const { name, type } of [...graph.input, ...graph.valueInfo]) {
    const shape = type?.value.case === 'tensorType' ? type.value.value.shape : undefined;
    if (shape !== undefined) ranks.set(name, shape.dim.length);
  }
  for (const node of graph.node) {
    const rank = rankOf(node, ranks, initializers);
    const output = node.output[0];
    if (rank !== undefined && output !== undefined && !ranks.has(output)) ranks.set(output, rank);
    if (isOp(node, 'Constant')) {
      const tensor = foldConstant(node, () => undefined);
      if (tensor !== undefined && output !== undefined) {
        initializers.set(output, tensor);
        ranks.set(output, tensor.dims.length);
      }
    }
  }
  return ranks;
}

function rankOf(
  node: NodeProto,
  ranks: ReadonlyMap<string, number>,
  constants: ReadonlyMap<string, GraphProto['initializer'][number]>,
): number | undefined {
  if (node.domain !== '' && node.domain !== 'ai.onnx' && node.domain !== 'com.microsoft') return undefined;
  const [first = '', second = ''] = node.input;
  const rank = ranks.get(first);
  if (node.opType === 'Range' || node.opType === 'Shape') return 1;
  if (node.opType === 'Gemm' || node.opType === 'Flatten') return 2;
  if (node.opType === 'Conv' || node.opType === 'Transpose') {
    return attributeOf(node, 'perm')?.ints.length ?? rank;
  }
  if (node.opType === 'Unsqueeze' && rank !== undefined) {
    const constant = constants.get(second);
    const axes = constant === undefined ? attributeOf(node, 'axes')?.ints : tensorIntegers(constant);
    return axes === undefined ? undefined : rank + axes.length;
  }
  if (node.opType === 'Reshape') {
    const shape = constants.get(second);
    return shape === undefined ? undefined : tensorIntegers(shape).length;
  }
  const matrices = node.opType === 'MatMul' && (rank ?? 0) > 1 && (ranks.get(second) ?? 0) > 1;
  if (!ELEMENTWISE.has(node.opType) && !matrices) return undefined;
  const all = node.input.filter((name) => name !== '').map((name) => ranks.get(name));
  return all.includes(undefined) ? undefined : Math.max(...all.map(Number));
}
