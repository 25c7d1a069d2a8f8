/** Where letters and digits meet within a word. */
const SEAM = /(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/gu;

/**
 * Gives what is spelled one form, whoever spells it: "r u b three 9", "RUB39" and "R U B 3 9" are two words alike.
 *
 * A run of single letters is one word, and a run of numbers is one; a word of letters and digits falls apart where they meet. It belongs
 * on both sides, the transcript and what was heard. What it costs: "am I a fool" has a run of single letters, too, so that one wrong
 * word of the run counts for the run.
 *
 * @param text - normalised words with single spaces between them
 * @example joinSpelled('g m e f 39 at 4pm') // 'gmef 39 at 4 pm'
 */
export function joinSpelled(text: string): string {
  const words: string[] = [];
  let last: 'letters' | 'number' | undefined;
  for (const word of text.replace(SEAM, ' ').split(' ')) {
    const kind = kindOf(word);
    if (kind !== undefined && kind === last) words[words.length - 1] += word;
    else words.push(word);
    last = kind;
  }
  return words.join(' ');
}

/** What of a spelling a word can be. */
function kindOf(word: string): 'letters' | 'number' | undefined {
  if (/^\p{L}\p{M}*$/u.test(word)) return 'letters';
  return /^\p{N}+$/u.test(word) ? 'number' : undefined;
}
