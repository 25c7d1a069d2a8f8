/**
 * Compress ONNX speech recognisers, and measure what it gains and what it costs: what an analysis begins with. The rest stands
 * in `quantlab/onnx`, `/compress`, `/speech`, `/recognise`, `/measure`, `/report` and `/notebook`.
 *
 * @example
 * ```ts
 * import { bench, DEFAULT_MODEL, manifestPath, quantize, readManifest, resolveModel } from 'quantlab';
 *
 * const float = await resolveModel(DEFAULT_MODEL);
 * const { model } = await quantize(DEFAULT_MODEL, 'dynamic');
 * const utterances = (await readManifest(manifestPath('calibration'))).slice(0, 4);
 * const [base, small] = await bench([float, model], { utterances, trials: 8 });
 * console.log(base && small && small.sizeBytes < 0.3 * base.sizeBytes); // true
 * ```
 *
 * @packageDocumentation
 */

export { InputError, QuantlabError, UnavailableError } from './errors.js';
export { DEFAULT_MODEL, defaultPlan, type ExperimentPlan, manifestPath } from './experiment/plan.js';
export { runExperiment } from './experiment/runner.js';
export type { Summary } from './experiment/schema.js';
export { quantize, type Variant } from './experiment/variants.js';
export { bench, evaluate, type ModelBench, type ModelEvaluation } from './measure/bench.js';
export { type Recognition, Recognizer } from './model/recognizer.js';
export { listModels, type ResolvedModel, resolveModel } from './model/registry.js';
export { transcribeFile } from './model/transcribe.js';
export type { OnnxModel } from './onnx/model.js';
export { readModel } from './onnx/read.js';
export { writeModel } from './onnx/write.js';
export { readAudio } from './speech/audio.js';
export { readManifest } from './speech/manifest.js';
export type { Audio, Utterance } from './speech/types.js';
export { characterErrorRate, wordErrorRate } from './speech/wer.js';
