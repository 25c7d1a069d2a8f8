// Expected: kenlm 0.3.0 on the same files (test/fixtures/speech/decoder/make.py).
import { mkdtempSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { readArpa, writeArpa } from '../../src/speech/arpa.js';
import { NgramModel, SENTENCE_END } from '../../src/speech/ngram.js';
import { decoderFixture } from './decoderFixtures.js';

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

describe('readArpa', () => {
  const whole = readFileSync(decoderFixture('handmade.arpa'), 'utf8');

  it.each([
    ['no model', 'hello\n', /a \\data\\ section with counts was required, got none/],
    [
      'a cut file',
      whole.slice(0, whole.indexOf('-0.05\t<s>')),
      /8, 6, 4, 1 n-grams and \\end\\ were required, got 8, 6, 4, 0 and no end/,
    ],
    ['a line too short', whole.replace('-0.8\tb\t-0.25', '-0.8'), /an n-gram of an ARPA file was required in line/],
    ['a strange section', whole.replace('\\2-grams:', '\\two'), /a section .* got "\\two"/],
    ['a strange count', whole.replace('ngram 2=6', 'ngram two=6'), /a count .* got "ngram two=6"/],
    ['an orphan', whole.replace('a b c\t', 'x b c\t'), /n-gram "x b c": its beginning was required/],
    ['a twin', whole.replace('a b c\t', 'a b d\t'), /n-gram "a b d": .* itself once/],
  ])('refuses %s', async (_, text, message) => {
    const path = join(folder, 'bad.arpa');
    await writeFile(path, text);
    await expect(readArpa(path)).rejects.toThrow(InputError);
    await expect(readArpa(path)).rejects.toThrow(message);
  });

  it('refuses what is missing, and a gzip file that is cut or none', async () => {
    await expect(readArpa(join(folder, 'none.arpa'))).rejects.toThrow(/a file was required, got nothing/);
    await expect(readArpa(join(folder, 'none.arpa.gz'))).rejects.toThrow(/a file was required, got nothing/);
    const path = join(folder, 'cut.arpa.gz');
    await writeFile(path, gzipSync(whole).subarray(0, 100));
    await expect(readArpa(path)).rejects.toThrow(/a whole gzip file was required/);
    await writeFile(path, whole);
    await expect(readArpa(path)).rejects.toThrow(/a whole gzip file was required/);
  });

  it('takes orders to 5, spaces for tabs, and a model without <unk>', async () => {
    const text = '\\data\\\nngram 1=2\n\n\\1-grams:\n-0.5 a 0\n-0.2 </s>\n\n\\end\\\n';
    await writeFile(join(folder, 'tiny.arpa'), text);
    const model = await readArpa(join(folder, 'tiny.arpa'));
    // kenlm's logarithm of an unknown word where the file has none is −100.
    expect(model.scoreSentence(['a', 'z'])).toEqual({ log10Probability: -0.5 - 100 - 0.2, unknown: 1 });
    const counts = Array.from({ length: 6 }, (_, i) => `ngram ${i + 1}=0`).join('\n');
    await writeFile(join(folder, 'six.arpa'), `\\data\\\n${counts}\n\\end\\\n`);
    await expect(readArpa(join(folder, 'six.arpa'))).rejects.toThrow(/at most 5 words were required, got 6/);
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
