// Expected values: jiwer 4.0.0 with RapidFuzz 3.14.6, by test/fixtures/speech/make_jiwer.py.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { alignWords, formatAlignment } from '../../src/speech/text/alignmentView.js';
import { type Confusion, countConfusions } from '../../src/speech/text/confusions.js';
import { countCharacterEdits, countWordEdits, errorMeasures, errorRate } from '../../src/speech/text/wer.js';
import type { EditCounts } from '../../src/speech/types.js';
import { fixture } from './npy.js';

/** Words of a vocabulary in a pseudo-random order, then corrupted: `expand` of the script. */
interface Recipe {
  readonly seed: number;
  readonly words: number;
  readonly vocabulary: number;
  readonly changes: number;
}
type Counts = readonly [number, number, number, number];
type Case = readonly [
  id: string,
  reference: string | Recipe,
  hypothesis: string | null,
  words: Counts,
  characters: Counts | null,
  wer: number,
  cer: number | null,
  view: string | null,
];
type Group = readonly [
  first: number | readonly string[],
  count: number | readonly string[],
  wer: number,
  mer: number,
  wil: number,
  wip: number,
  cer: number,
];
interface Golden {
  readonly groups: readonly Group[];
  readonly cases: readonly Case[];
  readonly corpus: {
    readonly words: Counts;
    readonly characters: Counts;
    readonly wer: number;
    readonly cer: number;
    readonly wrapped: string;
    readonly errors: string;
  };
}

/** Cases whose substitutions, deletions and insertions differ from jiwer's though their sum is the same: none. */
const OTHER_SPLIT: readonly string[] = [];

const { cases, corpus, groups } = JSON.parse(gunzipSync(readFileSync(fixture('jiwer.json.gz'))).toString()) as Golden;

function expand({ seed, words, vocabulary, changes }: Recipe): readonly [string, string] {
  let state = seed;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  const reference = Array.from({ length: words }, (_, index) => `w${vocabulary > 0 ? draw(vocabulary) : index}`);
  const hypothesis = reference.flatMap((word) => {
    const change = draw(1000);
    if (change >= changes) return [word];
    if (change % 3 === 0) return [`x${draw(50)}`];
    return change % 3 === 1 ? [word, word] : [];
  });
  return [reference.join(' '), hypothesis.join(' ')];
}

function textsOf([, reference, hypothesis]: Case): readonly [string, string] {
  return typeof reference === 'string' ? [reference, hypothesis ?? ''] : expand(reference);
}

function listed({ substitutions, deletions, insertions, hits }: EditCounts): number[] {
  return [substitutions, deletions, insertions, hits];
}

const short = cases.filter(([, reference]) => typeof reference === 'string');

describe('jiwer', () => {
  it(`has the same edits and rates in words and characters for ${cases.length} pairs`, () => {
    expect(cases).toHaveLength(1000);
    const other: string[] = [];
    for (const one of cases) {
      const [id, , , words, characters, wer, cer] = one;
      const texts = textsOf(one);
      const own = countWordEdits(...texts);
      if (`${listed(own)}` !== `${words}`) other.push(`${id} words ${listed(own)} not ${words}`);
      expect(errorRate([own]), id).toBe(wer);
      if (characters === null) continue;
      const ownCharacters = countCharacterEdits(...texts);
      if (`${listed(ownCharacters)}` !== `${characters}`)
        other.push(`${id} ${listed(ownCharacters)} not ${characters}`);
      expect(errorRate([ownCharacters]), id).toBe(cer);
    }
    expect(other).toEqual(OTHER_SPLIT);
  });

  it('has the same rates of the corpus', () => {
    const texts = short.map(textsOf);
    expect(errorRate(texts.map((pair) => countWordEdits(...pair)))).toBe(corpus.wer);
    expect(errorRate(texts.map((pair) => countCharacterEdits(...pair)))).toBe(corpus.cer);
  });

  it('prints the same alignments', () => {
    let compared = 0;
    for (const one of short) {
      const view = one[7];
      if (view === null) continue;
      expect(`=== SENTENCE 1 ===\n\n${formatAlignment(alignWords(...textsOf(one)))}`, one[0]).toBe(view);
      compared++;
    }
    expect(compared).toBeGreaterThan(400);
  });

  it('breaks lines at the same words', () => {
    const blocks = short.slice(0, 60).flatMap((one, index) => {
      const pairs = alignWords(...textsOf(one));
      if (pairs.every(({ operation }) => operation === 'hit')) return [];
      return [`=== SENTENCE ${index + 1} ===\n\n${formatAlignment(pairs, { lineWidth: 60 })}`];
    });
    expect(blocks.join('\n')).toBe(corpus.wrapped);
  });

  it('finds the same confusions most frequent', () => {
    const { substitutions, insertions, deletions } = countConfusions(short.map((one) => alignWords(...textsOf(one))));
    const show = (title: string, confusions: readonly Confusion[]): string => {
      const top = confusions.slice(0, 15);
      const length = (text: string): number => [...text].length;
      const width = Math.max(...top.map((one) => Math.max(length(one.reference), length(one.hypothesis))));
      const padded = (text: string): string => text + ' '.repeat(width - length(text));
      const lines = top.map(({ reference, hypothesis, count }) => {
        const texts = [reference, hypothesis].filter((text) => text !== '').map(padded);
        return `${texts.join(' --> ')} = ${count}x\n`;
      });
      return `=== ${title} ===\n${lines.join('')}`;
    };
    const shown = [show('SUBSTITUTIONS', substitutions), show('INSERTIONS', insertions), show('DELETIONS', deletions)];
    expect(`${shown.join('\n')}`.trimEnd()).toBe(corpus.errors.trimEnd());
  });
});

describe('measures', () => {
  it(`are jiwer's of ${groups.length} corpora, those without a word among them`, () => {
    expect(groups.length).toBeGreaterThan(200);
    for (const [first, count, wer, mer, wil, wip, cer] of groups) {
      const pairs =
        typeof first === 'number'
          ? cases.slice(first, first + Number(count)).map(([, reference, text]) => [String(reference), String(text)])
          : first.map((reference, index) => [reference, (count as readonly string[])[index] ?? '']);
      const words = errorMeasures(pairs.map(([reference = '', text = '']) => countWordEdits(reference, text)));
      const characters = errorRate(pairs.map(([reference = '', text = '']) => countCharacterEdits(reference, text)));
      const got = [
        words.errorRate,
        words.matchErrorRate,
        words.informationLost,
        words.informationPreserved,
        characters,
      ];
      for (const [index, expected] of [wer, mer, wil, wip, cer].entries()) {
        expect(got[index], JSON.stringify(pairs)).toBeCloseTo(expected, 12);
      }
    }
  });
});
