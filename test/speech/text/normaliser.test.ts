// Expected values: openai-whisper 20250625 and its repository's one change since, by test/fixtures/speech/make_normalizer.py.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readSpellings } from '../../../src/speech/text/britishSpellings.js';
import { createNormaliser, NORMALISER_NAMES, type NormaliserName } from '../../../src/speech/text/normaliser.js';
import { normaliseTranscript } from '../../../src/speech/text/transcript.js';
import { countWordEdits, errorRate } from '../../../src/speech/text/wer.js';
import { fixture } from '../npy.js';

type Case = readonly [text: string, english: string, basic: string];
const cases = JSON.parse(gunzipSync(readFileSync(fixture('normalizer.json.gz'))).toString()) as Case[];

describe.each([
  ['whisper', 1],
  ['whisper-basic', 2],
] as const)('%s', (name, column) => {
  it(`is Whisper's normaliser on ${cases.length} sentences`, () => {
    expect(cases.length).toBeGreaterThan(1500);
    const normalise = createNormaliser(name);
    const other = cases.filter((one) => normalise(one[0]) !== one[column]);
    expect(other.map((one) => [one[0], normalise(one[0]), one[column]])).toEqual([]);
  });
});

describe('whisper', () => {
  it('makes numbers, currencies, contractions, titles and spellings alike', () => {
    const normalise = createNormaliser('whisper');
    const written = "Mr. Smith didn't pay $21 for the colour.";
    const spoken = 'mister smith did not pay twenty one dollars for the color';
    expect(normalise(written).trim()).toBe(normalise(spoken));
  });

  it('knows 1,738 British spellings', () => {
    const spellings = readSpellings();
    expect(spellings.size).toBe(1738);
    expect(['colour', 'organising', 'grey'].map((word) => spellings.get(word))).toEqual([
      'color',
      'organizing',
      'gray',
    ]);
  });
});

describe('plain', () => {
  it.each([
    // What the embedded transcripts were made by: plain English comes out as before.
    ['Press 1, or dial 600 & say: re-record!', 'press one or dial six zero zero and say re record'],
    ["It's 4:45 A.M. -- 'tis", "it's four forty five a m 'tis"],
    // Letters of every script are kept.
    ['Für Élise — naïve!', 'für élise naïve'],
    ['Съешь ещё этих МЯГКИХ булок.', 'съешь ещё этих мягких булок'],
    ['東京は、今日も晴れ。', '東京は 今日も晴れ'],
    ['مرحبًا، كيف حالك؟', 'مرحبًا كيف حالك'],
    ['प्राचीन संस्कृतियों, और', 'प्राचीन संस्कृतियों और'],
    ['ΣΟΦΟΣ', 'σοφος'],
    ['𐐔𐐇𐐝𐐀𐐡𐐇𐐓', '𐐼𐐯𐑅𐐨𐑉𐐯𐐻'],
    // Digits of other scripts are no English numbers.
    ['१२ और ٣', '१२ और ٣'],
    // Typographic apostrophes; single quotation marks are none.
    ['don’t, dogs’ and ʼn', "don't dogs' and 'n"],
    ['‘I don’t know’, he said', "i don't know he said"],
    // One form of equal letters; what cannot be seen is dropped, a zero-width space parts words.
    ['fu\u0308r', 'für'],
    ['\u200fשלום\u200e so\u00adft a\u200bb', 'שלום soft a b'],
    ['\ufeffhello', 'hello'],
    ['❤️ 👍🏽 … !', ''],
  ])('makes of %s: %s', (text, expected) => {
    expect(createNormaliser('plain')(text)).toBe(expected);
    expect(createNormaliser('plain')(expected)).toBe(expected);
  });

  it('counts other letters as errors, and other apostrophes as none', () => {
    const wer = (reference: string, text: string): number =>
      errorRate([countWordEdits(normaliseTranscript(reference), normaliseTranscript(text))]);
    expect(wer('das ist für dich', 'das ist fär dich')).toBe(0.25);
    expect(wer('I don’t know', "i don't know")).toBe(0);
    expect(wer('Я не знаю.', 'я не знаю')).toBe(0);
    expect(wer('Я не знаю.', 'я знаю')).toBeCloseTo(1 / 3, 12);
  });
});

/** How long texts are at the most; the long form: `QUANTLAB_CHARACTERS=1000000`. */
const CHARACTERS = Number(process.env['QUANTLAB_CHARACTERS'] ?? 200_000);

describe('createNormaliser', () => {
  it('leaves texts alone by none', () => {
    expect(createNormaliser('none')(' As  it IS. ')).toBe(' As  it IS. ');
  });

  it('refuses another name', () => {
    expect(() => createNormaliser('french' as NormaliserName)).toThrow(
      /one of none, plain, whisper, whisper-spelled, whisper-basic/,
    );
  });

  // Each of these took quadratic time once, or does in a regular expression: a million characters would take hours, and these minutes.
  it.each([
    '[',
    '<',
    '(',
    '()',
    ' ',
    '\n',
    "' ",
    '1',
    '1 ',
    'one ',
    'twenty one ',
    'and a ',
    '1 million ',
    '\u2018',
    '\u2018a\u2019b',
    '\u0301',
    '.',
    '$1 and ',
  ])(`is done with ${CHARACTERS} characters of %j`, { timeout: 60_000 }, (part) => {
    const text = part.repeat(CHARACTERS / part.length);
    for (const name of NORMALISER_NAMES) expect(typeof createNormaliser(name)(text)).toBe('string');
  });
});
