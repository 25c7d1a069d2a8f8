import type { ModelCard } from './card/card.js';
import type { DecoderFacts, DecoderOptions, Recognizer as Listening, RecognizerOptions } from './kinds/kind.js';
import { kindOf } from './kinds/kinds.js';
import type { ResolvedModel } from './model.js';

/** A model that listens, of any kind: waveform in, text out. */
export interface Recognizer extends Listening {}

/**
 * Loads models of every kind.
 *
 * @example
 * const recognizer = await Recognizer.load(await resolveModel('deepspeech2-lstm'));
 * const { text } = await recognizer.recognize(await readAudio('goodbye.wav'));
 */
export const Recognizer: {
  /**
   * Loads a model.
   *
   * @throws {InputError} when a file cannot be loaded, or its tensors are not those that its card describes
   * @throws {UnavailableError} when the execution provider does not exist on this machine
   */
  load(model: ResolvedModel, options?: RecognizerOptions): Promise<Recognizer>;
} = {
  load: async (model, options = {}) => await kindOf(model.card).load(model, options),
};

/**
 * What is known of a model's decoder before the model is loaded.
 *
 * @throws {InputError} when the model has no such decoder, the language model cannot be read, or an option is impossible
 */
export async function describeDecoder(card: ModelCard, options: DecoderOptions = {}): Promise<DecoderFacts> {
  return await kindOf(card).describeDecoder(card, options);
}
