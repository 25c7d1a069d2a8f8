// Expected: kenlm 0.3.0 on the same texts, what it scores and what it refuses; where that is not so, the test says it.
import { mkdtempSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { readArpa } from '../../../src/speech/languageModel/arpa.js';
import type { NgramModel } from '../../../src/speech/languageModel/ngram.js';
import { decoderFixture } from '../decoderFixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-arpa-'));
const whole = readFileSync(decoderFixture('handmade.arpa'), 'utf8');

const UNIGRAMS = ['-99\t<s>\t-0.3', '-0.9\t</s>', '-0.7\tyes\t-0.2', '-1.1\tplease\t-0.4', '-1.3\thold\t-0.1'] as const;
const BIGRAMS = ['-0.2\t<s> please', '-0.3\tplease hold'] as const;

function arpa(unigrams: readonly string[], bigrams: readonly string[] = BIGRAMS): string {
  const counts = `ngram 1=${unigrams.length}\nngram 2=${bigrams.length}`;
  return ['\\data\\', counts, '', '\\1-grams:', ...unigrams, '', '\\2-grams:', ...bigrams, '', '\\end\\', ''].join(
    '\n',
  );
}

/** A model with a line replaced. */
function replaced(from: string, to: string): string {
  const text = arpa(UNIGRAMS);
  expect(text).toContain(from);
  return text.replace(from, to);
}

