/**
 * White space as Python has it (`str.isspace`), for a class of a regular expression: with the separators U+001C to U+001F
 * and U+0085, without U+FEFF.
 */
export const WHITE_SPACE =
  '\\t-\\r\\u001c-\\u001f \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const WORD = '[\\p{L}\\p{N}_]';

/** Border of a word, for a regular expression with the flag `u`: Python's `\b`, for which é is a letter. */
export const WORD_BOUNDARY: string = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`;
