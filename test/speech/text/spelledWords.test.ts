import { describe, expect, it } from 'vitest';
import { createNormaliser } from '../../../src/speech/text/normaliser.js';
import { joinSpelled } from '../../../src/speech/text/spelledWords.js';

// Texts in the manner of AN4, which spells (a m p e r e, rubout g m e f three nine), and of Whisper, which writes what is spelled in
// several ways. Expected forms by hand, from the rule: runs of single letters and runs of numbers are one word each.
describe('what is spelled', () => {
  it.each([
    ['a m p e r e', 'ampere'],
    ['rubout g m e f 39', 'rubout gmef 39'],
    ['gmef39', 'gmef 39'],
    ['3 9 4', '394'],
    ['go at 4pm on the 5th', 'go at 4 pm on the 5 th'],
    ['i am here', 'i am here'],
    ['é ü a', 'éüa'],
    ['', ''],
    ['a', 'a'],
  ])('%s is %s', (text, expected) => expect(joinSpelled(text)).toBe(expected));

  it('is alike whoever writes it, after the rules of Whisper', () => {
    const normalise = createNormaliser('whisper-spelled');
    const forms = [
      'rubout g m e f three nine',
      'Rubout G-M-E-F 39.',
      'RUBOUT G.M.E.F. 3-9',
      'rubout, GMEF 39',
      'Rubout GMEF39!',
    ];
    expect([...new Set(forms.map((form) => normalise(form).trim()))]).toEqual(['rubout gmef 39']);
    const plain = createNormaliser('whisper');
    expect(new Set(forms.map((form) => plain(form).trim())).size).toBeGreaterThan(1);
  });

  it('leaves what is wrong wrong', () => {
    const normalise = createNormaliser('whisper-spelled');
    expect(normalise('g m e f three nine').trim()).not.toBe(normalise('G M E S 39').trim());
    expect(normalise('three nine').trim()).not.toBe(normalise('30 9 0').trim());
  });
});
