/**
 * Models with their cards, and what they hear: the registry, the recogniser, Whispers of other programs, decoders, long recordings, a
 * cache of results.
 *
 * @example
 * ```ts
 * import { listModels, readCard } from 'quantlab/recognise';
 *
 * const [first] = await listModels();
 * console.log(first?.kind, typeof readCard); // ctc function
 * ```
 *
 * @module quantlab/recognise
 */

export {
  type CachedRecognition,
  CachedRecognizer,
  type CachedRecognizerOptions,
  type ResultKind,
} from '../recognise/cache/cachedRecognizer.js';
export { ResultCache, type ResultCacheOptions } from '../recognise/cache/resultCache.js';
export { type SimilarSound, SimilarSounds, type SimilarSoundsOptions } from '../recognise/cache/similarSounds.js';
export { type Caption, type CaptionFormat, captionsOf, formatCaptions } from '../recognise/captions.js';
export type { CardFigure, CardFile, CardGraph, CardTraining, ModelCard } from '../recognise/card/card.js';
export { readCard, writeCard } from '../recognise/card/readCard.js';
export { importModel } from '../recognise/import/importModel.js';
export { buildModel } from '../recognise/kinds/ctc/buildModel.js';
export { type CardTensors, type CtcCard, type CtcCardOnDisk, requireCtc } from '../recognise/kinds/ctc/card.js';
export { initCard } from '../recognise/kinds/ctc/initCard.js';
export { type ScoredUtterance, tuneBeam, type WeightTrial } from '../recognise/kinds/ctc/tuneBeam.js';
export type { EncoderDecoderCard, SpecialTokens } from '../recognise/kinds/encoderDecoder/card.js';
export type {
  BatchRecognition,
  BeamWeights,
  Decoder,
  DecoderFacts,
  DecoderOptions,
  Recognition,
  RecognizerOptions,
  Scores,
  Stages,
  Timing,
} from '../recognise/kinds/kind.js';
export { type ModelGraph, modelSha256, modelSizeBytes, type ResolvedModel } from '../recognise/model.js';
export type { Passage, TranscribedSegment } from '../recognise/passage.js';
export { describeDecoder, Recognizer } from '../recognise/recognizer.js';
export { type GetModelOptions, getModel } from '../recognise/registry/getModel.js';
export { listModels, type RegistryOptions, resolveModel } from '../recognise/registry/registry.js';
export type { ExecutionProvider, SessionOptions } from '../recognise/session/session.js';
export {
  type Listener,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeFile,
} from '../recognise/transcribe.js';
