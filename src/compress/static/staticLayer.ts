import type { NodeProto } from 'onnx-buf';
import { attributeOf, intAttribute } from '../../onnx/graph/node.js';
import { shapeOf, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { constantFloats } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import type { StaticOpType } from './staticOptions.js';

/** The constants of a layer that can be quantized statically. */
export interface StaticLayer {
  readonly weight: Constant;
  readonly bias: Constant | undefined;
}

/**
 * The constants of a layer, checked: calibration watches just the layers that pass, and those are quantized.
 *
 * @throws {LeftInFloat} when the layer has to stay in float
 */
export function staticLayer(node: NodeProto, opType: StaticOpType, scope: Scope): StaticLayer {
  const weight = constantFloats(scope, node.input[1]);
  const bias = biasOf(node, opType, weight, scope);
  for (const constant of [weight, bias]) {
    if (constant === undefined || tensorFloats(constant.tensor).every(Number.isFinite)) continue;
    throw new LeftInFloat('values', `its weight ${constant.name}: finite values were required, got NaN or an infinity`);
  }
  return { weight, bias };
}

/** A bias that can become int32: constant, one number for each output channel. */
function biasOf(node: NodeProto, opType: StaticOpType, weight: Constant, scope: Scope): Constant | undefined {
  if (opType === 'MatMul') return undefined;
  const shape = shapeOf(weight.tensor);
  if (opType === 'Gemm') {
    for (const name of ['alpha', 'beta']) {
      if ((attributeOf(node, name)?.f ?? 1) !== 1) throw new LeftInFloat('form', `its ${name} is not 1`);
    }
  }
  const name = node.input[2] ?? '';
  if (name === '') return undefined;
  const bias = scope.constantOf(name);
  if (bias === undefined || tensorDtype(bias.tensor) !== 'float32') {
    throw new LeftInFloat('type', 'its bias is no float32 constant');
  }
  const channels = opType === 'Conv' || intAttribute(node, 'transB', 0) !== 0 ? shape[0] : shape[1];
  if (shapeOf(bias.tensor).join() !== String(channels))
    throw new LeftInFloat('form', 'its bias is not one number a channel');
  return bias;
}
