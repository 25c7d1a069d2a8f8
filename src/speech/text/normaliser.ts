import { InputError } from '../../errors.js';
import { normaliseBasic } from './basicNormaliser.js';
import { createEnglishNormaliser } from './englishNormaliser.js';
import { joinSpelled } from './spelledWords.js';
import { normaliseTranscript } from './transcript.js';

/** How texts are brought to one form before they are compared. */
export type NormaliserName = 'none' | 'plain' | 'whisper' | 'whisper-spelled' | 'whisper-basic';

/** What is used where nothing else is said. */
export const DEFAULT_NORMALISER: NormaliserName = 'plain';

/** All of them. */
export const NORMALISER_NAMES: readonly NormaliserName[] = [
  'none',
  'plain',
  'whisper',
  'whisper-spelled',
  'whisper-basic',
];

/**
 * Makes a normaliser.
 *
 * - `none`: texts stay as they are; case and punctuation count.
 * - `plain`: `normaliseTranscript`, lower-case words of any script without punctuation, the digits 0 to 9 spelled in English.
 * - `whisper`: the rules of Whisper's English normaliser (openai/whisper, release 20250625 and what was changed since: a 1 within a
 *   number stays), with which public leaderboards compare: numbers in digits, currencies, American spelling, contractions and
 *   titles in full, no fillers and nothing in brackets.
 * - `whisper-spelled`: as `whisper`, then runs of single letters and of numbers become one word each (`joinSpelled`): for speech
 *   that is spelled, as AN4's, of which Whisper writes "A-M-P", "AMP" or "a m p" as it likes.
 * - `whisper-basic`: the rules of Whisper's normaliser for other languages: lower case, nothing in brackets, spaces for marks,
 *   symbols and punctuation. Combining marks that no letter absorbs are such marks: words of Indic scripts fall apart, there
 *   `plain` is the better measure.
 *
 * The same one belongs on both sides, the transcript and what was heard. Whisper's texts are for comparing, not for reading;
 * single spaces may stand at their ends.
 *
 * @example
 * createNormaliser('whisper')("Mr. Smith didn't pay twenty-one dollars for the colour.");
 * // 'mister smith did not pay $21 for the color '
 */
export function createNormaliser(name: NormaliserName): (text: string) => string {
  switch (name) {
    case 'none':
      return (text) => text;
    case 'plain':
      return normaliseTranscript;
    case 'whisper':
      return createEnglishNormaliser();
    case 'whisper-spelled': {
      const normalise = createEnglishNormaliser();
      return (text) => joinSpelled(normalise(text));
    }
    case 'whisper-basic':
      return normaliseBasic;
    default:
      throw new InputError(
        `normaliser: one of ${NORMALISER_NAMES.join(', ')} was required, got ${String(name)}; choose one`,
      );
  }
}
