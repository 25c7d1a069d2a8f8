import { InputError } from '../../errors.js';
import { NgramModel, SENTENCE_BEGIN, SENTENCE_END, UNKNOWN_WORD } from './ngram.js';
import type { Ngram } from './ngramTree.js';

/** Rounds of {@link fitMixture}; weights change by less than a thousandth long before. */
const ROUNDS = 100;

/**
 * Mixes language models into one: P(w | h) = Σ λᵢ Pᵢ(w | h) for every n-gram that one of them has, and for the rest back-off
 * weights that make the sums one (static interpolation, as SRILM's `ngram -mix-lm`).
 *
 * @param models - with the n-grams' endings among their n-grams, as trained models have them
 * @param weights - λ of each, at least 0, of sum 1
 * @throws {InputError} when the weights are not such
 * @see Stolcke 2002, "SRILM – an extensible language modeling toolkit", section 3.2
 */
export function mixModels(models: readonly NgramModel[], weights: readonly number[]): NgramModel {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (
    models.length === 0 ||
    weights.length !== models.length ||
    !weights.every((w) => w >= 0) ||
    Math.abs(sum - 1) > 1e-6
  ) {
    throw new InputError(
      `mixture: a weight of at least 0 for each of ${models.length} models, of sum 1, was required, got ${weights.join(', ')}; fit them`,
    );
  }
  const order = Math.max(...models.map((model) => model.order));
  return new NgramModel(order, mixedNgrams(models, weights, order));
}

function* mixedNgrams(models: readonly NgramModel[], weights: readonly number[], order: number): Generator<Ngram> {
  const lengths = Array.from({ length: order }, (_, i) => probabilitiesOf(models, weights, i + 1));
  for (const [i, probabilities] of lengths.entries()) {
    const backoffs = i + 1 < order ? backoffWeights(lengths[i + 1] as Mixed, probabilities) : new Map<string, number>();
    for (const [key, { words, probability }] of probabilities) {
      yield {
        words,
        log10Probability: key === SENTENCE_BEGIN ? 0 : Math.log10(probability),
        log10Backoff: Math.log10(backoffs.get(key) ?? 1),
      };
    }
  }
}

type Mixed = ReadonlyMap<string, { readonly words: readonly string[]; readonly probability: number }>;

function probabilitiesOf(models: readonly NgramModel[], weights: readonly number[], length: number): Mixed {
  const mixed = new Map<string, { words: readonly string[]; probability: number }>();
  for (const model of models) {
    for (const { words } of model.ngrams(length)) {
      const key = words.join(' ');
      if (mixed.has(key)) continue;
      const probability = models.reduce((sum, one, i) => sum + (weights[i] as number) * probabilityIn(one, words), 0);
      mixed.set(key, { words, probability });
    }
  }
  return mixed;
}

/** Probability of the last word after the others; 0 of a word that the model has not. */
function probabilityIn(model: NgramModel, words: readonly string[]): number {
  const last = words.at(-1) as string;
  if (!model.has(last)) return 0;
  return 10 ** model.log10Probability(stateAfter(model, words.slice(0, -1)), model.idOf(last));
}

function stateAfter(model: NgramModel, words: readonly string[]): number {
  const [first, ...rest] = words;
  if (first === undefined) return 0;
  const begin = first === SENTENCE_BEGIN ? model.start : model.next(0, model.idOf(first));
  return rest.reduce((state, word) => model.next(state, model.idOf(word)), begin);
}

/** What the known words after each context leave to the others, over what these have after the shorter context. */
function backoffWeights(longer: Mixed, shorter: Mixed): Map<string, number> {
  const left = new Map<string, { own: number; below: number }>();
  for (const { words, probability } of longer.values()) {
    const context = words.slice(0, -1).join(' ');
    const below = shorter.get(words.slice(1).join(' '));
    if (below === undefined) {
      throw new InputError(
        `mixture: the n-gram "${words.slice(1).join(' ')}" was required beside "${words.join(' ')}", got none; train the models without other pruning`,
      );
    }
    const sums = left.get(context) ?? { own: 1, below: 1 };
    sums.own -= probability;
    sums.below -= below.probability;
    left.set(context, sums);
  }
  // What is left by rounding alone must stay above zero.
  return new Map([...left].map(([key, { own, below }]) => [key, Math.max(own, 1e-9) / Math.max(below, 1e-9)]));
}

/**
 * Finds the weights of a mixture that make sentences likeliest, by expectation maximisation. Words that no model knows are
 * left out.
 *
 * @param models - to be mixed
 * @param sentences - held out from their training
 * @returns λ of each model, of sum 1
 * @throws {InputError} when there is no model, or no model knows a word
 */
export function fitMixture(models: readonly NgramModel[], sentences: Iterable<readonly string[]>): number[] {
  const probabilities: number[][] = [];
  for (const sentence of sentences) {
    const words = [SENTENCE_BEGIN, ...sentence, SENTENCE_END];
    for (let end = 2; end <= words.length; end++) {
      const each = models.map((model) => probabilityIn(model, words.slice(Math.max(0, end - model.order), end)));
      if (each.some((probability) => probability > 0) && words[end - 1] !== UNKNOWN_WORD) probabilities.push(each);
    }
  }
  if (probabilities.length === 0) {
    throw new InputError('mixture: sentences with words that a model knows were required, got none; give others');
  }
  let weights = models.map(() => 1 / models.length);
  for (let round = 0; round < ROUNDS; round++) {
    const shares = models.map(() => 0);
    for (const each of probabilities) {
      const total = each.reduce((sum, probability, i) => sum + probability * (weights[i] as number), 0);
      for (const [i, probability] of each.entries()) {
        shares[i] = (shares[i] as number) + (probability * (weights[i] as number)) / total;
      }
    }
    weights = shares.map((share) => share / probabilities.length);
  }
  return weights;
}
