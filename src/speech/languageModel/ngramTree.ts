import { InputError } from '../../errors.js';
import { PairTable } from '../text/pairTable.js';

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
 * The n-grams of a model while they come, and its numbers when all have: a tree from the first word to the last, in which node 0
 * is the empty context.
 */
export class NgramTree {
  /** Words in the longest n-gram. */
  readonly order: number;
  readonly words: string[] = [];
  readonly ids: Map<string, number> = new Map();
  readonly #parent: number[] = [-1];
  readonly #word: number[] = [-1];
  readonly #length: number[] = [0];
  readonly #probability: number[] = [0];
  readonly #backoff: number[] = [0];
  /** Node of the same context without its oldest word, or of the longest such that exists. */
  #shorter: Int32Array = new Int32Array(1);
  readonly #children: PairTable = new PairTable(1 << 12);

  constructor(order: number) {
    this.order = order;
  }

  /**
   * Takes an n-gram, shorter ones before longer ones.
   *
   * @throws {InputError} when it comes before its beginning, or twice
   */
  add({ words, log10Probability, log10Backoff }: Ngram): void {
    const [word, ...more] = words;
    if (word !== undefined && more.length === 0 && !this.ids.has(word)) {
      this.ids.set(word, this.words.length);
      this.words.push(word);
    }
    const ids = words.map((one) => this.ids.get(one) ?? -1);
    const last = ids.pop() ?? -1;
    const parent = ids.reduce((node, id) => (node < 0 ? node : this.#children.get(node, id)), 0);
    if (last < 0 || parent < 0 || words.length > this.order || this.#children.get(parent, last) >= 0) {
      throw new InputError(
        `n-gram "${words.join(' ')}": its beginning was required before it, and itself once, got another order; make the file again`,
      );
    }
    this.#children.add(parent, last, this.#parent.length);
    this.#parent.push(parent);
    this.#word.push(last);
    this.#length.push(words.length);
    this.#probability.push(log10Probability);
    this.#backoff.push(log10Backoff);
  }

  /** Finds what each node backs off to, when all have come. Parents come before their children. */
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

  /** @param word - −1 for one that a model without `<unk>` does not know */
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
      if (child >= 0) return this.#length[child] === this.order ? (this.#shorter[child] as number) : child;
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
