import fc from 'fast-check';
import { distance } from 'fastest-levenshtein';
import { describe, expect, it } from 'vitest';
import { didYouMean } from '../src/errors.js';
import { countCharacterEdits } from '../src/speech/text/wer.js';

describe('a hint', () => {
  it('names what was probably meant, and nothing where nothing is near', () => {
    const known = ['deepspeech2-lstm', 'whisper-ctc'];
    expect(didYouMean('deepspeech2-lstn', known)).toBe('did you mean deepspeech2-lstm?');
    expect(didYouMean('conformer', known)).toBe('');
    expect(didYouMean('conformer', [])).toBe('');
  });
});

describe('our own alignment', () => {
  it('has as many edits as fastest-levenshtein finds', () => {
    const text = fc.stringMatching(/^[abc]{1,40}$/);
    fc.assert(
      fc.property(text, text, (reference, hypothesis) => {
        const { substitutions, deletions, insertions } = countCharacterEdits(reference, hypothesis);
        expect(substitutions + deletions + insertions).toBe(distance(reference, hypothesis));
      }),
    );
  });
});
