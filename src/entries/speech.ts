/**
 * Audio in, text out, and how wrong it is: reading sound, features, decoding, language models, transcripts and error rates.
 *
 * @example
 * ```ts
 * import { countWordEdits, wordErrorRate } from 'quantlab/speech';
 *
 * console.log(wordErrorRate('please hold the line', 'please told a line')); // 0.5
 * console.log(countWordEdits('please hold the line', 'please hold').deletions); // 2
 * ```
 *
 * @module quantlab/speech
 */

export { type ReadAudioOptions, readAudio, readAudioChunks } from '../speech/audio/audio.js';
export { encodeWav } from '../speech/audio/encodeWav.js';
export { resample } from '../speech/audio/resample.js';
export { type Segment, type SegmentOptions, splitAtSilence } from '../speech/audio/segments.js';
export {
  type Corpus,
  type CorpusOnDisk,
  type CorpusProgress,
  type GetCorpusOptions,
  getCorpus,
  listCorpora,
} from '../speech/corpora/corpora.js';
export { readManifest } from '../speech/corpora/manifest.js';
export { type HearOptions, type LeftOut, readUtterances } from '../speech/corpora/recordings.js';
export { type BeamDecoding, BeamSearch, type BeamSearchOptions } from '../speech/decode/beamSearch.js';
export { decodeGreedy } from '../speech/decode/ctc.js';
export { createFrontEnd, type FeatureExtractor } from '../speech/features/features.js';
export { readArpa, writeArpa } from '../speech/languageModel/arpa.js';
export { type KneserNeyOptions, trainKneserNey } from '../speech/languageModel/kneserNey.js';
export type { NgramModel } from '../speech/languageModel/ngram.js';
export {
  type AlignedPair,
  type AlignmentOperation,
  alignWords,
  formatAlignment,
} from '../speech/text/alignmentView.js';
export { type Confusion, type Confusions, countConfusions } from '../speech/text/confusions.js';
export { createNormaliser, NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';
export {
  readTranscriptPairs,
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  type TranscriptPair,
} from '../speech/text/transcriptFile.js';
export {
  characterErrorRate,
  countCharacterEdits,
  countWordEdits,
  type ErrorMeasures,
  errorMeasures,
  errorRate,
  wordErrorRate,
} from '../speech/text/wer.js';
export type {
  Audio,
  Decoding,
  EditCounts,
  FeatureScale,
  Features,
  FrontEnd,
  KaldiFilterBankFrontEnd,
  LogMelFrontEnd,
  LogSpectrogramFrontEnd,
  Recording,
  Utterance,
  WaveformFrontEnd,
  WordTime,
} from '../speech/types.js';
