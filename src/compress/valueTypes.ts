import type { GraphProto, NodeProto, ValueInfoProto } from 'onnx-buf';
import { type Dtype, dtypeOf } from '../onnx/dtype.js';
import { attributeOf, intAttribute } from '../onnx/node.js';
import { subgraphsOf } from '../onnx/subgraphs.js';
import { tensorDtype } from '../onnx/tensor.js';

/** Operators whose output has a type of its own, whatever they read. */
const FIXED: Readonly<Record<string, Dtype>> = {
  Shape: 'int64',
  Size: 'int64',
  NonZero: 'int64',
  ArgMax: 'int64',
  ArgMin: 'int64',
  Equal: 'bool',
  Less: 'bool',
  LessOrEqual: 'bool',
  Greater: 'bool',
  GreaterOrEqual: 'bool',
  And: 'bool',
  Or: 'bool',
  Xor: 'bool',
  Not: 'bool',
  IsNaN: 'bool',
  IsInf: 'bool',
  MatMulInteger: 'int32',
  ConvInteger: 'int32',
  TfIdfVectorizer: 'float32',
};

/** Operators whose type is that of another input than the first. */
const TYPED_BY: Readonly<Record<string, number>> = {
  Where: 1,
  CastLike: 1,
  OneHot: 2,
  DequantizeLinear: 1,
  QuantizeLinear: 2,
};

/** Further outputs of a type of their own. */
const SECOND: Readonly<Record<string, Dtype>> = { TopK: 'int64', MaxPool: 'int64', Dropout: 'bool', Unique: 'int64' };

/**
 * Element types of the values of a graph, from what the file declares and from the operators that make them: files
 * seldom declare all. Types that cannot be told are left out.
 *
 * @param outer - types known in the graphs around it
 */
export function valueTypes(graph: GraphProto, outer: ReadonlyMap<string, Dtype> = new Map()): Map<string, Dtype> {
  const types = new Map(outer);
  const declare = (values: readonly ValueInfoProto[]): void => {
    for (const value of values) {
      const type = value.type?.value;
      const dtype = type?.case === 'tensorType' ? dtypeOf(type.value.elemType) : undefined;
      if (dtype !== undefined && dtype !== 'undefined') types.set(value.name, dtype);
    }
  };
  declare(graph.input);
  declare(graph.valueInfo);
  declare(graph.output);
  for (const tensor of graph.initializer) types.set(tensor.name, tensorDtype(tensor));
  for (const node of graph.node) {
    for (const [index, name] of node.output.entries()) {
      if (name === '' || types.has(name)) continue;
      const dtype = outputType(node, index, types);
      if (dtype !== undefined) types.set(name, dtype);
    }
  }
  return types;
}

function outputType(node: NodeProto, index: number, types: ReadonlyMap<string, Dtype>): Dtype | undefined {
  const { opType } = node;
  if (index > 0 && SECOND[opType] !== undefined) return SECOND[opType];
  if (FIXED[opType] !== undefined) return FIXED[opType];
  const attributeType = attributeOf(node, opType === 'Cast' ? 'to' : 'dtype');
  if (attributeType !== undefined) return dtypeOf(Number(attributeType.i));
  switch (opType) {
    case 'Constant':
    case 'ConstantOfShape': {
      const value = attributeOf(node, 'value')?.t;
      if (value !== undefined) return tensorDtype(value);
      return node.attribute[0]?.name.startsWith('value_int') ? 'int64' : 'float32';
    }
    case 'RandomNormal':
    case 'RandomUniform':
      return 'float32';
    case 'DynamicQuantizeLinear':
      return index === 1 ? 'float32' : 'uint8';
    case 'If':
    case 'Loop':
    case 'Scan':
      return nestedType(node, index, types);
    case 'QuantizeLinear':
      return types.get(node.input[2] ?? '') ?? 'uint8';
    default:
      return types.get(node.input[TYPED_BY[opType] ?? 0] ?? '');
  }
}

/** Type of what comes out of a nested graph; a loop's first output is its condition, which stays inside. */
function nestedType(node: NodeProto, index: number, types: ReadonlyMap<string, Dtype>): Dtype | undefined {
  const [body] = subgraphsOf(node);
  if (body === undefined) return undefined;
  const output = body.output[index + (node.opType === 'Loop' ? 1 : 0)];
  return output === undefined ? undefined : valueTypes(body, types).get(output.name);
}

/** Whether a `Cast` makes float32 of integers or truth values. */
export function castsToFloat(node: NodeProto, types: ReadonlyMap<string, Dtype>): boolean {
  return (
    node.opType === 'Cast' &&
    dtypeOf(intAttribute(node, 'to', 0)) === 'float32' &&
    types.get(node.input[0] ?? '') !== 'float32'
  );
}
