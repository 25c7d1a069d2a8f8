// Expected values: openai-whisper 20250625, by test/fixtures/speech/make_normalizer.py.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readSpellings } from '../../src/speech/britishSpellings.js';
import { createNormaliser } from '../../src/speech/normaliser.js';
import { normaliseTranscript } from '../../src/speech/transcript.js';
import { fixture } from './npy.js';

const cases = JSON.parse(gunzipSync(readFileSync(fixture('normalizer.json.gz'))).toString()) as [string, string][];

/** Sentences that come out otherwise than in Python: none. */
const OTHER: readonly string[] = [];

describe('whisper-english', () => {
  it(`is Whisper's English normaliser on ${cases.length} sentences`, () => {
    expect(cases.length).toBeGreaterThan(500);
    const normalise = createNormaliser('whisper-english');
    const other = cases.filter(([text, expected]) => normalise(text) !== expected);
    expect(other.map(([text, expected]) => [text, normalise(text), expected])).toEqual(OTHER);
  });

  it('makes numbers, currencies, contractions, titles and spellings alike', () => {
    const normalise = createNormaliser('whisper-english');
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
  it('is the alphabet of the models', () => {
    expect(createNormaliser('plain')).toBe(normaliseTranscript);
  });
});
