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

export { buildModel } from '../model/buildModel.js';
export {
  type CachedRecognition,
  CachedRecognizer,
  type CachedRecognizerOptions,
  type ResultKind,
} from '../model/cachedRecognizer.js';
export type { CardFigure, CardFile, CardOnDisk, CardTensors, CardTraining, ModelCard } from '../model/card.js';
export { type BeamWeights, createDecoder, type Decoder, type DecoderOptions } from '../model/decoder.js';
export { readCard } from '../model/readCard.js';
export {
  type BatchRecognition,
  type LogProbabilities,
  type Recognition,
  Recognizer,
  type RecognizerOptions,
  type Timing,
} from '../model/recognizer.js';
export { listModels, type RegistryOptions, type ResolvedModel, resolveModel } from '../model/registry.js';
export { ResultCache, type ResultCacheOptions } from '../model/resultCache.js';
export type { ExecutionProvider, SessionOptions } from '../model/session.js';
export {
  type Listener,
  type TranscribedSegment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeFile,
} from '../model/transcribe.js';
export { type ScoredUtterance, tuneBeam, type WeightTrial } from '../model/tuneBeam.js';
