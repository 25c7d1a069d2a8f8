import type { NodeProto, TensorProto } from 'onnx-buf';
import { bindLazy } from '../../onnx/file/payload.js';
import { makeTensor, makeUnfilledTensor, shapeOf, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { type ChannelLayout, type QuantizedValues, quantizeValues, type WeightType } from '../rewrite/params.js';
import type { Granularity } from '../rewrite/report.js';
import { compressedWeight, constantInput } from '../rewrite/rewrite.js';
import type { Constant, QuantizedNames, Scope } from '../rewrite/scope.js';
import type { DynamicContext } from './dynamicContext.js';

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
  const constant = constantInput(scope, name, what);
  if (!isQuantizable(constant)) throw new LeftInFloat('type', `its ${what} is ${tensorDtype(constant.tensor)}`);
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
    throw new LeftInFloat('values', `its weight ${name}: ${(error as Error).message}`, { cause: error });
  }
  const names = {
    quantized: context.names.value(`${name}_quantized`),
    scale: context.names.value(`${name}_scale`),
    zeroPoint: context.names.value(`${name}_zero_point`),
  };
  const stored = integers(context, tensor, names.quantized, plan, plan.after?.(quantized.values) ?? quantized.values);
  const params = [
    makeTensor(names.scale, 'float32', plan.paramShape, quantized.scales),
    makeTensor(names.zeroPoint, plan.type, plan.paramShape, quantized.zeroPoints),
  ];
  context.params.add(names.scale);
  weight.owner.added.push(...params, stored);
  weight.owner.weights.set(`${name} ${manner}`, names);
  const report = compressedWeight(weight, node, [stored, ...params], plan.granularity, quantized.signalToErrorDb);
  context.compressed.push({ stored: names.quantized, report });
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
  if (inner === 0) throw new LeftInFloat('form', 'its weight is empty');
  return quantizeWeight(context, weight, node, 'whole', {
    layout: { groups: 1, outer: 1, channels: 1, inner },
    granularity: 'tensor',
    type,
    reduceRange,
    paramShape: [],
    storedShape: shape,
  });
}
