import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { elementCount, tensorDtype } from '../../onnx/tensor/tensor.js';

const WEIGHT_TYPES: readonly Dtype[] = ['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8', 'int4', 'uint4'];

/** Values in the initializers of the main graph that may be weights; single numbers are constants, not parameters. */
export function countParameters(model: OnnxModel): number {
  let count = 0;
  for (const tensor of mainGraph(model).initializer) {
    if (WEIGHT_TYPES.includes(tensorDtype(tensor)) && tensor.dims.length > 0) count += elementCount(tensor);
  }
  return count;
}
