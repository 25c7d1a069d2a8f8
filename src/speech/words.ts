/**
 * White space as Python has it (`str.isspace`), for equality with jiwer: with the separators U+001C to U+001F and U+0085,
 * without U+FEFF.
 */
const SPACE = '\\t-\\r\\u001c-\\u001f \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const UNUSUAL = new RegExp(`[${SPACE.replace(' ', '')}]`);
const RUNS = new RegExp(`[${SPACE}]{2,}`, 'g');
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g');

/**
 * Splits a text into words as jiwer 4 does by default: two or more white-space characters are one space, those at the ends
 * are nothing, and spaces separate. A single tab or line break between two letters does *not* separate; every
 * normaliser makes a space of it.
 */
export function splitWords(text: string): string[] {
  const plain = UNUSUAL.test(text) ? trimSpace(text.replace(RUNS, ' ')) : text;
  return plain.split(' ').filter((word) => word !== '');
}

/** Splits a text into characters (Unicode code points), white space at both ends aside, as jiwer 4 does by default. */
export function splitCharacters(text: string): string[] {
  return Array.from(trimSpace(text));
}

/** Takes white space off both ends, as Python's `str.strip` does. */
function trimSpace(text: string): string {
  return text.replace(ENDS, '');
}
