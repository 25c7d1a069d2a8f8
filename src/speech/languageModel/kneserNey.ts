import { InputError } from '../../errors.js';
import { NgramModel, SENTENCE_BEGIN, SENTENCE_END, UNKNOWN_WORD } from './ngram.js';
import type { Ngram } from './ngramTree.js';

/** How a language model is estimated. */
export interface KneserNeyOptions {
  /** Words in the longest n-gram, 1 to 5. Default 3. */
  readonly order?: number;
  /**
   * For each length, n-grams seen so often or less are left out, as `lmplz --prune`; shorter lists repeat their last
   * number. Words are never left out. Default `[0]`: none.
   */
  readonly prune?: readonly number[];
}

/** Discounts where the counts are too few to estimate them: those of `lmplz --discount_fallback`. */
const FALLBACK_DISCOUNTS: readonly number[] = [0, 0.5, 1, 1.5];

/** What was counted of one n-gram. */
interface Count {
  /** How often it was seen. */
  readonly seen: number;
  /** What the estimate uses: of shorter n-grams, how many different words were seen before it. */
  adjusted: number;
}

/** Sums over all words after one context. */
interface Context {
  total: number;
  /** n-grams kept with an adjusted count of 1, 2, and 3 or more. */
  readonly kept: [number, number, number];
  /** Adjusted counts of the n-grams left out. */
  left: number;
}

/**
 * Estimates a back-off n-gram model with interpolated, modified Kneser-Ney smoothing.
 *
 * As KenLM's `lmplz`: adjusted counts, three discounts for each order, unigrams interpolated with the uniform
 * distribution over the vocabulary and `<unk>`, pruning by raw counts. Where counts are too few for an estimate of the
 * discounts they are 0.5, 1 and 1.5.
 *
 * @param sentences - words of each sentence
 * @returns the model, its words in order of appearance
 * @throws {InputError} when there is no word, or an option is impossible
 * @see Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling", equations 26 to 28;
 * Heafield et al. 2013, "Scalable Modified Kneser-Ney Language Model Estimation"
 * @example trainKneserNey([['please', 'hold'], ['please', 'wait']], { order: 2 }).order // 2
 */
export function trainKneserNey(sentences: Iterable<readonly string[]>, options: KneserNeyOptions = {}): NgramModel {
  const { order = 3, prune = [0] } = options;
  checkOptions(order, prune);
  const thresholds = Array.from({ length: order }, (_, i) =>
    i === 0 ? 0 : (prune[Math.min(i, prune.length - 1)] as number),
  );
  const counts = countNgrams(sentences, order);
  if ((counts[0]?.size ?? 0) < 2) {
    throw new InputError('language model: sentences with one word or more were required, got none; give transcripts');
  }
  adjust(counts);
  return new NgramModel(order, estimate(counts, thresholds));
}

function checkOptions(order: number, prune: readonly number[]): void {
  if (!(Number.isInteger(order) && order >= 1 && order <= 5)) {
    throw new InputError(`order: a whole number from 1 to 5 was required, got ${order}; 3 is usual`);
  }
  const ordered = prune.every(
    (value, i) => Number.isInteger(value) && value >= (i === 0 ? 0 : (prune[i - 1] as number)),
  );
  if (prune.length === 0 || !ordered) {
    throw new InputError(
      `prune: whole numbers that do not fall were required, got ${prune.join(', ')}; 0, 0, 1 leaves out what of three words was seen once`,
    );
  }
}

/** Counts n-grams of each length; those that begin a sentence begin with `<s>`. Words are joined by a space. */
function countNgrams(sentences: Iterable<readonly string[]>, order: number): Map<string, Count>[] {
  const seen: Map<string, number>[] = Array.from({ length: order }, () => new Map());
  for (const sentence of sentences) {
    const words = sentence.filter((word) => word !== '');
    if (words.length === 0) continue;
    const reserved = words.find(
      (word) => [UNKNOWN_WORD, SENTENCE_BEGIN, SENTENCE_END].includes(word) || /\s/.test(word),
    );
    if (reserved !== undefined) {
      throw new InputError(`sentence: plain words were required, got "${reserved}"; take it out`);
    }
    const padded = [SENTENCE_BEGIN, ...words, SENTENCE_END];
    for (let end = 1; end < padded.length; end++) {
      let key = '';
      for (let length = 1; length <= order && length <= end + 1; length++) {
        key = length === 1 ? (padded[end] as string) : `${padded[end + 1 - length]} ${key}`;
        const map = seen[length - 1] as Map<string, number>;
        map.set(key, (map.get(key) ?? 0) + 1);
      }
    }
  }
  return seen.map((map) => new Map([...map].map(([key, count]) => [key, { seen: count, adjusted: count }])));
}

