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
 * @module quantlab
 */

export { InputError, QuantlabError, UnavailableError } from './errors.js';
export { bench, evaluate, type ModelBench, type ModelEvaluation } from './measure/latency/bench.js';
export { readModel } from './onnx/file/read.js';
export { writeModel } from './onnx/file/write.js';
export type { OnnxModel } from './onnx/model.js';
export type { Recognition } from './recognise/kinds/kind.js';
export type { ResolvedModel } from './recognise/model.js';
export { Recognizer } from './recognise/recognizer.js';
export { manifestPath } from './recognise/registry/embedded.js';
export { listModels, resolveModel } from './recognise/registry/registry.js';
export { transcribeFile } from './recognise/transcribe.js';
export { readAudio } from './speech/audio/audio.js';
export { readManifest } from './speech/corpora/manifest.js';
export { characterErrorRate, wordErrorRate } from './speech/text/wer.js';
export type { Audio, Utterance } from './speech/types.js';
export { DEFAULT_MODEL, defaultPlan, type ExperimentPlan } from './study/plan.js';
export { runExperiment } from './study/runner.js';
export type { Summary } from './study/schema.js';
export { quantize, type Variant } from './study/variants.js';
