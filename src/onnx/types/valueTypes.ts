import type { GraphProto, NodeProto, TypeProto, ValueInfoProto } from 'onnx-buf';
import { ownValue } from '../../ownValue.js';
import { attributeOf } from '../graph/node.js';
import { subgraphsOf } from '../graph/subgraphs.js';
import { DTYPE_CODE, type Dtype, dtypeOf } from '../tensor/dtype.js';
import { tensorDtype } from '../tensor/tensor.js';
import { inputParameter, type OperatorSets, outputParameters, signatureOf } from './signature.js';

/** Element types of values by name; a value that is no dense tensor (a sequence, an optional) is not among them. */
export class ValueTypes extends Map<string, Dtype> {
  /** Element types of sequences and optionals. */
  readonly elements: Map<string, Dtype>;

  /** @param outer - types known in the graphs around */
  constructor(outer?: ValueTypes) {
    super(outer);
    this.elements = new Map(outer?.elements);
  }
}

/** Operators that take an element out of a sequence or an optional, and those that put it in, by input. */
const TAKEN_FROM: ReadonlySet<string> = new Set(['SequenceAt', 'ConcatFromSequence', 'OptionalGetElement']);
const PUT_INTO: Readonly<Record<string, number>> = {
  SequenceConstruct: 0,
  SplitToSequence: 0,
  SequenceInsert: 1,
  Optional: 0,
};

/**
 * Element types of the values of a graph, from what the file declares and from the definitions of the operators that
 * make them: files seldom declare all. Types that cannot be told are left out.
 *
 * @param sets - of the model
 * @param outer - types known in the graphs around it
 * @param given - types of its inputs, where the graph is the body of a node
 */
export function valueTypes(
  graph: GraphProto,
  sets: OperatorSets,
  outer?: ValueTypes,
  given: readonly (Dtype | undefined)[] = [],
): ValueTypes {
  const types = new ValueTypes(outer);
  for (const [index, { name }] of graph.input.entries()) {
    const dtype = given[index];
    if (dtype !== undefined) types.set(name, dtype);
  }
  for (const value of [...graph.input, ...graph.valueInfo, ...graph.output]) declare(value, types);
  for (const tensor of graph.initializer) types.set(tensor.name, tensorDtype(tensor));
  for (const { values } of graph.sparseInitializer) if (values) types.set(values.name, tensorDtype(values));
  for (const node of graph.node) {
    for (const [index, name] of node.output.entries()) {
      if (name === '' || types.has(name)) continue;
      const dtype = outputType(node, index, types, sets);
      if (dtype !== undefined) types.set(name, dtype);
    }
    noteElements(node, types);
  }
  return types;
}

function declare({ name, type }: ValueInfoProto, types: ValueTypes): void {
  const tensor = tensorElement(type);
  if (tensor !== undefined) types.set(name, tensor);
  const container = type?.value;
  if (container?.case !== 'sequenceType' && container?.case !== 'optionalType') return;
  const element = tensorElement(container.value.elemType);
  if (element !== undefined) types.elements.set(name, element);
}

function tensorElement(type: TypeProto | undefined): Dtype | undefined {
  const tensor = type?.value;
  const dtype = tensor?.case === 'tensorType' ? dtypeOf(tensor.value.elemType) : undefined;
  return dtype === 'undefined' ? undefined : dtype;
}

/** Type of one of a node's outputs, by its operator's definition and the types of its inputs. */
export function outputType(node: NodeProto, index: number, types: ValueTypes, sets: OperatorSets): Dtype | undefined {
  if (subgraphsOf(node).length > 0) return nestedType(node, index, types, sets);
  if (TAKEN_FROM.has(node.opType)) return types.elements.get(node.input[0] ?? '');
  const signature = signatureOf(node, sets);
  if (signature === undefined) return undefined;
  for (const told of outputParameters(signature, index)) {
    if (told.startsWith('@')) {
      const dtype = attributeType(node, told.slice(1));
      if (dtype !== undefined) return dtype;
    } else if (told in DTYPE_CODE) {
      return told as Dtype;
    } else {
      const place = node.input.findIndex((name, at) => name !== '' && inputParameter(signature, at) === told);
      const dtype = types.get(node.input[place] ?? '');
      if (dtype !== undefined) return dtype;
      // Known to follow an input whose type is not known: what holds without that input would be wrong.
      if (place !== -1) return undefined;
    }
  }
  return undefined;
}

/** The type that an attribute names, or that of the value which it holds. */
function attributeType(node: NodeProto, name: string): Dtype | undefined {
  if (name !== 'value') {
    const code = Number(attributeOf(node, name)?.i ?? 0);
    return code === 0 ? undefined : dtypeOf(code);
  }
  for (const { name: kind, t, sparseTensor } of node.attribute) {
    const tensor = t ?? sparseTensor?.values;
    if (tensor !== undefined) return tensorDtype(tensor);
    if (kind.startsWith('value_int')) return 'int64';
    if (kind.startsWith('value_float')) return 'float32';
    if (kind.startsWith('value_string')) return 'string';
  }
  return undefined;
}

/** Type of what comes out of a nested graph; a loop's first output is its condition, which stays inside. */
function nestedType(node: NodeProto, index: number, types: ValueTypes, sets: OperatorSets): Dtype | undefined {
  const [body] = subgraphsOf(node);
  const output = body?.output[index + (node.opType === 'Loop' ? 1 : 0)];
  if (body === undefined || output === undefined) return undefined;
  return tensorElement(output.type) ?? valueTypes(body, sets, types, bodyInputTypes(node, types)).get(output.name);
}

/** Types of the inputs of a `Loop`'s or `Scan`'s body: those of the values that the node reads. */
export function bodyInputTypes(node: NodeProto, types: ValueTypes): (Dtype | undefined)[] {
  const read = node.input.map((name) => types.get(name));
  if (node.opType === 'Loop') return ['int64', 'bool', ...read.slice(2)];
  return node.opType === 'Scan' ? read : [];
}

function noteElements(node: NodeProto, types: ValueTypes): void {
  const [output = ''] = node.output;
  if (output === '' || types.has(output)) return;
  const put = ownValue(PUT_INTO, node.opType);
  const element =
    types.elements.get(node.input[0] ?? '') ?? (put === undefined ? undefined : types.get(node.input[put] ?? ''));
  const empty = node.opType === 'SequenceEmpty' ? (attributeType(node, 'dtype') ?? 'float32') : undefined;
  const dtype = element ?? empty;
  if (dtype !== undefined) types.elements.set(output, dtype);
}
