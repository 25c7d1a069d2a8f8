// Expected: kenlm 0.3.0 on the same files (test/fixtures/speech/decoder/make.py).
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readArpa, writeArpa } from '../../../src/speech/languageModel/arpa.js';
import { NgramModel, SENTENCE_END } from '../../../src/speech/languageModel/ngram.js';
import { decoderFixture } from '../decoderFixtures.js';

type Scored = { readonly text: string; readonly words: readonly (readonly [number, number, boolean])[] };
const sentences = JSON.parse(readFileSync(decoderFixture('sentences.json'), 'utf8')) as Record<string, Scored[]>;
const folder = mkdtempSync(join(tmpdir(), 'quantlab-arpa-'));

describe.each(Object.keys(sentences))('the n-gram model %s', (name) => {
  it('scores each word of each sentence as kenlm does', async () => {
    const model = await readArpa(decoderFixture(name));
    for (const { text, words } of sentences[name] ?? []) {
      let state = model.start;
      const spoken = [...text.split(' ').filter(Boolean), SENTENCE_END];
      expect(spoken).toHaveLength(words.length);
      for (const [index, word] of spoken.entries()) {
        const id = model.idOf(word);
        const [expected, , unknown] = words[index] ?? [];
        expect(model.log10Probability(state, id), `${text}: ${word}`).toBeCloseTo(expected ?? Number.NaN, 4);
        expect(model.has(word), word).toBe(!unknown);
        state = model.next(state, id);
      }
      const sum = words.reduce((total, [log10]) => total + log10, 0);
      expect(model.scoreSentence(spoken.slice(0, -1)).log10Probability).toBeCloseTo(sum, 3);
    }
  });

  it('is the same after writing and reading, packed too', async () => {
    const model = await readArpa(decoderFixture(name));
    for (const file of ['again.arpa', 'again.arpa.gz']) {
      await writeArpa(model, join(folder, file));
      const again = await readArpa(join(folder, file));
      expect(again.order).toBe(model.order);
      for (let length = 1; length <= model.order; length++) {
        expect([...again.ngrams(length)]).toEqual([...model.ngrams(length)]);
      }
    }
  });
});

describe('NgramModel', () => {
  it('backs off through a context that is itself missing', () => {
    const entry = (text: string, log10Probability: number, log10Backoff = 0) => {
      return { words: text.split(' '), log10Probability, log10Backoff };
    };
    // "b" is no context of its own: after "a b" comes "c" with the back-off of "a b" alone.
    const model = new NgramModel(3, [entry('a', -1), entry('b', -1), entry('c', -2), entry('a b', -0.5, -0.25)]);
    const state = model.next(model.next(0, model.idOf('a')), model.idOf('b'));
    expect(model.log10Probability(state, model.idOf('c'))).toBeCloseTo(-2.25, 12);
  });
});
