import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { InputError } from '../../errors.js';
import { ownValue } from '../../ownValue.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../model.js';
import type { Dtype } from '../tensor/dtype.js';
import { encodeFloat16 } from '../tensor/halfFloat.js';
import { makeTensor } from '../tensor/tensor.js';
import { type OperatorSets, operatorSetsOf } from '../types/signature.js';
import { bodyInputTypes, type ValueTypes, valueTypes } from '../types/valueTypes.js';
import { copyMessage } from './copy.js';
import { NameSource } from './names.js';
import { attributeOf, intAttribute, isOp, makeNode, nodeTitle, stringAttribute } from './node.js';
import { mapSubgraphs } from './prune.js';
import { subgraphsOf } from './subgraphs.js';

/** First operator set that the conversion starts from. */
const LOWEST = 7;

/** IR version that operator set 11 came with. */
const IR_VERSION = 6n;

/** A graph's new constants, names for them, and the types of its values. */
interface Constants {
  readonly names: NameSource;
  readonly added: TensorProto[];
  readonly types: ValueTypes;
}

type Conversion = (node: NodeProto, constants: Constants, from: number) => NodeProto;

/**
 * Operators whose older form (operator sets 7 to 10) operator set 11 no longer reads, and how each is written there.
 * All others only learned something new between 7 and 11 (Changelog.md of ONNX).
 */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  Clip: convertClip,
  Pad: convertPad,
  Slice: convertSlice,
  TopK: convertTopK,
  Upsample: convertUpsample,
  Resize: convertResize,
  BatchNormalization: convertBatchNormalization,
  Dropout: convertDropout,
  Scatter: (node) => copyMessage(node, { opType: 'ScatterElements' }),
  Scan: (node, _, from) => (from < 9 ? refuse(node, 'its form before operator set 9') : node),
};

/**
 * Rewrites a model of operator set 7 to 10 to operator set 11, which has `DynamicQuantizeLinear`. A later one is
 * returned as it is.
 *
 * @throws {InputError} for an operator set below 7, or an operator whose meaning cannot be kept, by name
 */
export function raiseToOpset11(model: OnnxModel): OnnxModel {
  const from = opsetVersion(model);
  if (from >= 11) return model;
  if (from < LOWEST) {
    throw new InputError(
      `${model.path}: operator set ${LOWEST} or later was required, got ${from}; export the model with a later one`,
    );
  }
  const names = new NameSource(model.proto);
  let graph = convertGraph(mainGraph(model), names, from, operatorSetsOf(model.proto), undefined, []);
  let { irVersion } = model.proto;
  if (irVersion < 4n) {
    // Up to IR 3 each weight is listed as an input, too; from 4 on that would let callers replace it.
    const weights = new Set(graph.initializer.map((tensor) => tensor.name));
    graph = copyMessage(graph, { input: graph.input.filter((input) => !weights.has(input.name)) });
  }
  if (irVersion < IR_VERSION) irVersion = IR_VERSION;
  const opsetImport = model.proto.opsetImport.map((entry) =>
    entry.domain === '' || entry.domain === 'ai.onnx'
      ? create(OperatorSetIdProtoSchema, { domain: entry.domain, version: 11n })
      : entry,
  );
  return { proto: copyMessage(model.proto, { graph, opsetImport, irVersion }), path: model.path };
}

function convertGraph(
  graph: GraphProto,
  names: NameSource,
  from: number,
  sets: OperatorSets,
  outer: ValueTypes | undefined,
  given: readonly (Dtype | undefined)[],
): GraphProto {
  const types = valueTypes(graph, sets, outer, given);
  const constants: Constants = { names, added: [], types };
  const node = graph.node.map((one) => {
    const nested = (body: GraphProto): GraphProto =>
      convertGraph(body, names, from, sets, types, bodyInputTypes(one, types));
    const inner = subgraphsOf(one).length > 0 ? mapSubgraphs(one, nested) : one;
    const conversion = ownValue(CONVERSIONS, one.opType);
    return conversion !== undefined && isOp(one, one.opType) ? conversion(inner, constants, from) : inner;
  });
  return copyMessage(graph, { node, initializer: [...graph.initializer, ...constants.added] });
}

function refuse(node: NodeProto, what: string): never {
  throw new InputError(
    `${node.opType} ${nodeTitle(node)}: an operator that operator set 11 has was required, got ${what}; export the model with operator set 11 or later`,
  );
}