/** Of all but the longest n-grams, and of those that begin a sentence, counts different words before, not occurrences. */
function adjust(counts: readonly Map<string, Count>[]): void {
  for (let length = 1; length < counts.length; length++) {
    const shorter = counts[length - 1] as Map<string, Count>;
    for (const [key, count] of shorter) if (!beginsSentence(key)) count.adjusted = 0;
    for (const key of (counts[length] as Map<string, Count>).keys()) {
      const count = shorter.get(withoutFirst(key));
      if (count !== undefined) count.adjusted++;
    }
  }
}

function* estimate(counts: readonly Map<string, Count>[], thresholds: readonly number[]): Generator<Ngram> {
  const words = counts[0] as Map<string, Count>;
  // The vocabulary has </s> and <unk>, and not <s>.
  const uniform = 1 / (words.size + 1);
  const contexts = counts.map((map, i) => sumContexts(map, thresholds[i] as number));
  const discounts = counts.map(discountsOf);
  const backoff = (key: string, length: number): number => {
    const context = contexts[length]?.get(key);
    return context === undefined ? 0 : Math.log10(backoffWeight(context, discounts[length] as readonly number[]));
  };
  let shorter = new Map<string, number>();
  for (const [i, map] of counts.entries()) {
    const probabilities = new Map<string, number>();
    const ownDiscounts = discounts[i] as readonly number[];
    if (i === 0) {
      const empty = contexts[0]?.get('') as Context;
      const unknown = backoffWeight(empty, ownDiscounts) * uniform;
      yield { words: [UNKNOWN_WORD], log10Probability: Math.log10(unknown), log10Backoff: 0 };
      // lmplz's 0; it is never predicted.
      yield { words: [SENTENCE_BEGIN], log10Probability: 0, log10Backoff: backoff(SENTENCE_BEGIN, 1) };
    }
    for (const [key, { seen, adjusted }] of map) {
      if (seen <= (thresholds[i] as number)) continue;
      const context = contexts[i]?.get(withoutLast(key)) as Context;
      const lower = i === 0 ? uniform : (shorter.get(withoutFirst(key)) as number);
      const discounted = (adjusted - (ownDiscounts[Math.min(adjusted, 3)] as number)) / context.total;
      const probability = discounted + backoffWeight(context, ownDiscounts) * lower;
      probabilities.set(key, probability);
      yield {
        words: key.split(' '),
        log10Probability: Math.log10(probability),
        log10Backoff: i + 1 < counts.length ? backoff(key, i + 1) : 0,
      };
    }
    shorter = probabilities;
  }
}

function sumContexts(map: ReadonlyMap<string, Count>, threshold: number): Map<string, Context> {
  const contexts = new Map<string, Context>();
  for (const [key, { seen, adjusted }] of map) {
    const before = withoutLast(key);
    const context = contexts.get(before) ?? { total: 0, kept: [0, 0, 0], left: 0 };
    contexts.set(before, context);
    context.total += adjusted;
    if (seen <= threshold) context.left += adjusted;
    else context.kept[(Math.min(adjusted, 3) - 1) as 0 | 1 | 2]++;
  }
  return contexts;
}

/** What a context leaves to shorter ones: all that was discounted and left out. */
function backoffWeight({ total, kept, left }: Context, discounts: readonly number[]): number {
  return kept.reduce((sum, count, i) => sum + count * (discounts[i + 1] as number), left) / total;
}

/** Discounts of adjusted counts 1, 2, and 3 or more, at those indices (Chen & Goodman, equation 26). */
function discountsOf(map: ReadonlyMap<string, Count>): readonly number[] {
  const counts = [0, 0, 0, 0, 0];
  for (const { adjusted } of map.values()) if (adjusted <= 4) counts[adjusted] = (counts[adjusted] as number) + 1;
  const [, n1 = 0, n2 = 0] = counts;
  const y = n1 / (n1 + 2 * n2);
  const discounts = [1, 2, 3].map((j) => j - ((j + 1) * y * (counts[j + 1] as number)) / (counts[j] as number));
  const possible = discounts.every((discount, i) => discount >= 0 && discount <= i + 1);
  return possible ? [0, ...discounts] : FALLBACK_DISCOUNTS;
}

function beginsSentence(key: string): boolean {
  return key === SENTENCE_BEGIN || key.startsWith(`${SENTENCE_BEGIN} `);
}

function withoutFirst(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}

function withoutLast(key: string): string {
  const at = key.lastIndexOf(' ');
  return at < 0 ? '' : key.slice(0, at);
}