async function write(content: string | Uint8Array, name = 'model.arpa'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function score(content: string | Uint8Array, sentence: string): Promise<number> {
  return (await readArpa(await write(content))).scoreSentence(sentence.split(' ')).log10Probability;
}

describe('readArpa', () => {
  it.each([
    ['no model', 'hello\n', /a \\data\\ section with counts was required, got none/],
    [
      'a cut file',
      whole.slice(0, whole.indexOf('-0.05\t<s>')),
      /8, 6, 4, 1 n-grams and \\end\\ were required, got 8, 6, 4, 0 and no end/,
    ],
    ['fewer than were counted', replaced('-0.3\tplease hold\n', ''), /5, 2 n-grams .* were required, got 5, 1/],
    ['more than were counted', replaced('ngram 1=5', 'ngram 1=4'), /:10: the end of 4 1-grams was required/],
    ['a line too short', whole.replace('-0.8\tb\t-0.25', '-0.8'), /:\d+: a 1-gram was required .* got "-0.8"/],
    ['a strange section', replaced('\\2-grams:', '\\two'), /:12: the section \\2-grams: was required .* got "\\two"/],
    ['a section left out', whole.replace('\\2-grams:', '\\3-grams:'), /the section \\2-grams: was required/],
    ['a strange count', replaced('ngram 2=2', 'ngram two=2'), /:3: a count "ngram 2=…" .* got "ngram two=2"/],
    ['counts out of order', replaced('ngram 1=5', 'ngram 3=5'), /:2: a count "ngram 1=…"/],
    ['an orphan', whole.replace('a b c\t', 'x b c\t'), /:\d+: n-gram "x b c": its beginning was required/],
    ['a twin', whole.replace('a b c\t', 'a b d\t'), /:\d+: n-gram "a b d": .* itself once/],
    ['no </s>', arpa(UNIGRAMS.filter((line) => !line.includes('</s>'))), /:11: <\/s> among the 1-grams before/],
    ['no <s>', arpa(UNIGRAMS.slice(1), ['-0.2\tyes please']), /:11: <s> among the 1-grams before was required/],
    ['<S> for <s>', arpa(UNIGRAMS, BIGRAMS).replaceAll('<s>', '<S>'), /<s> among the 1-grams before was required/],
    ['no words at all', '\\data\\\nngram 1=0\n\\end\\\n', /:3: <s> among the 1-grams before was required/],
    [
      'a positive logarithm',
      replaced('-0.7\tyes', '0.7\tyes'),
      /:8: the logarithm of a probability, 0 at most.*got 0\.7/,
    ],
    ['one of two words', replaced('-0.3\tplease hold', '0.3\tplease hold'), /:14: the logarithm of a probability/],
    ['NaN', replaced('-0.7\tyes', 'nan\tyes'), /:8: a 1-gram was required/],
    ['a hexadecimal number', replaced('-0.7\tyes', '-0x1\tyes'), /:8: a 1-gram was required/],
    [
      'a back-off of the longest',
      replaced('please hold', 'please hold\t-0.2'),
      /:14: no back-off weight of the longest/,
    ],
    [
      'a space inside a word',
      replaced('-0.9\t</s>', '-0.9\t</s> 2'),
      /:7: a 1-gram was required .*got "-0.9\t<\/s> 2"/,
    ],
    // kenlm reads -inf, and its scores are then infinite: ours are finite.
    ['minus infinity', replaced('-0.7\tyes', '-inf\tyes'), /:8: a 1-gram was required/],
    ['a number beyond float32', replaced('-0.7\tyes', '-1e39\tyes'), /:8: a 1-gram was required/],
    ["kenlm's binary form", 'mmap lm http://kheafield.com/code format version 5\n', /:1: .* got KenLM's binary form/],
    ['too many n-grams', '\\data\\\nngram 1=99999999999\n\n\\1-grams:\n', /:4: at most 10000000 n-grams was required/],
    ['comments without end', 'hello\n'.repeat(20_000), /at most 10000 lines besides the n-grams was required/],
    ['a line without end', 'a'.repeat(3e6), /:1: a line of at most \d+ bytes was required/],
    ['Latin-1', Buffer.from(replaced('\tyes\t', '\toé\t'), 'latin1'), /:8: UTF-8 was required/],
    ['UTF-16', Buffer.from(`\uFEFF${whole}`, 'utf16le'), /:1: UTF-8 was required/],
    ['another packer', Buffer.from('BZh91AY&SY'), /got bzip2; unpack it first/],
  ])('refuses %s', async (_, content, message) => {
    const path = await write(content);
    await expect(readArpa(path)).rejects.toThrow(InputError);
    await expect(readArpa(path)).rejects.toThrow(message);
    await expect(readArpa(path)).rejects.toThrow(path);
  });

  it('refuses what is missing, and a gzip file that is cut', async () => {
    await expect(readArpa(join(folder, 'none.arpa'))).rejects.toThrow(/a file was required, got nothing/);
    await expect(readArpa(join(folder, 'none.arpa.gz'))).rejects.toThrow(/a file was required, got nothing/);
    const path = await write(gzipSync(whole).subarray(0, 100), 'cut.arpa.gz');
    await expect(readArpa(path)).rejects.toThrow(/a whole gzip file was required/);
  });

  it('reads to the end of the file: nothing may stand behind \\end\\, and of a gzip file no byte be missing', async () => {
    const packed = await write(gzipSync(arpa(UNIGRAMS)).subarray(0, -6), 'cut-behind.arpa.gz');
    await expect(readArpa(packed)).rejects.toThrow(/a whole gzip file was required/);
    const twice = await write(arpa(UNIGRAMS) + arpa(UNIGRAMS), 'twice.arpa');
    await expect(readArpa(twice)).rejects.toThrow(/twice\.arpa:17: nothing behind \\end\\ was required/);
    expect((await readArpa(await write(`${arpa(UNIGRAMS)}\n\n`))).order).toBe(2);
  });

  it('tells gzip by its bytes, whatever the name', async () => {
    const expected = [...(await readArpa(decoderFixture('handmade.arpa'))).ngrams(2)];
    const [packed, plain] = [await write(gzipSync(whole), 'packed.arpa'), await write(whole, 'plain.arpa.gz')];
    for (const path of [packed, plain]) expect([...(await readArpa(path)).ngrams(2)]).toEqual(expected);
    // Two members, as `cat a.gz b.gz` makes them.
    const half = whole.length >> 1;
    const members = Buffer.concat([gzipSync(whole.slice(0, half)), gzipSync(whole.slice(half))]);
    expect([...(await readArpa(await write(members))).ngrams(2)]).toEqual(expected);
  });

  it.each([
    ['spaces in the counts', replaced('ngram 1=5', 'ngram  1=         5')],
    ['spaces around the sign', replaced('ngram 1=5', 'ngram 1 = 5')],
    ['line ends of Windows', arpa(UNIGRAMS).replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${arpa(UNIGRAMS)}`],
    ['a comment before', `made by hand\n\n${arpa(UNIGRAMS)}`],
    ['spaces for tabs', arpa(UNIGRAMS).replaceAll('\t', ' ')],
    ['no line break at the end', arpa(UNIGRAMS).trimEnd()],
    ['<UNK> for <unk>', arpa(['-100\t<UNK>', ...UNIGRAMS])],
  ])('takes %s', async (_, text) => {
    expect(await score(text, 'yes please')).toBeCloseTo(-3.6, 5);
    expect(await score(text, 'please hold')).toBeCloseTo(-1.5, 5);
  });

  it('charges the back-off before a word that a model without <unk> does not know', async () => {
    expect(await score(arpa(UNIGRAMS), 'please zebra')).toBeCloseTo(-101.5, 5);
    expect(await score(arpa(UNIGRAMS), 'zebra please')).toBeCloseTo(-102.7, 5);
    expect(await score(arpa([...UNIGRAMS, '-1.5\t<unk>\t-0.5']), 'please zebra')).toBeCloseTo(-3.5, 5);
    expect(await score(arpa([...UNIGRAMS, '-1.5\t<unk>\t-0.5']), 'zebra please')).toBeCloseTo(-4.7, 5);
  });

  it('takes a positive back-off weight, and 0 for certain', async () => {
    expect(await score(replaced('yes\t-0.2', 'yes\t0.2'), 'yes please')).toBeCloseTo(-3.2, 5);
    expect(await score(replaced('-0.7\tyes', '0\tyes'), 'yes please')).toBeCloseTo(-2.9, 5);
  });

  it.each([
    ['a no-break space', '5\u00a0000'],
    ['a narrow one', '5\u202f000'],
    ['a line separator', 'a\u2028b'],
    ['a next line', 'a\u0085b'],
    ['a vertical tab', 'ye\u000bs'],
    ['an ideographic space', '東\u3000京'],
    ['letters beyond 16 bits', '𐐷𐐲'],
  ])('reads a word with %s as one', async (_, word) => {
    const model: NgramModel = await readArpa(await write(arpa([...UNIGRAMS, `-1.1\t${word}\t-0.5`])));
    expect(model.vocabulary.at(-1)).toBe(word);
    expect([...model.ngrams(1)].at(-1)).toEqual({ words: [word], log10Probability: -1.1, log10Backoff: -0.5 });
  });

  it('takes orders to 5', async () => {
    const counts = Array.from({ length: 6 }, (_, i) => `ngram ${i + 1}=0`).join('\n');
    const path = await write(`\\data\\\n${counts}\n\\end\\\n`);
    await expect(readArpa(path)).rejects.toThrow(/at most 5 words was required of an ARPA file, got 6/);
  });
});
