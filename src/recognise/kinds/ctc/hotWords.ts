/** Boost of a word that is likely here, in natural logarithms, where nothing else is said. */
export const USUAL_BOOST = 10;

/** Words of a prompt that are listened for: more slow the search down and help nothing. */
const MOST_WORDS = 200;

/** The words of a prompt, as recognisers write them, with the usual boost. */
export function hotWordsOf(prompt: string): Readonly<Record<string, number>> {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
  const known = [...new Set(words.map((word) => word.replaceAll('’', "'")))];
  return Object.fromEntries(known.slice(0, MOST_WORDS).map((word) => [word, USUAL_BOOST]));
}
