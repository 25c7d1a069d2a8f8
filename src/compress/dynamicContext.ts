import type { NodeProto, TensorProto } from 'onnx-buf';
import { DTYPE_CODE } from '../onnx/dtype.js';
import type { NameSource } from '../onnx/names.js';
import { makeNode, nodeTitle } from '../onnx/node.js';
import { makeTensor, shapeOf, storedSizeBytes, tensorDtype, tensorFloats } from '../onnx/tensor.js';
import type { DynamicSettings } from './dynamicOptions.js';
import { type ChannelLayout, type QuantizedValues, quantizeValues, type WeightType } from './params.js';
import type { CompressedWeight, Granularity } from './report.js';
import type { Constant, QuantizedNames, Scope } from './scope.js';

/** Thrown inside a rewriting to leave the node as it is; the message is the reason that the report gives. */
export class LeftInFloat extends Error {
  override readonly name: string = 'LeftInFloat';
}

/** What the rewritings of one model share. */
export interface DynamicContext {
  readonly settings: DynamicSettings;
  readonly names: NameSource;
  readonly compressed: CompressedWeight[];
  /** Names of the scales made. */
  readonly scales: Set<string>;
  /** Set when a node of ONNX Runtime's own domain was made. */
  usesMicrosoftDomain: boolean;
}

/** Domain of the operators that ONNX Runtime adds to ONNX's. */
export const MICROSOFT_DOMAIN = 'com.microsoft';

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
  const dtype = tensorDtype(constant.tensor);
  if (!QUANTIZABLE.includes(dtype)) throw new LeftInFloat(`its ${what} is ${dtype}`);
  return constant;
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
  const floats = tensorFloats(tensor);
  let quantized: QuantizedValues;
  try {
    quantized = quantizeValues(plan.before?.(floats) ?? floats, plan.layout, plan);
  } catch (error) {
    throw new LeftInFloat(`its weight ${name}: ${(error as Error).message}`, { cause: error });
  }
  const names = {
    quantized: context.names.value(`${name}_quantized`),
    scale: context.names.value(`${name}_scale`),
    zeroPoint: context.names.value(`${name}_zero_point`),
  };
  const made = [
    makeTensor(names.scale, 'float32', plan.paramShape, quantized.scales),
    makeTensor(names.zeroPoint, plan.type, plan.paramShape, quantized.zeroPoints),
    makeTensor(names.quantized, plan.type, plan.storedShape, plan.after?.(quantized.values) ?? quantized.values),
  ];
  context.scales.add(names.scale);
  weight.owner.added.push(...made);
  weight.owner.weights.set(`${name} ${manner}`, names);
  context.compressed.push({
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
  });
  return names;
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
  owner.nodes.push(makeNode('DynamicQuantizeLinear', [name], outputs, { name: nodeName }));
  owner.activations.set(name, names);
  return names;
}

/** Casts a value of a half- or double-precision model to float32, once for all that need it. */
export function castToFloat32(context: DynamicContext, scope: Scope, name: string): string {
  const owner = scope.ownerOf(name) ?? scope;
  const known = owner.casts.get(name);
  if (known !== undefined) return known;
  const output = context.names.value(`${name}_float32`);
  owner.nodes.push(makeNode('Cast', [name], [output], { attributes: { to: DTYPE_CODE.float32 } }));
  owner.casts.set(name, output);
  owner.made.add(output);
  return output;
}
