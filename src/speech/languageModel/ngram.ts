import { type Ngram, NgramTree } from './ngramTree.js';

/** Words that every model has a meaning for: not known, begin and end of a sentence. */
export const UNKNOWN_WORD = '<unk>';
/** Begins each sentence; it is a context and never predicted. */
export const SENTENCE_BEGIN = '<s>';
/** Ends each sentence; it is predicted and never a context. */
export const SENTENCE_END = '</s>';

/**
 * A back-off n-gram language model: how probable a word is after the words before it.
 *
 * A state is a number that stands for the longest context the model knows; {@link NgramModel.start} begins a sentence.
 * The n-grams are a tree from the first word to the last; each node knows the node of its context without the oldest
 * word, to which it backs off (Katz 1987; the form of ARPA files).
 *
 * @example
 * const model = await readArpa('lm.arpa.gz');
 * const after = model.next(model.start, model.idOf('please'));
 * model.log10Probability(after, model.idOf('hold')); // −1.2: sixteen times less than certain
 */
export class NgramModel {
  readonly order: number;
  /** State at the beginning of a sentence. */
  readonly start: number;
  readonly #tree: NgramTree;
  /** Number of `<unk>`, or −1 in a model that has none. */
  readonly unknown: number;

  /**
   * @param order - words in the longest n-gram
   * @param ngrams - shorter ones before longer ones, or a tree that has them all
   * @throws {InputError} when an n-gram comes before its beginning, or twice
   */
  constructor(order: number, ngrams: Iterable<Ngram> | NgramTree) {
    this.order = order;
    this.#tree = ngrams instanceof NgramTree ? ngrams : new NgramTree(order);
    if (!(ngrams instanceof NgramTree)) for (const ngram of ngrams) this.#tree.add(ngram);
    this.#tree.link();
    this.unknown = this.#tree.ids.get(UNKNOWN_WORD) ?? this.#tree.ids.get('<UNK>') ?? -1;
    const begin = this.#tree.ids.get(SENTENCE_BEGIN);
    this.start = begin === undefined ? 0 : this.#tree.next(0, begin);
  }

  /** Words that the model knows, `<s>`, `</s>` and `<unk>` not among them. */
  get vocabulary(): readonly string[] {
    return this.#tree.words.filter((word) => !/^<(s|\/s|unk)>$/i.test(word));
  }

  /** Number of a word; of a word that the model does not know, that of `<unk>`, or −1. */
  idOf(word: string): number {
    return this.#tree.ids.get(word) ?? this.unknown;
  }

  /** Whether the model knows a word. */
  has(word: string): boolean {
    return this.#tree.ids.has(word);
  }

  /**
   * Logarithm to base 10 of a word's probability after a state.
   *
   * @param state - of {@link NgramModel.start} or {@link NgramModel.next}
   * @param word - of {@link NgramModel.idOf}
   */
  log10Probability(state: number, word: number): number {
    return this.#tree.log10Probability(state, word);
  }

  /** State after one more word. */
  next(state: number, word: number): number {
    return word < 0 ? 0 : this.#tree.next(state, word);
  }

  /**
   * Scores a sentence, its end included.
   *
   * @param words - without `<s>` and `</s>`
   * @returns the sum of the logarithms to base 10, and how many words the model does not know
   */
  scoreSentence(words: readonly string[]): { readonly log10Probability: number; readonly unknown: number } {
    let state = this.start;
    let sum = 0;
    let unknown = 0;
    for (const word of [...words, SENTENCE_END]) {
      const id = this.idOf(word);
      if (!this.has(word)) unknown++;
      sum += this.log10Probability(state, id);
      state = this.next(state, id);
    }
    return { log10Probability: sum, unknown };
  }

  /** All n-grams of a length, in the order in which they came. */
  *ngrams(length: number): Generator<Ngram> {
    for (const { ids, log10Probability, log10Backoff } of this.#tree.nodes(length)) {
      yield { words: ids.map((id) => this.#tree.words[id] as string), log10Probability, log10Backoff };
    }
  }
}
