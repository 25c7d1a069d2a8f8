// Expected texts: pyctcdecode 0.5.0 with kenlm 0.3.0, beam 100; expected scores: all paths of a text summed exactly
// (test/fixtures/speech/decoder/make.py).
import { describe, expect, it } from 'vitest';
import { BeamSearch, type BeamSearchOptions } from '../../../src/speech/decode/beamSearch.js';
import { decodeGreedy } from '../../../src/speech/decode/ctc.js';
import { readArpa } from '../../../src/speech/languageModel/arpa.js';
import { NgramModel } from '../../../src/speech/languageModel/ngram.js';
import { decoderFixture, LABELS, type ReferenceBeams, readMatrices, readReferenceBeams } from '../decoderFixtures.js';

const matrices = readMatrices();

/** Of 20 prompts, how many texts are equal; in the others ours scores at least as high, but for pruned paths. */
const EQUAL_TEXTS: Readonly<Record<string, number>> = { 'network alone': 20, usual: 16, strong: 18, 'hot words': 16 };

async function searchFor(reference: ReferenceBeams, more: BeamSearchOptions = {}): Promise<BeamSearch> {
  const { lm, alpha = 0, beta = 0, unknown = 0, hot_words = [], hot_weight = 0 } = reference;
  return new BeamSearch(LABELS, 0, {
    ...(lm === null ? {} : { languageModel: await readArpa(decoderFixture(lm)), alpha, beta, unknownPenalty: unknown }),
    hotWords: new Map(hot_words.map((word) => [word, hot_weight])),
    beamWidth: 100,
    ...more,
  });
}

describe.each(readReferenceBeams())('beam search, $name', (reference) => {
  // pyctcdecode keeps a text's paths that end in a blank and those that do not as two beams, which compete; and it charges
  // an unknown word's beginning another amount than the word. So the two prune differently, and ours, wider here than by
  // default, may find a text of a higher score.
  it('finds in 20 prompts what pyctcdecode finds, or better', async () => {
    const search = await searchFor(reference, { beamWidth: 300, tokenMinimum: -9, beamMinimum: -30 });
    const equal = reference.utterances.slice(0, 20).filter(({ id, steps, text, score }) => {
      const [best] = search.decode(matrices.get(id) as Float32Array, steps);
      if (best?.text === text) {
        // Paths that were pruned are missing from the sum.
        expect(score - best.score, `${id}: ${text}`).toBeLessThan(0.1);
        expect(score - best.score, `${id}: ${text}`).toBeGreaterThan(-0.001);
      } else {
        expect(best?.score, `${id}: ${best?.text} for ${text}`).toBeGreaterThan(score - 0.1);
      }
      return best?.text === text;
    });
    expect(equal.length).toBeGreaterThanOrEqual(EQUAL_TEXTS[reference.name] ?? 20);
  });

  it('finds in noise what pyctcdecode finds, or as good, when it is wide', async () => {
    const search = await searchFor(reference, { beamWidth: 400, tokenMinimum: -9, beamMinimum: -30 });
    for (const { id, steps, text, score } of reference.utterances.slice(20)) {
      const [best] = search.decode(matrices.get(id) as Float32Array, steps);
      expect(best?.score, `${id}: ${best?.text} for ${text}`).toBeGreaterThan(score - 0.4);
    }
  });
});

/** Every text that a small network can say, with its probability: each path on its own, as CTC is defined. */
function everyText(values: Float32Array, steps: number, labels: readonly string[]): Map<string, number> {
  const texts = new Map<string, number>();
  const paths = labels.length ** steps;
  for (let path = 0; path < paths; path++) {
    let logProbability = 0;
    let text = '';
    let previous = 0;
    for (let step = 0, rest = path; step < steps; step++, rest = Math.floor(rest / labels.length)) {
      const label = rest % labels.length;
      logProbability += values[step * labels.length + label] as number;
      if (label !== previous) text += labels[label] ?? '';
      previous = label;
    }
    const tidied = text.replace(/[|▁ ]+/g, ' ').trim();
    texts.set(tidied, (texts.get(tidied) ?? 0) + Math.exp(logProbability));
  }
  return texts;
}

