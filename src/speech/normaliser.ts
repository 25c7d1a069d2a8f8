import { createEnglishNormaliser } from './englishNormaliser.js';
import { normaliseTranscript } from './transcript.js';

/** How texts are brought to one form before they are compared. */
export type NormaliserName = 'plain' | 'whisper-english';

/** All of them. */
export const NORMALISER_NAMES: readonly NormaliserName[] = ['plain', 'whisper-english'];

/**
 * Makes a normaliser.
 *
 * - `plain`: {@link normaliseTranscript}, the alphabet of the models: lower case a–z, apostrophe, single spaces.
 * - `whisper-english`: the rules of Whisper's English normaliser (openai/whisper, release 20250625), with which public
 *   leaderboards compare: numbers in digits, currencies, American spelling, contractions and titles in full, no fillers
 *   and nothing in brackets. Its texts are for comparing, not for reading; single spaces may stand at the ends.
 *
 * The same one belongs on both sides, the transcript and what was heard.
 *
 * @example
 * createNormaliser('whisper-english')("Mr. Smith didn't pay twenty-one dollars for the colour.");
 * // 'mister smith did not pay $21 for the color '
 */
export function createNormaliser(name: NormaliserName): (text: string) => string {
  return name === 'plain' ? normaliseTranscript : createEnglishNormaliser();
}
