import { alignConvolutions } from '../../onnx/graph/alignConvolutions.js';
import { readChannelsLast } from '../../onnx/graph/channelsLast.js';
import type { OnnxModel } from '../../onnx/model.js';
import { prepare } from '../rewrite/prepare.js';

/**
 * A model in the form that static quantization starts from: between transposes, a quantized convolution would be slower
 * than it was, so its transposes go first. Who compares layers of the float model with quantized ones takes both from here:
 * what a convolution gave between its transposes is in no quantized model.
 */
export function alignedForIntegers(original: OnnxModel): OnnxModel {
  return readChannelsLast(alignConvolutions(prepare(original).model).model).model;
}
