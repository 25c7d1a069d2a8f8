import { dropBracketed } from './brackets.js';
import { WHITE_SPACE } from './unicode.js';

const SPACES = new RegExp(`[${WHITE_SPACE}]+`, 'g');

/**
 * Whisper's normaliser for any language (`BasicTextNormalizer` with its defaults): lower case, nothing in brackets, compatible
 * forms made one (NFKC), and a space for every combining mark, symbol and punctuation mark.
 */
export function normaliseBasic(text: string): string {
  const composed = dropBracketed(text.toLowerCase()).normalize('NFKC');
  return composed
    .replace(/[\p{M}\p{S}\p{P}]/gu, ' ')
    .toLowerCase()
    .replace(SPACES, ' ');
}
