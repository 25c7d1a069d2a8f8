import type { NodeProto } from 'onnx-buf';
import { attributeOf, isOp, makeNode } from '../../onnx/graph/node.js';
import { makeTensor, tensorFloats } from '../../onnx/tensor/tensor.js';
import type { ValueRange } from '../calibrators/range.js';
import { roundHalfToEven } from '../numbers/rounding.js';
import type { QuantizationParams } from '../rewrite/params.js';
import type { Rewriting } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import type { StaticSettings } from './staticOptions.js';

/**
 * Scale and zero point of an activation: the range stretched to hold zero, in double precision, the scale stored as
 * float32 (ONNX Runtime's `compute_scale_zp`).
 */
export function activationParams(
  range: ValueRange,
  settings: Pick<StaticSettings, 'activationType' | 'activationSymmetric'>,
): QuantizationParams {
  const { activationSymmetric: symmetric } = settings;
  // ONNX Runtime leaves −128 out of symmetric int8.
  const signed = settings.activationType === 'int8';
  const lowest = signed ? (symmetric ? -127 : -128) : 0;
  const highest = signed ? 127 : 255;
  let low = Math.min(range.lowest, 0);
  let high = Math.max(range.highest, 0);
  if (symmetric) {
    high = Math.max(-low, high);
    low = -high;
  }
  const scale = (high - low) / (highest - lowest);
  if (scale < 2 ** -126) return { scale: 1, zeroPoint: 0 };
  const zeroPoint = symmetric ? roundHalfToEven((lowest + highest) / 2) : roundHalfToEven(lowest - low / scale);
  return { scale: Math.fround(scale), zeroPoint };
}

/** What a `Relu` or `Clip` limits its values to; `undefined` where that is computed at run time. */
export function bounds(node: NodeProto, scope: Scope): ValueRange | undefined {
  if (isOp(node, 'Relu')) return { lowest: 0, highest: Number.POSITIVE_INFINITY };
  const limit = (place: number, attribute: string, otherwise: number): number | undefined => {
    const name = node.input[place] ?? '';
    if (name === '') return attributeOf(node, attribute)?.f ?? otherwise;
    const constant = scope.constantOf(name);
    return constant === undefined ? undefined : tensorFloats(constant.tensor)[0];
  };
  const lowest = limit(1, 'min', Number.NEGATIVE_INFINITY);
  const highest = limit(2, 'max', Number.POSITIVE_INFINITY);
  return lowest === undefined || highest === undefined ? undefined : { lowest, highest };
}

/**
 * Adds `QuantizeLinear` and `DequantizeLinear`.
 *
 * @param title - what the new names begin with
 * @param from - the value to quantize
 * @param to - what to call the dequantized one
 * @returns the scale
 */
export function addQuantization(
  title: string,
  from: string,
  to: string,
  range: ValueRange,
  settings: StaticSettings,
  scope: Scope,
  rewriting: Rewriting,
): number {
  const { names } = rewriting;
  const { scale, zeroPoint } = activationParams(range, settings);
  const scaleName = names.value(`${title}_scale`);
  const zeroName = names.value(`${title}_zero_point`);
  const integers = names.value(`${title}_QuantizeLinear_Output`);
  const type = settings.activationType;
  const zero = type === 'uint8' ? Uint8Array.of(zeroPoint) : Int8Array.of(zeroPoint);
  scope.added.push(makeTensor(scaleName, 'float32', [], Float32Array.of(scale)), makeTensor(zeroName, type, [], zero));
  rewriting.params.add(scaleName);
  scope.nodes.push(
    makeNode('QuantizeLinear', [from, scaleName, zeroName], [integers], {
      name: names.node(`${title}_QuantizeLinear`),
    }),
    makeNode('DequantizeLinear', [integers, scaleName, zeroName], [to], {
      name: names.node(`${title}_DequantizeLinear`),
    }),
  );
  return scale;
}
