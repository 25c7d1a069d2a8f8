import type { NodeProto, TensorProto } from 'onnx-buf';
import { DTYPE_CODE, type Dtype } from '../onnx/dtype.js';
import { valuesRead } from '../onnx/graph.js';
import type { NameSource } from '../onnx/names.js';
import { makeNode, nodeTitle } from '../onnx/node.js';
import { bindLazy } from '../onnx/payload.js';
import {
  type FloatScratch,
  makeTensor,
  makeUnfilledTensor,
  shapeOf,
  storedSizeBytes,
  tensorDtype,
  tensorFloats,
} from '../onnx/tensor.js';
import type { DynamicSettings } from './dynamicOptions.js';
import { type ChannelLayout, type QuantizedValues, quantizeValues, type WeightType } from './params.js';
import type { CompressedWeight, Granularity } from './report.js';
import type { Constant, QuantizedNames, Scope } from './scope.js';

/** Thrown inside a rewriting to leave the node as it is; the message is the reason that the report gives. */
export class LeftInFloat extends Error {
  override readonly name: string = 'LeftInFloat';

  /**
   * @param listed - whether the report should list the node; false where there was nothing to quantize
   */
  constructor(
    message: string,
    readonly listed: boolean = true,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A weight that was quantized, and the name of what it became. */
export interface QuantizedWeight {
  readonly quantized: string;
  readonly report: CompressedWeight;
}

/** What the rewritings of one model share. */
export interface DynamicContext {
  readonly settings: DynamicSettings;
  readonly names: NameSource;
  readonly compressed: QuantizedWeight[];
  /** Names of the scales made. */
  readonly scales: Set<string>;
  /** Memory for the weight at hand. */
  readonly scratch: FloatScratch;
  /** Memory for its integers before they are reordered. */
  bytes: Uint8Array;
  /** Sum of the integers kept in memory. */
  heldBytes: number;
  /** Set when a node of ONNX Runtime's own domain was made. */
  usesMicrosoftDomain: boolean;
}

/** Domain of the operators that ONNX Runtime adds to ONNX's. */
export const MICROSOFT_DOMAIN = 'com.microsoft';

/** Integers of a model that are kept in memory until it is written; the rest is made twice. */
const MOST_HELD_BYTES = 2 ** 29;

/** How a weight is to be quantized and stored. */
export interface WeightPlan {
  readonly layout: ChannelLayout;
  readonly granularity: Granularity;
  readonly type: WeightType;
  readonly reduceRange: boolean;
  /** Shape of scales and zero points. */
  readonly paramShape: readonly number[];
  /** Shape of the stored weight. */
  readonly storedShape: readonly number[];
  /** Orders the weight before it is quantized. */
  readonly before?: (values: Float32Array) => Float32Array;
  /** Orders the integers after. */
  readonly after?: (values: QuantizedValues['values']) => QuantizedValues['values'];
}

/** Float types that a weight can have and still be quantized; others than float32 are computed through it. */
const QUANTIZABLE = ['float32', 'float16', 'float64'];

/**
 * The constant behind a node's input.
 *
 * @throws {LeftInFloat} when it is computed at run time, or not of a type that can be quantized
 */
export function constantWeight(scope: Scope, name: string | undefined, what: string): Constant {
  const constant = name === undefined || name === '' ? undefined : scope.constantOf(name);
  if (constant === undefined) throw new LeftInFloat(`its ${what} is computed at run time, not constant`);
  if (!isQuantizable(constant)) throw new LeftInFloat(`its ${what} is ${tensorDtype(constant.tensor)}`);
  return constant;
}

/** Whether a constant is of a type that can be quantized. */
export function isQuantizable(constant: Constant): boolean {
  return QUANTIZABLE.includes(tensorDtype(constant.tensor));
}

/** Quantizes a weight once, however many nodes read it, and names the result. */
export function quantizeWeight(
  context: DynamicContext,
  weight: Constant,
  node: NodeProto,
  manner: string,
  plan: WeightPlan,
): QuantizedNames {
  const known = weight.owner.weights.get(`${weight.name} ${manner}`);
  if (known !== undefined) return known;
  const { tensor, name } = weight;
  const floats = context.scratch.floatsOf(tensor);
  // What is reordered afterwards is written to memory that the next weight uses again.
  if (plan.after !== undefined && context.bytes.length < floats.length) context.bytes = new Uint8Array(floats.length);
  let quantized: QuantizedValues;
  try {
    const memory = plan.after === undefined ? undefined : context.bytes;
    quantized = quantizeValues(plan.before?.(floats) ?? floats, plan.layout, plan, memory);
  } catch (error) {
    throw new LeftInFloat(`its weight ${name}: ${(error as Error).message}`, true, { cause: error });
  }
  const names = {
    quantized: context.names.value(`${name}_quantized`),
    scale: context.names.value(`${name}_scale`),
    zeroPoint: context.names.value(`${name}_zero_point`),
  };
  const made = [
    makeTensor(names.scale, 'float32', plan.paramShape, quantized.scales),
    makeTensor(names.zeroPoint, plan.type, plan.paramShape, quantized.zeroPoints),
    integers(context, tensor, names.quantized, plan, plan.after?.(quantized.values) ?? quantized.values),
  ];
  context.scales.add(names.scale);
  weight.owner.added.push(...made);
  weight.owner.weights.set(`${name} ${manner}`, names);
  const report: CompressedWeight = {
    name,
    node: nodeTitle(node),
    opType: node.opType,
    shape: shapeOf(tensor),
    from: tensorDtype(tensor),
    to: plan.type,
    granularity: plan.granularity,
    sizeBytesBefore: storedSizeBytes(tensor),
    sizeBytesAfter: made.reduce((sum: number, one: TensorProto) => sum + storedSizeBytes(one), 0),
    signalToErrorDb: Number.isFinite(quantized.signalToErrorDb) ? quantized.signalToErrorDb : null,
  };
  context.compressed.push({ quantized: names.quantized, report });
  return names;
}

/**
 * The stored integers: kept, or, past a certain sum, made again from the weight when the model is written, so that a
 * model larger than memory can be quantized.
 */
function integers(
  context: DynamicContext,
  weight: TensorProto,
  name: string,
  plan: WeightPlan,
  values: QuantizedValues['values'],
): TensorProto {
  if (context.heldBytes + values.length <= MOST_HELD_BYTES) {
    context.heldBytes += values.length;
    return makeTensor(name, plan.type, plan.storedShape, values);
  }
  const tensor = makeUnfilledTensor(name, plan.type, plan.storedShape);
  bindLazy(tensor, () => {
    const floats = tensorFloats(weight);
    const again = quantizeValues(plan.before?.(floats) ?? floats, plan.layout, plan).values;
    const stored = plan.after?.(again) ?? again;
    return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  });
  return tensor;
}

/** Quantizes a whole tensor with one scale; what ONNX Runtime's tool does once, every reader shares. */
export function quantizeWhole(
  context: DynamicContext,
  weight: Constant,
  node: NodeProto,
  type: WeightType,
  reduceRange: boolean,
): QuantizedNames {
  const shape = shapeOf(weight.tensor);
  const inner = shape.reduce((product, dim) => product * dim, 1);
  if (inner === 0) throw new LeftInFloat('its weight is empty');
  return quantizeWeight(context, weight, node, 'whole', {
    layout: { groups: 1, outer: 1, channels: 1, inner },
    granularity: 'tensor',
    type,
    reduceRange,
    paramShape: [],
    storedShape: shape,
  });
}

/** Quantizes an activation to uint8 at run time, once for all that read it, in the graph that makes it. */
export function quantizeActivation(context: DynamicContext, scope: Scope, name: string): QuantizedNames {
  const owner = scope.ownerOf(name) ?? scope;
  const known = owner.activations.get(name);
  if (known !== undefined) return known;
  const names = {
    quantized: context.names.value(`${name}_quantized`),
    scale: context.names.value(`${name}_scale`),
    zeroPoint: context.names.value(`${name}_zero_point`),
  };
  const outputs = [names.quantized, names.scale, names.zeroPoint];
  const nodeName = context.names.node(`${name}_QuantizeLinear`);
  addNodes(context, owner, makeNode('DynamicQuantizeLinear', [name], outputs, { name: nodeName }));
  owner.activations.set(name, names);
  return names;
}

/** Casts a value of a half- or double-precision model to float32, once for all that need it. */
export function castToFloat32(context: DynamicContext, scope: Scope, name: string): string {
  const owner = scope.ownerOf(name) ?? scope;
  const known = owner.casts.get(name);
  if (known !== undefined) return known;
  const output = context.names.value(`${name}_float32`);
  addNodes(context, owner, makeNode('Cast', [name], [output], { attributes: { to: DTYPE_CODE.float32 } }));
  owner.casts.set(name, output);
  owner.made.add(output);
  return output;
}

/** Adds nodes to a graph; values that exist only quantized and that they read are brought back to float first. */
export function addNodes(context: DynamicContext, scope: Scope, ...nodes: readonly NodeProto[]): void {
  for (const node of nodes) {
    for (const name of valuesRead(node)) dequantizePending(context, scope.ownerOf(name) ?? scope, name);
    scope.nodes.push(node);
  }
}

/** Brings a value that exists only quantized back to float. */
export function dequantizePending(context: DynamicContext, owner: Scope, name: string): void {
  const pending = owner.pending.get(name);
  if (pending === undefined) return;
  owner.pending.delete(name);
  const { quantized, scale, zeroPoint } = pending.names;
  const wide = pending.dtype === 'float32';
  const output = wide ? name : context.names.value(`${name}_float32`);
  const nodeName = context.names.node(`${name}_DequantizeLinear`);
  owner.nodes.push(makeNode('DequantizeLinear', [quantized, scale, zeroPoint], [output], { name: nodeName }));
  if (!wide) owner.nodes.push(castFrom(output, name, pending.dtype));
}

/** The node that brings a float32 result back to the model's type. */
export function castFrom(float32: string, output: string, dtype: Dtype): NodeProto {
  return makeNode('Cast', [float32], [output], { attributes: { to: DTYPE_CODE[dtype] } });
}