function constant(
  constants: Constants,
  wanted: string,
  dtype: Dtype,
  values: readonly number[],
  scalar = false,
): string {
  const name = constants.names.value(wanted);
  constants.added.push(makeTensor(name, dtype, scalar ? [] : [values.length], elements(dtype, values)));
  return name;
}

function elements(dtype: Dtype, values: readonly number[]): ArrayBufferView {
  switch (dtype) {
    case 'float16':
      return encodeFloat16(Float32Array.from(values));
    case 'float64':
      return Float64Array.from(values);
    case 'float32':
      return Float32Array.from(values);
    default:
      return BigInt64Array.from(values, (value) => BigInt(value));
  }
}

/** The floating-point type that a node computes in: what it reads. */
function computedIn(node: NodeProto, constants: Constants): Dtype {
  const dtype = constants.types.get(node.input[0] ?? '');
  return dtype === 'float16' || dtype === 'float64' ? dtype : 'float32';
}

/** Turns attributes into inputs. */
function withInputs(node: NodeProto, inputs: readonly string[], dropped: readonly string[]): NodeProto {
  const attribute = node.attribute.filter((one) => !dropped.includes(one.name));
  return copyMessage(node, { input: [node.input[0] ?? '', ...inputs], attribute });
}

function ints(attribute: AttributeProto | undefined): number[] {
  return attribute?.ints.map(Number) ?? [];
}

function convertClip(node: NodeProto, constants: Constants): NodeProto {
  const bound = (name: string): string => {
    const attribute = attributeOf(node, name);
    return attribute === undefined
      ? ''
      : constant(constants, `${node.output[0]}_${name}`, computedIn(node, constants), [attribute.f], true);
  };
  return withInputs(node, [bound('min'), bound('max')], ['min', 'max']);
}

function convertPad(node: NodeProto, constants: Constants): NodeProto {
  const pads = constant(constants, `${node.output[0]}_pads`, 'int64', ints(attributeOf(node, 'pads')));
  const value = attributeOf(node, 'value')?.f ?? 0;
  const filler = constant(constants, `${node.output[0]}_value`, computedIn(node, constants), [value], true);
  return withInputs(node, [pads, filler], ['pads', 'value']);
}

function convertSlice(node: NodeProto, constants: Constants, from: number): NodeProto {
  if (from >= 10) return node;
  const output = node.output[0] ?? '';
  const inputs = ['starts', 'ends'].map((name) =>
    constant(constants, `${output}_${name}`, 'int64', ints(attributeOf(node, name))),
  );
  const axes = attributeOf(node, 'axes');
  if (axes !== undefined) inputs.push(constant(constants, `${output}_axes`, 'int64', ints(axes)));
  return withInputs(node, inputs, ['starts', 'ends', 'axes']);
}

function convertTopK(node: NodeProto, constants: Constants, from: number): NodeProto {
  if (from >= 10) return node;
  const k = constant(constants, `${node.output[0]}_k`, 'int64', [intAttribute(node, 'k', 0)]);
  return withInputs(node, [k], ['k']);
}

function convertUpsample(node: NodeProto, constants: Constants, from: number): NodeProto {
  const output = node.output[0] ?? '';
  const given = from >= 9 ? node.input[1] : undefined;
  const scales = given ?? constant(constants, `${output}_scales`, 'float32', attributeOf(node, 'scales')?.floats ?? []);
  return resized(node, scales, constants);
}

function convertResize(node: NodeProto, constants: Constants): NodeProto {
  // Before 11, "nearest" went up by rounding down and down by rounding up: which of them, only the scales tell.
  if (stringAttribute(node, 'mode', 'nearest') === 'nearest') refuse(node, 'Resize to the nearest of set 10');
  return resized(node, node.input[1] ?? '', constants);
}

function resized(node: NodeProto, scales: string, constants: Constants): NodeProto {
  const region = constant(constants, `${node.output[0]}_roi`, 'float32', []);
  return makeNode('Resize', [node.input[0] ?? '', region, scales], node.output, {
    name: node.name,
    attributes: {
      mode: stringAttribute(node, 'mode', 'nearest'),
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    },
  });
}

function convertBatchNormalization(node: NodeProto, _: Constants, from: number): NodeProto {
  if (from >= 9) return node;
  if (intAttribute(node, 'spatial', 1) === 0) refuse(node, 'normalisation for each place (spatial 0)');
  return copyMessage(node, { attribute: node.attribute.filter((one) => one.name !== 'spatial') });
}

function convertDropout(node: NodeProto, _: Constants, from: number): NodeProto {
  if (from < 10 && (node.output[1] ?? '') !== '') refuse(node, 'a mask of numbers');
  return node;
}
