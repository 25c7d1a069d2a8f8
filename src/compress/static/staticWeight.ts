import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../../onnx/graph/node.js';
import { shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import { roundHalfToEven } from '../numbers/rounding.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { type ChannelLayout, quantizeValues } from '../rewrite/params.js';
import type { Constant } from '../rewrite/scope.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';
import type { StaticOpType, StaticSettings } from './staticOptions.js';

/** Largest int32: what a bias may become. */
const LARGEST_BIAS = 2 ** 31 - 1;

/** A layer's weight as int8 and its bias as int32. */
export interface StaticWeight {
  readonly values: Int8Array;
  /** One, or one for each channel. */
  readonly scales: Float32Array;
  /** The axis of the channels, or `null` where there is one scale. */
  readonly axis: number | null;
  readonly signalToErrorDb: number;
  /** The bias in units of input scale times weight scale. */
  readonly bias: Int32Array | null;
  readonly biasScales: Float32Array;
  readonly biasSignalToErrorDb: number;
  /** Tells apart what the same weight became for other readers. */
  readonly key: string;
}

/**
 * Quantizes a layer's weight, symmetric int8, and its bias, int32 of scale input · weight. A channel whose bias would
 * not fit gets a coarser weight scale, as ONNX Runtime does.
 *
 * @param inputScale - of the quantized activation that the layer reads
 * @throws {LeftInFloat} when a weight is not finite
 */
export function staticWeight(
  node: NodeProto,
  opType: StaticOpType,
  weight: Constant,
  bias: Constant | undefined,
  inputScale: number,
  settings: StaticSettings,
): StaticWeight {
  const shape = shapeOf(weight.tensor);
  const axis = settings.perChannel ? channelAxis(node, opType, shape) : null;
  const product = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);
  const layout: ChannelLayout =
    axis === null
      ? { groups: 1, outer: 1, channels: 1, inner: product(shape) }
      : {
          groups: 1,
          outer: product(shape.slice(0, axis)),
          channels: shape[axis] ?? 1,
          inner: product(shape.slice(axis + 1)),
        };
  const floats = tensorFloats(weight.tensor);
  const { values, scales, signalToErrorDb: decibels } = quantized(weight, floats, layout, settings);
  const biases = bias === undefined ? new Float32Array(0) : tensorFloats(bias.tensor);
  let coarsened = '';
  for (const [i, value] of biases.entries()) {
    const channel = axis === null ? 0 : i;
    const needed = Math.fround(Math.abs(value) / LARGEST_BIAS / inputScale);
    if (needed <= (scales[channel] ?? 1)) continue;
    // A little above, so that rounding to float32 cannot take it back below.
    scales[channel] = needed * (1 + 2 ** -20);
    coarsened += ` ${channel}:${needed}`;
  }
  if (coarsened !== '') requantize(floats, values, scales, layout);
  const biasScales = scales.map((scale) => scale * inputScale);
  const integers = Int32Array.from(biases, (value, i) =>
    roundHalfToEven(value / (biasScales[axis === null ? 0 : i] ?? 1)),
  );
  const back = Float32Array.from(integers, (value, i) => value * (biasScales[axis === null ? 0 : i] ?? 1));
  return {
    values,
    scales,
    axis,
    signalToErrorDb: decibels,
    bias: bias === undefined ? null : integers,
    biasScales,
    biasSignalToErrorDb: signalToErrorDb(biases, back),
    key: `${axis}${coarsened}`,
  };
}

function channelAxis(node: NodeProto, opType: StaticOpType, shape: readonly number[]): number | null {
  if (opType === 'Conv') return 0;
  // The runtime's integer product knows scales per column of a matrix, not of a stack of them.
  if (shape.length !== 2) return null;
  return opType === 'Gemm' && intAttribute(node, 'transB', 0) !== 0 ? 0 : 1;
}

function quantized(
  weight: Constant,
  floats: Float32Array,
  layout: ChannelLayout,
  settings: StaticSettings,
): { values: Int8Array; scales: Float32Array; signalToErrorDb: number } {
  try {
    const made = quantizeValues(floats, layout, { type: 'int8', reduceRange: settings.reduceRange });
    return { ...made, values: Int8Array.from(made.values) };
  } catch (error) {
    throw new LeftInFloat('values', `its weight ${weight.name}: ${(error as Error).message}`, { cause: error });
  }
}

function requantize(floats: Float32Array, values: Int8Array, scales: Float32Array, layout: ChannelLayout): void {
  for (let i = 0; i < floats.length; i++) {
    const channel = Math.floor(i / layout.inner) % layout.channels;
    const code = roundHalfToEven(Math.fround((floats[i] ?? 0) / (scales[channel] ?? 1)));
    values[i] = Math.min(Math.max(code, -128), 127);
  }
}
