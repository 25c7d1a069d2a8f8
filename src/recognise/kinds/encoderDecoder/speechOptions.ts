import { InputError } from '../../../errors.js';
import type { DecoderOptions } from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import type { SpeechTokens } from './speechTokens.js';
import type { TextTokenizer } from './tokenizer.js';

/** How an encoder–decoder hears, with all defaults filled in. */
export interface SpeechOptions {
  readonly language: string | undefined;
  /** What was said before the recording, as tokens. */
  readonly prompt: readonly number[];
  readonly timestamps: boolean | undefined;
  readonly fallBack: boolean;
  /** Seconds of silence behind a recording that are heard. Default: a whole window. */
  readonly marginS: number | undefined;
}

/**
 * Checks what is asked of the decoder.
 *
 * @throws {InputError} when the model has no such decoder, or does not know the language
 */
export function speechOptionsOf(card: EncoderDecoderCard, options: DecoderOptions): SpeechOptions {
  const { kind = 'greedy', languageModelPath, hotWords } = options;
  const refuse = (required: string, came: string): never => {
    throw new InputError(`${card.id}: ${required} was required of a model of the kind encoder-decoder, got ${came}`);
  };
  if (kind !== 'greedy') refuse('the decoder greedy', `${kind}; leave it out`);
  if (languageModelPath !== undefined) refuse('no language model', `${languageModelPath}; leave it out`);
  if (hotWords !== undefined && Object.keys(hotWords).length > 0) refuse('no hot words', 'some; leave them out');
  const { language, marginS } = options;
  if (marginS !== undefined && !(marginS >= 0))
    refuse('a margin of 0 s or more', `${marginS}; give one, or leave it out`);
  return {
    language: languageOf(card, language),
    prompt: [],
    timestamps: options.timestamps,
    fallBack: options.fallBack ?? true,
    marginS,
  };
}

/**
 * The tokens of a text that leads up to a recording, as openai-whisper's `initial_prompt` (`whisper/transcribe.py`).
 *
 * @throws {InputError} when tokens that steer the model are among them
 */
export function promptTokens(prompt: string, tokenizer: TextTokenizer, tokens: SpeechTokens): readonly number[] {
  const said = prompt.trim();
  if (said === '') return [];
  const ids = tokenizer.encode(` ${said}`);
  if (ids.every((id) => id < tokens.end)) return ids;
  throw new InputError(
    'prompt: words were required, got a token that steers the model, such as <|endoftext|>; leave it out',
  );
}

/** A model for English alone has no token for it. */
export function languageOf({ id, tokens }: EncoderDecoderCard, language: string | undefined): string | undefined {
  if (language === undefined) return undefined;
  const codes = Object.keys(tokens.languages ?? {});
  const known = codes.length === 0 ? ['en'] : codes;
  if (!known.includes(language)) {
    throw new InputError(
      `${id}: a language that the model knows was required (${known.join(', ')}), got ${language}; choose one of them`,
    );
  }
  return codes.length === 0 ? undefined : language;
}

/** Tells ways of hearing apart that may give other texts, for whoever keeps results. */
export function decoderKeyOf({ language, timestamps, fallBack, marginS, prompt }: SpeechOptions): string {
  return JSON.stringify({ language, timestamps, fallBack, marginS, ...(prompt.length > 0 && { prompt }) });
}
