// Expected values: torch.nn.functional.ctc_loss, by test/fixtures/speech/decoder/make_ctc_loss.py; and all paths, one by one.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ctcLoss, spellerOf } from '../../../src/speech/decode/ctcLoss.js';
import { LABELS } from '../decoderFixtures.js';

interface Case {
  readonly steps: number;
  readonly classes: number;
  readonly blank: number;
  readonly sequence: readonly number[];
  readonly logProbabilities: readonly number[];
  readonly loss: number | null;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/speech/decoder/ctcLoss.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly Case[] };

/** Minus the logarithm of the probability of every path that says the sequence. */
function byEnumeration({ steps, classes, blank, sequence, logProbabilities }: Case): number {
  let sum = 0;
  for (let path = 0; path < classes ** steps; path++) {
    let [rest, probability, previous] = [path, 1, blank];
    const said: number[] = [];
    for (let step = 0; step < steps; step++, rest = Math.floor(rest / classes)) {
      const label = rest % classes;
      probability *= Math.exp(logProbabilities[step * classes + label] as number);
      if (label !== previous && label !== blank) said.push(label);
      previous = label;
    }
    if (said.join() === sequence.join()) sum += probability;
  }
  return -Math.log(sum);
}

const lossOf = ({ logProbabilities, steps, sequence, classes, blank }: Case): number =>
  ctcLoss(Float32Array.from(logProbabilities), steps, sequence, classes, blank);

describe('ctcLoss', () => {
  it.each(cases.map((one) => [one.sequence.join(' '), one.steps, one] as const))(
    'of [%s] in %i steps is that of PyTorch',
    (_, __, one) => {
      if (one.loss === null) expect(lossOf(one)).toBe(Number.POSITIVE_INFINITY);
      else expect(lossOf(one)).toBeCloseTo(one.loss, 5);
    },
  );

  it('is that of all paths together', () => {
    for (const one of cases.filter(({ steps }) => steps < 9)) {
      const expected = byEnumeration(one);
      if (Number.isFinite(expected)) expect(lossOf(one)).toBeCloseTo(expected, 5);
      else expect(lossOf(one)).toBe(expected);
    }
  });

  it('of no steps: nothing is sure of an empty text, and no other can be said', () => {
    expect(ctcLoss(new Float32Array(), 0, [], 3, 0)).toBe(0);
    expect(ctcLoss(new Float32Array(), 0, [1], 3, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('spellerOf', () => {
  it('finds the class of each character, in the case and with the apostrophe of the labels', () => {
    const spell = spellerOf(['', '|', 'A', 'B', "'"]);
    expect(spell('ab  b’a')).toEqual([2, 3, 1, 3, 4, 2]);
    expect(spell('')).toEqual([]);
    expect(spell('abc')).toBeNull();
    expect(spellerOf(LABELS)('hold the line')).toHaveLength(13);
  });

  it('says of classes with several characters that a text has many spellings', () => {
    expect(spellerOf(['', '▁', 'a', 'ab'])('ab')).toBeNull();
    expect(spellerOf(['', '▁a', 'b'])('ab')).toBeNull();
    // Tokens are no text.
    expect(spellerOf(['', '<unk>', '[PAD]', 'a'])('a')).toEqual([3]);
  });
});
