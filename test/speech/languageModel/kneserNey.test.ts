// Expected: the formulas of Chen & Goodman (1998) in Python, each number from its definition
// (test/fixtures/speech/decoder/make.py).
import { describe, expect, it } from 'vitest';
import { readArpa } from '../../../src/speech/languageModel/arpa.js';
import { trainKneserNey } from '../../../src/speech/languageModel/kneserNey.js';
import type { NgramModel } from '../../../src/speech/languageModel/ngram.js';
import { decoderFixture, trainingSentences } from '../decoderFixtures.js';

function byWords(model: NgramModel): Map<string, readonly [number, number]> {
  const lengths = Array.from({ length: model.order }, (_, i) => i + 1);
  const all = lengths.flatMap((length) => [...model.ngrams(length)]);
  return new Map(all.map((ngram) => [ngram.words.join(' '), [ngram.log10Probability, ngram.log10Backoff]]));
}

describe('trainKneserNey', () => {
  it.each([
    ['prompts.arpa', [0]],
    ['pruned.arpa', [0, 1]],
  ])('estimates every n-gram of %s', async (name, prune) => {
    const expected = byWords(await readArpa(decoderFixture(name)));
    const trained = byWords(trainKneserNey(trainingSentences(), { order: 3, prune }));
    expect([...trained.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [words, [probability, backoff]] of trained) {
      expect(probability, words).toBeCloseTo(expected.get(words)?.[0] ?? Number.NaN, 5);
      expect(backoff, words).toBeCloseTo(expected.get(words)?.[1] ?? Number.NaN, 5);
    }
  });

  it.each([
    [1, [0]],
    [2, [0, 1]],
    [4, [0, 0, 1]],
    [5, [0]],
  ])('gives probabilities that sum to one after any context, order %i', (order, prune) => {
    const model = trainKneserNey(trainingSentences(), { order, prune });
    const words = [...model.vocabulary, '</s>', '<unk>'].map((word) => model.idOf(word));
    for (const context of [[], ['please'], ['please', 'enter', 'your', 'agent'], ['never', 'heard']]) {
      for (const begin of [0, model.start]) {
        const state = context.reduce((at, word) => model.next(at, model.idOf(word)), begin);
        const sum = words.reduce((total, word) => total + 10 ** model.log10Probability(state, word), 0);
        expect(sum).toBeCloseTo(1, 9);
      }
    }
  });

  it('takes fixed discounts where counts are too few', () => {
    // One bigram each: n₂ = 0. Discount 0.5 of a count of 1 among three words, and its share of 1 / 4 back: by hand.
    const model = trainKneserNey([['a', 'b']], { order: 1 });
    expect(10 ** model.log10Probability(0, model.idOf('a'))).toBeCloseTo(0.5 / 3 + 0.5 / 4, 9);
    expect(10 ** model.log10Probability(0, model.idOf('<unk>'))).toBeCloseTo(0.5 / 4, 9);
  });

  it('refuses text without words, words of its own, and impossible options', () => {
    expect(() => trainKneserNey([[], ['']])).toThrow(/one word or more were required, got none/);
    expect(() => trainKneserNey([['a', '<s>']])).toThrow(/plain words were required, got "<s>"/);
    expect(() => trainKneserNey([['a']], { order: 6 })).toThrow(/order: a whole number from 1 to 5/);
    expect(() => trainKneserNey([['a']], { prune: [0, 2, 1] })).toThrow(/that do not fall .* got 0, 2, 1/);
    expect(() => trainKneserNey([['a']], { prune: [] })).toThrow(/prune/);
  });
});
