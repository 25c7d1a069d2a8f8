import { InputError } from '../../errors.js';
import type { NgramModel } from '../languageModel/ngram.js';
import { PairTable } from '../text/pairTable.js';
import type { Spelling } from './spelling.js';

/** The empty beginning of a word. */
export const TRIE_ROOT = 0;
/** The beginning of a word that nobody knows. */
export const OFF_TRIE = -1;

/** Beginnings of the words that a language model knows, and of hot words: followed letter by letter by a beam search. */
export class WordTrie {
  readonly #children: PairTable;
  /** Of each beginning: whether the language model knows a word that begins so. */
  readonly #known: boolean[] = [true];
  /** Number of the language model's word that ends here, or −1. */
  readonly #word: number[] = [-1];
  /** Boost of the hot word that ends here. */
  readonly #boost: number[] = [0];
  /** Boost of a letter on the way to the shortest hot word that begins so. */
  readonly #boostOfLetter: number[] = [0];

  /**
   * @param model - whose words are known; none: no word is unknown
   * @param hotWords - boosts, in natural logarithms, by word
   * @param spelling - writes words as the network does; those that it cannot write are left out
   * @throws {InputError} when a hot word is no single word, or its boost not finite
   */
  constructor(model: NgramModel | undefined, hotWords: ReadonlyMap<string, number>, spelling: Spelling) {
    const vocabulary = model?.vocabulary ?? [];
    this.#children = new PairTable(vocabulary.length * 4);
    const written = vocabulary.map((word) => [word, spelling.write(word)] as const);
    // A word that is written as it is goes before one that becomes it, of these the first.
    for (const exact of [true, false]) {
      for (const [word, form] of written) {
        if (form === undefined || (form === word) !== exact) continue;
        const end = this.#insert(form, true).at(-1) ?? TRIE_ROOT;
        if ((this.#word[end] as number) < 0) this.#word[end] = model?.idOf(word) ?? -1;
      }
    }
    for (const [word, boost] of [...hotWords].sort(([a], [b]) => a.length - b.length)) {
      if (word === '' || /\s/.test(word)) {
        throw new InputError(`hot word: a single word was required, got "${word}"; give each word of a phrase`);
      }
      if (!Number.isFinite(boost)) {
        throw new InputError(`hot word ${word}: a finite boost was required, got ${boost}; 10 is usual`);
      }
      const form = spelling.write(word);
      if (form === undefined) continue;
      const path = this.#insert(form, model === undefined);
      for (const node of path) this.#boostOfLetter[node] ||= boost / path.length;
      this.#boost[path.at(-1) ?? TRIE_ROOT] = boost;
    }
  }

  #insert(word: string, known: boolean): number[] {
    const path: number[] = [];
    let node = TRIE_ROOT;
    for (let i = 0; i < word.length; i++) {
      const letter = word.charCodeAt(i);
      let child = this.#children.get(node, letter);
      if (child < 0) {
        child = this.#known.length;
        this.#children.add(node, letter, child);
        this.#known.push(false);
        this.#word.push(-1);
        this.#boost.push(0);
        this.#boostOfLetter.push(0);
      }
      if (known) this.#known[child] = true;
      path.push(child);
      node = child;
    }
    return path;
  }

  /** The beginning after more letters. */
  follow(node: number, text: string): number {
    let at = node;
    for (let i = 0; i < text.length && at >= 0; i++) at = this.#children.get(at, text.charCodeAt(i));
    return at;
  }

  /** Whether the language model knows a word that begins so. */
  isKnown(node: number): boolean {
    return node >= 0 && (this.#known[node] as boolean);
  }

  /** Number of the language model's word, or −1. */
  wordAt(node: number): number {
    return node < 0 ? -1 : (this.#word[node] as number);
  }

  /** Boost of the word that ends here. */
  boostAt(node: number): number {
    return node < 0 ? 0 : (this.#boost[node] as number);
  }

  /** Boost of a word that begins so: its letters' share of the shortest hot word's. */
  partialBoost(node: number, letters: number): number {
    return node < 0 ? 0 : (this.#boostOfLetter[node] as number) * letters;
  }
}
