import { labelPieces } from './labelPieces.js';

/** What a network's classes can write, by their characters. */
export class Spelling {
  readonly #characters: ReadonlySet<string>;
  readonly #hasUpper: boolean;
  readonly #hasLower: boolean;

  /** @param labels - of a model card; the blank's and other classes that stand for nothing are empty */
  constructor(labels: readonly string[]) {
    // Tokens such as <unk> and [PAD] are no text.
    const pieces = labelPieces(labels).flatMap(({ text }) => (/^(<.*>|\[.*\])$/s.test(text) ? [] : [text]));
    this.#characters = new Set(pieces.flatMap((text) => [...text]));
    this.#hasUpper = pieces.some((text) => text !== text.toLowerCase());
    this.#hasLower = pieces.some((text) => text !== text.toUpperCase());
  }

  /**
   * How the network writes a word: as it is, else in another form of Unicode, with the other apostrophe, or in the case of the
   * labels where they have one only.
   *
   * @returns `undefined` where the labels lack a character of it
   */
  write(word: string): string | undefined {
    if (this.#canWrite(word)) return word;
    const cases = [
      word,
      ...(this.#hasUpper ? [] : [word.toLowerCase()]),
      ...(this.#hasLower ? [] : [word.toUpperCase()]),
    ];
    const apostrophes = cases.flatMap((one) => [one, one.replaceAll('\u2019', "'"), one.replaceAll("'", '\u2019')]);
    const forms = apostrophes.flatMap((one) => [one, one.normalize('NFC'), one.normalize('NFD')]);
    return forms.find((one) => this.#canWrite(one));
  }

  #canWrite(word: string): boolean {
    for (const character of word) if (!this.#characters.has(character)) return false;
    return true;
  }
}

/** Words named in a warning. */
const NAMED = 3;
/** Share of a vocabulary that a model should be able to write; names and numbers are often beyond it. */
const FITTING = 0.5;

/**
 * What a reader should know of words that a search is given: those that the network cannot write do nothing.
 *
 * @param vocabulary - of the language model
 * @returns sentences, each complete; none where all fits
 */
export function spellingWarnings(
  spelling: Spelling,
  vocabulary: readonly string[],
  hotWords: Iterable<string>,
): readonly string[] {
  const unwritten = [...hotWords].filter((word) => spelling.write(word) === undefined);
  const known = vocabulary.filter((word) => spelling.write(word) !== undefined);
  const changed = known.filter((word) => spelling.write(word) !== word);
  const lost = vocabulary.length - known.length;
  const examples = (words: readonly string[]): string => words.slice(0, NAMED).join(', ');
  return [
    ...(vocabulary.length > 0 && known.length < FITTING * vocabulary.length
      ? [
          `language model: the labels of the model cannot write ${lost} of its ${vocabulary.length} words (${examples(vocabulary.filter((word) => spelling.write(word) === undefined))}): it is of another language or another set of letters`,
        ]
      : []),
    ...(changed.length > FITTING * known.length
      ? [
          `language model: ${changed.length} of its ${vocabulary.length} words are in another case or form than the labels of the model (${changed
            .slice(0, NAMED)
            .map((word) => `${word} for ${spelling.write(word)}`)
            .join(', ')}): they are taken as the model writes them`,
        ]
      : []),
    ...unwritten.map((word) => `hot word ${word}: the model has no label for one of its letters, so it does nothing`),
  ];
}
