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
 * @packageDocumentation
 */

export {
  type AlignedPair,
  type AlignmentOperation,
  alignCharacters,
  alignWords,
  formatAlignment,
} from '../speech/alignmentView.js';
export { readArpa, writeArpa } from '../speech/arpa.js';
export { type ReadAudioOptions, readAudio, readAudioChunks } from '../speech/audio.js';
export { type BeamDecoding, BeamSearch, type BeamSearchOptions } from '../speech/beamSearch.js';
export { type Confusion, type Confusions, countConfusions } from '../speech/confusions.js';
export {
  type Corpus,
  type CorpusOnDisk,
  type CorpusProgress,
  type GetCorpusOptions,
  getCorpus,
  listCorpora,
} from '../speech/corpora.js';
export { decodeGreedy } from '../speech/ctc.js';
export { encodeWav } from '../speech/encodeWav.js';
export { createFrontEnd, type FeatureExtractor } from '../speech/features.js';
export { type KneserNeyOptions, trainKneserNey } from '../speech/kneserNey.js';
export { readManifest } from '../speech/manifest.js';
export type { NgramModel } from '../speech/ngram.js';
export { createNormaliser, NORMALISER_NAMES, type NormaliserName } from '../speech/normaliser.js';
export { type HearOptions, type LeftOut, readUtterances } from '../speech/recordings.js';
export { resample } from '../speech/resample.js';
export { type Segment, type SegmentOptions, splitAtSilence } from '../speech/segments.js';
export {
  readTranscriptPairs,
  TRANSCRIPT_FORMATS,
  type TranscriptFormat,
  type TranscriptPair,
} from '../speech/transcriptFile.js';
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
export {
  characterErrorRate,
  countCharacterEdits,
  countWordEdits,
  type ErrorMeasures,
  errorMeasures,
  errorRate,
  wordErrorRate,
} from '../speech/wer.js';
