/**
 * Reading, writing, inspecting and simplifying ONNX model files, without running them.
 *
 * @example
 * ```ts
 * import { buildDeepSpeech2, modelFromBytes, modelToBytes } from 'quantlab/onnx';
 *
 * const bytes = await modelToBytes(buildDeepSpeech2({ layers: 1, units: 8 }));
 * const again = await modelToBytes(modelFromBytes(bytes));
 * console.log(Buffer.compare(bytes, again)); // 0
 * ```
 *
 * @module quantlab/onnx
 */

export { buildDeepSpeech2, type DeepSpeech2Options } from '../onnx/build/build.js';
export { modelFromBytes, readModel } from '../onnx/file/read.js';
export { modelToBytes, writeModel } from '../onnx/file/write.js';
export { type InitializerSummary, inspectModel, type ModelSummary, type ValueSummary } from '../onnx/inspect.js';
export type { OnnxModel } from '../onnx/model.js';
export { type Simplified, type SimplifyReport, simplifyModel } from '../onnx/normalForm/simplify.js';
export { type SplitDirections, splitDirections } from '../onnx/split/splitDirections.js';
