import type { NodeProto, TensorProto } from 'onnx-buf';
import { ownValue } from '../../ownValue.js';
import { bitsOf } from '../tensor/dtype.js';
import { elementCount, makeTensor, shapeOf, tensorBytes, tensorDtype, tensorIntegers } from '../tensor/tensor.js';
import { attributeOf, intAttribute, isOp } from './node.js';

/** Elements that an expanded constant may have: exporters make states so, hostile files make gigabytes. */
const MOST_ELEMENTS = 2 ** 24;

const ARITHMETIC: Readonly<Record<string, (a: bigint, b: bigint) => bigint | undefined>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => (b === 0n ? undefined : a / b),
};

/**
 * Computes the places at which exporters cut weights apart: `Shape`, `Expand`, `ConstantOfShape`, `Gather` and
 * arithmetic of whole numbers.
 *
 * @param inputs - constants of the node; `undefined` for those that are none
 * @returns the tensor, or `undefined` when it is no such node
 */
export function foldArithmetic(
  node: NodeProto,
  inputs: readonly (TensorProto | undefined)[],
  name: string,
): TensorProto | undefined {
  const [first, second] = inputs;
  if (first === undefined) return undefined;
  if (isOp(node, 'Shape')) return shape(node, first, name);
  if (isOp(node, 'ConstantOfShape')) return filled(node, first, name);
  if (second === undefined) return undefined;
  if (isOp(node, 'Expand')) return expanded(first, tensorIntegers(second), name);
  if (isOp(node, 'Gather')) return picked(node, first, second, name);
  const operation = ownValue(ARITHMETIC, node.opType);
  return operation === undefined || !isOp(node, node.opType) ? undefined : combined(operation, first, second, name);
}

function shape(node: NodeProto, tensor: TensorProto, name: string): TensorProto {
  const rank = tensor.dims.length;
  const place = (attribute: string, otherwise: number): number => {
    const value = intAttribute(node, attribute, otherwise);
    return Math.min(rank, Math.max(0, value < 0 ? value + rank : value));
  };
  const dims = BigInt64Array.from(tensor.dims.slice(place('start', 0), place('end', rank)));
  return makeTensor(name, 'int64', [dims.length], dims);
}

function filled(node: NodeProto, dims: TensorProto, name: string): TensorProto | undefined {
  const value = attributeOf(node, 'value')?.t ?? makeTensor('', 'float32', [1], new Float32Array(1));
  return expanded(value, tensorIntegers(dims), name);
}

/** One value, as often as a shape has places. Constants of several are expanded for sums, not for weights. */
function expanded(tensor: TensorProto, dims: readonly number[], name: string): TensorProto | undefined {
  const width = bitsOf(tensorDtype(tensor)) / 8;
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (elementCount(tensor) !== 1 || !(count >= 0 && count <= MOST_ELEMENTS) || !Number.isInteger(width))
    return undefined;
  const one = tensorBytes(tensor);
  const bytes = new Uint8Array(count * width);
  for (let at = 0; at < bytes.length; at += width) bytes.set(one, at);
  return makeTensor(name, tensorDtype(tensor), dims, bytes);
}

/** Entries of a list: one by a scalar, several by a list. */
function picked(node: NodeProto, list: TensorProto, places: TensorProto, name: string): TensorProto | undefined {
  if (tensorDtype(list) !== 'int64' || list.dims.length !== 1 || intAttribute(node, 'axis', 0) > 0) return undefined;
  const values = tensorIntegers(list);
  const chosen = tensorIntegers(places).map((place) => values[place < 0 ? place + values.length : place]);
  if (!chosen.every((value) => value !== undefined)) return undefined;
  return makeTensor(name, 'int64', shapeOf(places), BigInt64Array.from(chosen, BigInt));
}

function combined(
  operation: (a: bigint, b: bigint) => bigint | undefined,
  a: TensorProto,
  b: TensorProto,
  name: string,
): TensorProto | undefined {
  if (tensorDtype(a) !== 'int64' || tensorDtype(b) !== 'int64') return undefined;
  const [counts, shapes] = [
    [elementCount(a), elementCount(b)],
    [shapeOf(a), shapeOf(b)],
  ];
  const [countA = 0, countB = 0] = counts;
  if (countA !== countB && countA !== 1 && countB !== 1) return undefined;
  const [left, right] = [tensorIntegers(a), tensorIntegers(b)];
  const values: bigint[] = [];
  for (let index = 0; index < Math.max(countA, countB); index++) {
    const value = operation(BigInt(left[countA === 1 ? 0 : index] ?? 0), BigInt(right[countB === 1 ? 0 : index] ?? 0));
    if (value === undefined) return undefined;
    values.push(BigInt.asIntN(64, value));
  }
  const larger = (shapes[0]?.length ?? 0) >= (shapes[1]?.length ?? 0) ? 0 : 1;
  const result = countA === countB ? shapes[larger] : shapes[countA > countB ? 0 : 1];
  return makeTensor(name, 'int64', result ?? [], BigInt64Array.from(values));
}
