import { InputError } from '../../../errors.js';
import type { EncoderDecoderCard, SpecialTokens } from './card.js';

/** Tokens that a transcript needs, by their ids; of a card. */
export type SpeechTokens = SpecialTokens & {
  readonly [Name in (typeof NEEDED)[number]]: number;
};

const NEEDED = ['start', 'end', 'previous', 'noSpeech', 'noTimestamps', 'firstTimestamp'] as const;

/**
 * The tokens of a card.
 *
 * @throws {InputError} when one is missing without which nothing can be written; all that are missing are named
 */
export function speechTokensOf({ id, tokens }: Pick<EncoderDecoderCard, 'id' | 'tokens'>): SpeechTokens {
  const missing = NEEDED.filter((name) => tokens[name] === undefined);
  if (missing.length === 0) return tokens as SpeechTokens;
  throw new InputError(
    `card of ${id}: the tokens ${NEEDED.join(', ')} were required, got none for ${missing.join(', ')}; import the model anew, or add them to the card`,
  );
}

/** Seconds from one timestamp to the next. */
export const TIMESTAMP_S = 0.02;

/**
 * The tokens that come before a transcript.
 *
 * @param language - its token; left out where the model knows one only
 * @param timestamps - whether the model shall say when each segment begins and ends
 */
export function openingTokens(tokens: SpeechTokens, language: number | undefined, timestamps: boolean): number[] {
  const opening = [tokens.start];
  if (language !== undefined) opening.push(language);
  if (language !== undefined && tokens.transcribe !== undefined) opening.push(tokens.transcribe);
  if (!timestamps) opening.push(tokens.noTimestamps);
  return opening;
}