describe('beam search without pruning', () => {
  it.each([
    ['spaces', ['', ' ', 'a', 'b']],
    ['bars, and a class that is never said', ['', '', 'a', '|']],
    ['low lines', ['', '▁a', 'b', '▁']],
  ])('sums every path of every text, scores its words and ends it: %s', async (_, labels) => {
    const entry = (text: string, log10Probability: number, log10Backoff = 0) => {
      return { words: text.split(' '), log10Probability, log10Backoff };
    };
    const languageModel = new NgramModel(2, [
      entry('<unk>', -2),
      entry('<s>', 0, -0.3),
      entry('</s>', -0.9),
      entry('a', -0.6, -0.2),
      entry('ab', -0.8, -0.1),
      entry('<s> a', -0.4),
      entry('a ab', -0.3),
      entry('ab </s>', -0.5),
    ]);
    const random = randomNumbers(3);
    const steps = 6;
    const values = Float32Array.from({ length: steps * 4 }, () => Math.log(random() + 1e-3));
    const hotWords = new Map([['ab', 1.5]]);
    const options = { languageModel, alpha: 0.7, beta: 0.4, unknownPenalty: -0.5, hotWords };
    const wide = { beamWidth: 1e6, tokenMinimum: Number.NEGATIVE_INFINITY, beamMinimum: Number.NEGATIVE_INFINITY };
    const found = new BeamSearch(labels, 0, { ...options, ...wide }).decode(values, steps);
    const expected = everyText(values, steps, labels);
    expect(found.map(({ text }) => text).sort()).toEqual([...expected.keys()].sort());
    for (const { text, score, logProbability } of found) {
      const words = text.split(' ').filter(Boolean);
      const { log10Probability } = languageModel.scoreSentence(words);
      const penalties = words.filter((word) => word !== 'a' && word !== 'ab').length * -0.5;
      const hot = words.filter((word) => word === 'ab').length * 1.5;
      expect(logProbability, text).toBeCloseTo(Math.log(expected.get(text) ?? 0), 9);
      const wordScore = 0.7 * Math.LN10 * (log10Probability + penalties) + 0.4 * words.length + hot;
      expect(score, text).toBeCloseTo(logProbability + wordScore, 9);
    }
    const scores = found.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(found.reduce((sum, { confidence }) => sum + confidence, 0)).toBeCloseTo(1, 9);
  });
});

describe('BeamSearch', () => {
  it('with one beam and no language model says what best path decoding says, where the network is sure', () => {
    const sure = Float32Array.from(
      [0, 3, 3, 0, 3, 1, 4, 4].flatMap((best) => LABELS.map((_, i) => (i === best ? -0.01 : -9))),
    );
    const [best] = new BeamSearch(LABELS, 0, { beamWidth: 1 }).decode(sure, 8);
    expect(best?.text).toBe('aa b');
    expect(best?.text).toBe(decodeGreedy(sure, 8, LABELS, 0).text);
  });

  it('does not depend on what was decoded before', () => {
    const search = new BeamSearch(LABELS, 0);
    const [first, second] = [...matrices.values()] as [Float32Array, Float32Array];
    const alone = search.decode(second, second.length / LABELS.length);
    search.decode(first, first.length / LABELS.length);
    expect(search.decode(second, second.length / LABELS.length)).toEqual(alone);
  });

  it('says nothing for no steps', () => {
    expect(new BeamSearch(LABELS, 0).decode(new Float32Array(), 0)).toEqual([
      { text: '', logProbability: 0, score: 0, confidence: 1, sequence: [] },
    ]);
  });

  it('refuses too few values, steps without a number, and impossible options', () => {
    const search = new BeamSearch(LABELS, 0);
    expect(() => search.decode(new Float32Array(28), 1)).toThrow(/1 × 29 values were required, got 28/);
    expect(() => search.decode(new Float32Array(29).fill(Number.NaN), 1)).toThrow(/required in step 0, got NaN/);
    const refused: [BeamSearchOptions, RegExp][] = [
      [{ beamWidth: 0 }, /beamWidth: a whole number from 1/],
      [{ alpha: -1 }, /alpha: a number of at least 0/],
      [{ beta: Number.NaN }, /beta: a number was required/],
      [{ tokenMinimum: 1 }, /tokenMinimum: a number of at most 0/],
      [{ unknownPenalty: Number.NaN }, /unknownPenalty/],
      [{ hotWords: new Map([['two words', 1]]) }, /a single word was required, got "two words"/],
      [{ hotWords: new Map([['word', Number.NaN]]) }, /a finite boost was required/],
    ];
    for (const [options, message] of refused) expect(() => new BeamSearch(LABELS, 0, options)).toThrow(message);
  });
});

/** Numbers in 0…1 of a small generator (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
