/**
 * Models with their cards, and what they hear: the registry, the recogniser, decoders, long recordings, a cache of results.
 *
 * @example
 * ```ts
 * import { listModels, readCard } from 'quantlab/recognise';
 *
 * const [first] = await listModels();
 * console.log(first?.schema, typeof readCard); // quantlab.model-card/1 function
 * ```
 *
 * @packageDocumentation
 */

export {
  type CachedRecognition,
  CachedRecognizer,
  type CachedRecognizerOptions,
  type ResultKind,
} from '../recognise/cache/cachedRecognizer.js';
export { ResultCache, type ResultCacheOptions } from '../recognise/cache/resultCache.js';
export type { CardFigure, CardFile, CardOnDisk, CardTensors, CardTraining, ModelCard } from '../recognise/card/card.js';
export { readCard } from '../recognise/card/readCard.js';
export { type BeamWeights, createDecoder, type Decoder, type DecoderOptions } from '../recognise/decoder.js';
export {
  type BatchRecognition,
  type LogProbabilities,
  type Recognition,
  Recognizer,
  type RecognizerOptions,
  type Timing,
} from '../recognise/recognizer.js';
export { buildModel } from '../recognise/registry/buildModel.js';
export { type GetModelOptions, getModel } from '../recognise/registry/getModel.js';
export { listModels, type RegistryOptions, type ResolvedModel, resolveModel } from '../recognise/registry/registry.js';
export type { ExecutionProvider, SessionOptions } from '../recognise/session/session.js';
export {
  type Listener,
  type TranscribedSegment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeFile,
} from '../recognise/transcribe.js';
export { type ScoredUtterance, tuneBeam, type WeightTrial } from '../tune/tuneBeam.js';
