import { deflateSync } from 'node:zlib';

/** How sure a model is of a text. */
export interface TextQuality {
  /** Bytes of the text over its bytes compressed: high where words repeat. */
  readonly compressionRatio: number;
  /** Mean of the natural logarithms of the tokens' probabilities, the end's included. */
  readonly averageLogProbability: number;
  /** Probability that nothing was said, 0…1. */
  readonly noSpeech: number;
}

/** A text of a higher ratio repeats itself: `compression_ratio_threshold`. */
const MOST_COMPRESSION = 2.4;
/** A text below it is improbable: `logprob_threshold`. */
const LEAST_LOG_PROBABILITY = -1;
/** Above it nothing was said, where the text is improbable, too: `no_speech_threshold`. */
const MOST_NO_SPEECH = 0.6;

/**
 * Length of a text over its length compressed by zlib, as `whisper/utils.py` computes it.
 *
 * @returns 0 of an empty text
 */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}

/** Whether nothing was said: the model thinks so, and its text is improbable. */
export function isSilence({ noSpeech, averageLogProbability }: TextQuality): boolean {
  return noSpeech > MOST_NO_SPEECH && !(averageLogProbability > LEAST_LOG_PROBABILITY);
}

/** Whether a text repeats itself or is improbable, so that it is worth hearing again. */
export function isDoubtful(quality: TextQuality): boolean {
  const { compressionRatio: ratio, averageLogProbability, noSpeech } = quality;
  if (noSpeech > MOST_NO_SPEECH && averageLogProbability < LEAST_LOG_PROBABILITY) return false;
  return ratio > MOST_COMPRESSION || averageLogProbability < LEAST_LOG_PROBABILITY;
}
