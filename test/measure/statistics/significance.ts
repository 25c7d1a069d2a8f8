import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AlignedPair, AlignmentOperation } from '../../../src/speech/text/alignmentView.js';

interface Case {
  /** Speaker, and the steps (C, S, D, I) of two recognisers. */
  readonly utterances: readonly (readonly [speaker: string, one: string, two: string])[];
  readonly sctk: { readonly segments: number; readonly mean: number; readonly deviation: number; readonly z: number };
  readonly scipy: { readonly mean: number; readonly deviation: number; readonly z: number; readonly p: number };
  readonly numpy: {
    readonly change: number;
    readonly byUtterance: readonly [number, number];
    readonly bySpeaker: readonly [number, number];
    readonly improvement: number;
  };
}

const path = fileURLToPath(new URL('../../fixtures/measure/significance.json', import.meta.url));

/** Made by test/fixtures/measure/make_significance.py. */
export const significance = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly cases: readonly Case[];
  readonly tails: readonly (readonly [z: number, tail: number])[];
};

const OPERATIONS: Readonly<Record<string, AlignmentOperation>> = {
  C: 'hit',
  S: 'substitution',
  D: 'deletion',
  I: 'insertion',
};

/** An alignment with these steps; the words are their numbers. */
export function pairsOf(steps: string): readonly AlignedPair[] {
  let said = 0;
  return [...steps].map((step) => {
    const operation = OPERATIONS[step] ?? 'hit';
    const reference = operation === 'insertion' ? null : `w${said++}`;
    return {
      operation,
      reference,
      hypothesis: operation === 'deletion' ? null : operation === 'hit' ? reference : 'x',
    };
  });
}
