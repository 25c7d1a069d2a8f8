// Of references without a word: jiwer 4.0.0.
import { describe, expect, it } from 'vitest';
import { summarizeAccuracy } from '../../../src/measure/accuracy/accuracy.js';
import { compareTexts } from '../../../src/measure/accuracy/textComparison.js';

const SOME = [
  { reference: '', text: '', speaker: 'a' },
  { reference: '', text: 'uh', speaker: 'b' },
  { reference: 'Nicht für dich', text: 'nicht fär dich', speaker: 'c' },
  { reference: '', text: '', speaker: 'd' },
  { reference: '', text: '', speaker: 'e' },
];

describe('summarizeAccuracy', () => {
  it('has a rate and an interval where no reference has a word', () => {
    const none = summarizeAccuracy([SOME[0] ?? { reference: '', text: '' }]);
    expect(none).toMatchObject({ words: 0, wer: { value: 0, low: 0, high: 0 }, cer: { value: 0, low: 0, high: 0 } });
    const heard = summarizeAccuracy([{ reference: '', text: 'hello there' }]);
    expect(heard).toMatchObject({ insertions: 2, wer: { value: 2, low: 2, high: 2 }, cer: { value: 11 } });
  });

  it('has finite intervals where some references have no word', () => {
    const { wer, cer, bySpeaker } = summarizeAccuracy(SOME);
    expect(wer.value).toBeCloseTo(2 / 3, 12);
    const estimates = [wer, cer, bySpeaker?.wer, bySpeaker?.cer];
    for (const one of estimates) expect([one?.low, one?.high].every(Number.isFinite)).toBe(true);
    expect(JSON.stringify(estimates)).not.toContain('null');
  });

  it('brings both texts to one form', () => {
    const texts = [{ reference: 'Я НЕ знаю.', text: 'я не знаю' }];
    expect(summarizeAccuracy(texts).wer.value).toBe(0);
    expect(summarizeAccuracy(texts, 'none').wer.value).toBe(1);
  });
});

describe('compareTexts', () => {
  it('has finite intervals where some references have no word', () => {
    const { werChange, werChangeBySpeaker } = compareTexts(SOME, SOME.toReversed().toReversed());
    for (const one of [werChange, werChangeBySpeaker]) expect([one?.low, one?.high]).toEqual([0, 0]);
  });

  it('compares in the form that is asked for', () => {
    const [base, other] = [[{ reference: 'Yes.', text: 'yes' }], [{ reference: 'Yes.', text: 'Yes.' }]];
    expect(compareTexts(base, other)).toMatchObject({ sameText: 1, werChange: { value: 0 } });
    expect(compareTexts(base, other, { normaliser: 'none' })).toMatchObject({ sameText: 0, werChange: { value: -1 } });
  });
});
