import { InputError } from '../errors.js';
import { PairTable } from './pairTable.js';

/** Words that every model has a meaning for: not known, begin and end of a sentence. */
export const UNKNOWN_WORD = '<unk>';
/** Begins each sentence; it is a context and never predicted. */
export const SENTENCE_BEGIN = '<s>';
/** Ends each sentence; it is predicted and never a context. */
export const SENTENCE_END = '</s>';

/** Logarithm of an unknown word in a model without `<unk>`: KenLM's value. */
const NO_UNKNOWN = -100;

/** One n-gram of a model, as ARPA files print it. */
export interface Ngram {
  readonly words: readonly string[];
  /** Logarithm to base 10 of the last word's probability after the others. */
  readonly log10Probability: number;
  /** Logarithm to base 10 of the weight that shorter contexts get after this n-gram. */
  readonly log10Backoff: number;
}

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
  readonly #words: string[];
  readonly #ids: Map<string, number>;
  readonly #tree: NgramTree;
  /** Number of `<unk>`, or −1 in a model that has none. */
  readonly unknown: number;

  /**
   * @param order - words in the longest n-gram
   * @param ngrams - shorter ones before longer ones
   * @throws {InputError} when an n-gram comes before its beginning, or twice
   */
  constructor(order: number, ngrams: Iterable<Ngram>) {
    this.order = order;
    this.#words = [];
    this.#ids = new Map();
    this.#tree = new NgramTree(order);
    for (const { words, log10Probability, log10Backoff } of ngrams) {
      if (words.length === 1) this.#addWord(words[0] as string);
      const ids = words.map((word) => this.#ids.get(word) ?? -1);
      if (!this.#tree.add(ids, log10Probability, log10Backoff)) {
        throw new InputError(
          `n-gram "${words.join(' ')}": its beginning was required before it, and itself once, got another order; make the file again`,
        );
      }
    }
    this.#tree.link();
    this.unknown = this.#ids.get(UNKNOWN_WORD) ?? this.#ids.get('<UNK>') ?? -1;
    const begin = this.#ids.get(SENTENCE_BEGIN);
    this.start = begin === undefined ? 0 : this.#tree.next(0, begin);
  }

  #addWord(word: string): void {
    if (this.#ids.has(word)) return;
    this.#ids.set(word, this.#words.length);
    this.#words.push(word);
  }

  /** Words that the model knows, `<s>`, `</s>` and `<unk>` not among them. */
  get vocabulary(): readonly string[] {
    return this.#words.filter((word) => !/^<(s|\/s|unk)>$/i.test(word));
  }

  /** Number of a word; of a word that the model does not know, that of `<unk>`, or −1. */
  idOf(word: string): number {
    return this.#ids.get(word) ?? this.unknown;
  }

  /** Whether the model knows a word. */
  has(word: string): boolean {
    return this.#ids.has(word);
  }

  /**
   * Logarithm to base 10 of a word's probability after a state.
   *
   * @param state - of {@link NgramModel.start} or {@link NgramModel.next}
   * @param word - of {@link NgramModel.idOf}
   */
  log10Probability(state: number, word: number): number {
    return word < 0 ? NO_UNKNOWN : this.#tree.log10Probability(state, word);
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
      yield { words: ids.map((id) => this.#words[id] as string), log10Probability, log10Backoff };
    }
  }
}

/** The numbers of the model: node 0 is the empty context. */
class NgramTree {
  readonly #order: number;
  readonly #parent: number[] = [-1];
  readonly #word: number[] = [-1];
  readonly #length: number[] = [0];
  readonly #probability: number[] = [0];
  readonly #backoff: number[] = [0];
  /** Node of the same context without its oldest word, or of the longest such that exists. */
  #shorter: Int32Array = new Int32Array(1);
  readonly #children: PairTable = new PairTable(1 << 12);

  constructor(order: number) {
    this.#order = order;
  }

  add(ids: readonly number[], probability: number, backoff: number): boolean {
    let parent = 0;
    for (const id of ids.slice(0, -1)) {
      parent = this.#children.get(parent, id);
      if (parent < 0) return false;
    }
    const last = ids.at(-1) ?? -1;
    if (last < 0 || ids.length > this.#order || this.#children.get(parent, last) >= 0) return false;
    this.#children.add(parent, last, this.#parent.length);
    this.#parent.push(parent);
    this.#word.push(last);
    this.#length.push(ids.length);
    this.#probability.push(probability);
    this.#backoff.push(backoff);
    return true;
  }

  /** Finds what each node backs off to. Parents come before their children. */
  link(): void {
    const shorter = new Int32Array(this.#parent.length);
    for (let node = 1; node < shorter.length; node++) {
      if (this.#length[node] === 1) continue;
      const word = this.#word[node] as number;
      let context = this.#parent[node] as number;
      let found = -1;
      while (found < 0 && context !== 0) {
        context = shorter[context] as number;
        found = this.#children.get(context, word);
      }
      shorter[node] = Math.max(0, found);
    }
    this.#shorter = shorter;
  }

  log10Probability(state: number, word: number): number {
    let sum = 0;
    for (let context = state; ; context = this.#shorter[context] as number) {
      const child = this.#children.get(context, word);
      if (child >= 0) return sum + (this.#probability[child] as number);
      if (context === 0) return sum + NO_UNKNOWN;
      sum += this.#backoff[context] as number;
    }
  }

  next(state: number, word: number): number {
    for (let context = state; ; context = this.#shorter[context] as number) {
      const child = this.#children.get(context, word);
      // The longest n-grams are nobody's context.
      if (child >= 0) return this.#length[child] === this.#order ? (this.#shorter[child] as number) : child;
      if (context === 0) return 0;
    }
  }

  *nodes(length: number): Generator<{ ids: number[]; log10Probability: number; log10Backoff: number }> {
    for (let node = 1; node < this.#parent.length; node++) {
      if (this.#length[node] !== length) continue;
      const ids: number[] = [];
      for (let at = node; at !== 0; at = this.#parent[at] as number) ids.unshift(this.#word[at] as number);
      yield {
        ids,
        log10Probability: this.#probability[node] as number,
        log10Backoff: this.#backoff[node] as number,
      };
    }
  }
}
