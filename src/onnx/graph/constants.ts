import type { NodeProto, TensorProto } from 'onnx-buf';
import { dtypeOf } from '../tensor/dtype.js';
import { encodeFloat16 } from '../tensor/halfFloat.js';
import {
  elementCount,
  makeTensor,
  shapeOf,
  tensorBytes,
  tensorDtype,
  tensorFloats,
  tensorIntegers,
} from '../tensor/tensor.js';
import { foldArithmetic } from './constantArithmetic.js';
import { attributeOf, intAttribute, isOp } from './node.js';
import { transposeAxes } from './transpose.js';

/** Elements that joined constants may have together. */
const MOST_JOINED = 2 ** 27;

/** Looks up the constant behind a value; `undefined` when it is computed at run time. */
export type ConstantLookup = (name: string) => TensorProto | undefined;

/**
 * Computes the output of a node whose inputs are constants, for the operators by which exporters pass weights on:
 * Constant, Identity, Cast, Transpose, Reshape, Squeeze, Unsqueeze, Concat and Slice, and those that compute where to cut.
 *
 * @param constantOf - the constants that the node's inputs may be
 * @returns the tensor, named like the output, or `undefined` when it is no such node or an input is not constant
 */
export function foldConstant(node: NodeProto, constantOf: ConstantLookup): TensorProto | undefined {
  const name = node.output[0] ?? '';
  if (isOp(node, 'Constant')) return constantValue(node, name);
  const [first, ...rest] = node.input.map((input) => (input === '' ? undefined : constantOf(input)));
  if (first === undefined) return undefined;
  const axes = (): number[] | undefined => {
    if (node.input.length > 1) return rest[0] === undefined ? undefined : tensorIntegers(rest[0]);
    return attributeOf(node, 'axes')?.ints.map(Number);
  };
  if (isOp(node, 'Identity')) return first;
  if (isOp(node, 'Cast')) return cast(first, intAttribute(node, 'to', 0), name);
  if (isOp(node, 'Transpose')) return transpose(first, attributeOf(node, 'perm')?.ints.map(Number), name);
  if (isOp(node, 'Reshape') && rest[0] !== undefined) return reshape(first, tensorIntegers(rest[0]), name);
  if (isOp(node, 'Squeeze')) return squeeze(first, node.input.length > 1 && axes() === undefined ? null : axes(), name);
  if (isOp(node, 'Unsqueeze')) return unsqueeze(first, axes(), name);
  if (isOp(node, 'Concat')) {
    const parts = [first, ...rest];
    return parts.every((part) => part !== undefined) ? concat(parts, intAttribute(node, 'axis', 0), name) : undefined;
  }
  if (isOp(node, 'Slice')) return slice(node, first, rest, name);
  return foldArithmetic(node, [first, ...rest], name);
}

/** The tensor of a `Constant` node; `undefined` for text and sparse ones. */
export function constantValue(node: NodeProto, name: string): TensorProto | undefined {
  const attribute = node.attribute[0];
  switch (attribute?.name) {
    case 'value':
      return attribute.t;
    case 'value_float':
      return makeTensor(name, 'float32', [], Float32Array.of(attribute.f));
    case 'value_floats':
      return makeTensor(name, 'float32', [attribute.floats.length], Float32Array.from(attribute.floats));
    case 'value_int':
      return makeTensor(name, 'int64', [], BigInt64Array.of(attribute.i));
    case 'value_ints':
      return makeTensor(name, 'int64', [attribute.ints.length], BigInt64Array.from(attribute.ints));
    default:
      return undefined;
  }
}

function cast(tensor: TensorProto, to: number, name: string): TensorProto | undefined {
  const target = dtypeOf(to);
  if (target === tensorDtype(tensor)) return tensor;
  const floats = ['float32', 'float16', 'bfloat16', 'float64'];
  if (!floats.includes(tensorDtype(tensor))) return undefined;
  if (target === 'float32') return makeTensor(name, target, shapeOf(tensor), tensorFloats(tensor));
  if (target === 'float16') return makeTensor(name, target, shapeOf(tensor), encodeFloat16(tensorFloats(tensor)));
  return undefined;
}

/** Elements as numbers of their width, to be moved about whatever they mean. */
function elements(tensor: TensorProto): { values: Uint8Array | Uint16Array | Int32Array | BigInt64Array } | undefined {
  const count = elementCount(tensor);
  const bytes = tensorBytes(tensor);
  const buffer = bytes.slice().buffer;
  switch (count === 0 ? 0 : bytes.length / count) {
    case 1:
      return { values: new Uint8Array(buffer) };
    case 2:
      return { values: new Uint16Array(buffer) };
    case 4:
      return { values: new Int32Array(buffer) };
    case 8:
      return { values: new BigInt64Array(buffer) };
    default:
      return undefined;
  }
}

