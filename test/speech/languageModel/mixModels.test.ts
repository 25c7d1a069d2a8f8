import { describe, expect, it } from 'vitest';
import { trainKneserNey } from '../../../src/speech/languageModel/kneserNey.js';
import { fitMixture, mixModels } from '../../../src/speech/languageModel/mixModels.js';
import { trainingSentences } from '../decoderFixtures.js';

const sentences = trainingSentences();
const first = trainKneserNey(sentences.slice(0, 200), { order: 3, prune: [0, 0, 1] });
const second = trainKneserNey(sentences.slice(200), { order: 2 });

describe('mixModels', () => {
  const mixed = mixModels([first, second], [0.3, 0.7]);

  it('gives each n-gram that a model has the weighted sum', () => {
    for (const text of ['please enter your', 'please enter', '<s> please', 'thank you', 'you', '</s>']) {
      const words = text.split(' ');
      const probability = (model: typeof first): number => {
        const begin = words[0] === '<s>' ? model.start : 0;
        const context = words.slice(words[0] === '<s>' ? 1 : 0, -1);
        const state = context.reduce((at, word) => model.next(at, model.idOf(word)), begin);
        const last = words.at(-1) as string;
        return model.has(last) ? 10 ** model.log10Probability(state, model.idOf(last)) : 0;
      };
      expect(probability(mixed), text).toBeCloseTo(0.3 * probability(first) + 0.7 * probability(second), 9);
    }
  });

  it('sums to one after any context', () => {
    const words = [...mixed.vocabulary, '</s>', '<unk>'].map((word) => mixed.idOf(word));
    for (const context of [[], ['please'], ['please', 'enter'], ['the', 'agent'], ['never', 'heard', 'your']]) {
      const state = context.reduce((at, word) => mixed.next(at, mixed.idOf(word)), mixed.start);
      const sum = words.reduce((total, word) => total + 10 ** mixed.log10Probability(state, word), 0);
      expect(sum, context.join(' ')).toBeCloseTo(1, 6);
    }
    expect(new Set(mixed.vocabulary)).toEqual(new Set([...first.vocabulary, ...second.vocabulary]));
  });

  it('refuses weights that are none', () => {
    expect(() => mixModels([first, second], [0.3, 0.3])).toThrow(/of sum 1, was required, got 0.3, 0.3/);
    expect(() => mixModels([first, second], [1.5, -0.5])).toThrow(/at least 0/);
    expect(() => mixModels([], [])).toThrow(/mixture/);
  });
});

describe('fitMixture', () => {
  const likelihood = (weights: readonly number[], heldOut: readonly string[][]): number => {
    const model = mixModels([first, second], weights);
    return heldOut.reduce((sum, words) => sum + model.scoreSentence(words).log10Probability, 0);
  };

  it('finds the weights of the greatest likelihood', () => {
    const known = (word: string): boolean => first.has(word) && second.has(word);
    const heldOut = sentences.filter((words) => words.every(known)).slice(40, 80);
    const weights = fitMixture([first, second], heldOut);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
    const best = likelihood(weights, heldOut);
    const [own = 0] = weights;
    for (const other of [own - 0.1, own + 0.1].filter((weight) => weight > 0 && weight < 1)) {
      expect(likelihood([other, 1 - other], heldOut)).toBeLessThan(best);
    }
  });

  it('gives all to the model that knows the words', () => {
    const weights = fitMixture([first, trainKneserNey([['zebra']], { order: 1 })], sentences.slice(0, 50));
    expect(weights[0]).toBeGreaterThan(0.9);
    expect(() => fitMixture([], [['please']])).toThrow(/mixture/);
  });
});