function transpose(tensor: TensorProto, perm: readonly number[] | undefined, name: string): TensorProto | undefined {
  const shape = shapeOf(tensor);
  const order = perm ?? shape.map((_, axis) => shape.length - 1 - axis);
  const source = elements(tensor)?.values;
  if (source === undefined || order.length !== shape.length) return undefined;
  const target = source.slice();
  transposeAxes(source, shape, order, target);
  const resultShape = order.map((axis) => shape[axis] ?? 0);
  return makeTensor(name, tensorDtype(tensor), resultShape, target);
}

function withShape(tensor: TensorProto, shape: readonly number[], name: string): TensorProto | undefined {
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count !== elementCount(tensor)) return undefined;
  return makeTensor(name, tensorDtype(tensor), shape, tensorBytes(tensor));
}

function reshape(tensor: TensorProto, wanted: readonly number[], name: string): TensorProto | undefined {
  const shape = wanted.map((dim, axis) => (dim === 0 ? (shapeOf(tensor)[axis] ?? 0) : dim));
  const known = shape.filter((dim) => dim !== -1).reduce((product, dim) => product * dim, 1);
  return withShape(
    tensor,
    shape.map((dim) => (dim === -1 ? elementCount(tensor) / known : dim)),
    name,
  );
}

function squeeze(
  tensor: TensorProto,
  axes: readonly number[] | null | undefined,
  name: string,
): TensorProto | undefined {
  if (axes === null) return undefined;
  const shape = shapeOf(tensor);
  const gone = new Set(axes?.map((axis) => (axis < 0 ? axis + shape.length : axis)));
  const kept = shape.filter((dim, axis) => (axes === undefined ? dim !== 1 : !gone.has(axis)));
  return withShape(tensor, kept, name);
}

function unsqueeze(tensor: TensorProto, axes: readonly number[] | undefined, name: string): TensorProto | undefined {
  if (axes === undefined) return undefined;
  const rank = tensor.dims.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const rest = shapeOf(tensor);
  const shape = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() ?? 1)));
  return withShape(tensor, shape, name);
}

function concat(parts: readonly TensorProto[], axis: number, name: string): TensorProto | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const shape = shapeOf(first);
  const at = axis < 0 ? axis + shape.length : axis;
  const dtype = tensorDtype(first);
  const fits = parts.every(
    (part) => tensorDtype(part) === dtype && shapeOf(part).every((dim, index) => index === at || dim === shape[index]),
  );
  if (!fits || at >= shape.length) return undefined;
  const outer = shape.slice(0, at).reduce((product, dim) => product * dim, 1);
  // A chain of nodes that join a constant with itself doubles it each time.
  if (parts.reduce((sum, part) => sum + elementCount(part), 0) > MOST_JOINED) return undefined;
  const arrays = parts.map((part) => tensorBytes(part));
  const total = arrays.reduce((sum, bytes) => sum + bytes.length, 0);
  const joined = new Uint8Array(total);
  let to = 0;
  for (let row = 0; row < outer; row++) {
    for (const bytes of arrays) {
      const length = bytes.length / outer;
      joined.set(bytes.subarray(row * length, (row + 1) * length), to);
      to += length;
    }
  }
  const length = parts.reduce((sum, part) => sum + (shapeOf(part)[at] ?? 0), 0);
  return makeTensor(name, dtype, shape.with(at, length), joined);
}

function slice(
  node: NodeProto,
  tensor: TensorProto,
  rest: readonly (TensorProto | undefined)[],
  name: string,
): TensorProto | undefined {
  const read = (index: number, attribute: string): number[] | undefined => {
    const given = node.input[index + 1];
    if (given === undefined || given === '') return attributeOf(node, attribute)?.ints.map(Number);
    const constant = rest[index];
    return constant === undefined ? undefined : tensorIntegers(constant);
  };
  const [starts, ends] = [read(0, 'starts'), read(1, 'ends')];
  const [axes, steps] = [read(2, 'axes'), read(3, 'steps')];
  // One axis and step 1: what exporters write to cut gates apart.
  if (starts?.length !== 1 || ends?.length !== 1 || (steps !== undefined && steps[0] !== 1)) return undefined;
  if (node.input.length > 3 && axes === undefined) return undefined;
  const shape = shapeOf(tensor);
  const axis = axes?.[0] ?? 0;
  const at = axis < 0 ? axis + shape.length : axis;
  const dim = shape[at];
  if (dim === undefined) return undefined;
  const clamp = (place: number): number => Math.min(dim, Math.max(0, place < 0 ? place + dim : place));
  const [from, to] = [clamp(starts[0] ?? 0), clamp(ends[0] ?? 0)];
  const outer = shape.slice(0, at).reduce((product, size) => product * size, 1);
  const bytes = tensorBytes(tensor);
  const row = bytes.length / outer;
  const inner = row / dim;
  const cut = new Uint8Array(Math.max(0, to - from) * inner * outer);
  for (let index = 0; index < outer; index++) {
    cut.set(bytes.subarray(index * row + from * inner, index * row + to * inner), (index * cut.length) / outer);
  }
  return makeTensor(name, tensorDtype(tensor), shape.with(at, Math.max(0, to - from)), cut);
}
