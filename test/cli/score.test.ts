// Expected: jiwer 4.0.0 on the same texts.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { quantlab } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-score-'));

function file(name: string, lines: readonly (string | object)[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return path;
}

async function score(reference: readonly (string | object)[], text: readonly (string | object)[], ...more: string[]) {
  const ending = typeof reference[0] === 'string' ? 'txt' : 'jsonl';
  const { exitCode, out, err } = await quantlab(
    'score',
    file(`ref.${ending}`, reference),
    file(`hyp.${ending}`, text),
    '--json',
    ...more,
  );
  return { exitCode, err, out, record: exitCode === 0 ? (JSON.parse(out) as Record<string, unknown>) : {} };
}

const SAID = ['please hold the line', 'press one', 'für dich', ''];
const HEARD = ['please told a line', 'press one now', 'fär dich', ''];
const RATES = { wer: 0.5, mer: 4 / 9, wil: 1 - (5 / 8) * (5 / 9), wip: (5 / 8) * (5 / 9) };

describe('quantlab score', () => {
  it('scores a text a line, empty ones among them', async () => {
    const { record, out } = await score(SAID, HEARD);
    expect(record).toMatchObject({ utterances: 4, words: 8, substitutions: 3, deletions: 0, insertions: 1 });
    for (const [name, value] of Object.entries(RATES)) expect(record[name], name).toBeCloseTo(value, 12);
    expect(record).toMatchObject({ format: 'lines', normaliser: 'plain' });
    expect(out).not.toContain('null');
  });

  it('joins ids, of JSON Lines and of Kaldi, in any order', async () => {
    const ids = SAID.map((_, index) => `spk-${index}`);
    const json = (texts: readonly string[], field: string) => texts.map((text, i) => ({ id: ids[i], [field]: text }));
    const joined = await score(json(SAID, 'text'), json(HEARD, 'pred_text').toReversed());
    expect(joined.record).toMatchObject({ wer: RATES.wer, format: 'jsonl' });
    const kaldi = (texts: readonly string[]): string[] => texts.map((text, i) => `${ids[i]} ${text}`.trim());
    const found = await score(kaldi(SAID), kaldi(HEARD).toReversed());
    expect(found.record).toMatchObject({ wer: RATES.wer, format: 'kaldi' });
    expect(found.err).toContain('--format lines');
    expect((await score(kaldi(SAID), kaldi(HEARD), '--format', 'lines')).record).toMatchObject({ words: 16 });
  });

  it('tells JSON Lines by what is in them, whatever their names', async () => {
    const lines = (field: string, texts: readonly string[]) => texts.map((text, i) => ({ id: `${i}`, [field]: text }));
    const said = file('said.txt', lines('text', SAID));
    const { out } = await quantlab('score', said, file('heard', lines('pred_text', HEARD)), '--json');
    expect(JSON.parse(out)).toMatchObject({ format: 'jsonl', words: 8, wer: RATES.wer });
    const mixed = await quantlab('score', said, file('plain.txt', HEARD));
    expect(mixed).toMatchObject({ exitCode: 1, err: expect.stringMatching(/got JSON Lines and another/) });
  });

  it('takes no words of the text for ids', async () => {
    const { record } = await score(['1st street', 'hello you'], ['1st street', 'hello me']);
    expect(record).toMatchObject({ format: 'lines', words: 5, substitutions: 1 });
  });

  it.each([
    [['a', 'b'], ['a'], /2 lines were required, as many as in .*ref\.txt, got 1/],
    [['u-1 a', 'u-2 b'], ['u-1 a'], /hyp\.txt: every id .* lacks u-2/],
    [['u-1 a'], ['u-1 a', 'u-2 b'], /has besides u-2/],
    [[{ id: 'x', text: 'a' }], [{ id: 'y', text: 'a' }], /lacks x/],
    [[{ id: 'x', text: 'a' }], [{ id: 'x' }], /hyp\.jsonl:1: the field text was required/],
    [[{ text: 'a' }], [{ text: 'a' }], /ref\.jsonl:1: the field id or audio_filepath was required/],
    [
      [
        { id: 'x', text: 'a' },
        { id: 'x', text: 'b' },
      ],
      [{ id: 'x', text: 'a' }],
      /ref\.jsonl:2: an id of its own was required, got "x" of line 1/,
    ],
    [[], [], /one text or more was required, got none/],
  ])('refuses %j beside %j', async (reference, text, message) => {
    const { exitCode, err } = await score(reference, text);
    expect(exitCode).toBe(1);
    expect(err).toMatch(message);
  });

  it('has jiwer’s rates where no reference has a word, and never NaN', async () => {
    expect((await score([''], [''])).record).toMatchObject({ wer: 0, cer: 0, mer: 0, wil: 0, wip: 1 });
    expect((await score([''], ['a b'])).record).toMatchObject({ wer: 2, cer: 3, mer: 1, wil: 1, wip: 0 });
    const some = await score(['', '', '', 'a'], ['x', '', 'y', 'a']);
    expect(some.out).not.toMatch(/null|NaN|Infinity/);
  });

  it('compares in the form that is asked for', async () => {
    const texts = [['Mr. Smith paid $5.'], ['mister smith paid five dollars']] as const;
    expect((await score(...texts, '--normaliser', 'whisper')).record).toMatchObject({ wer: 0 });
    expect((await score(...texts, '--normaliser', 'none')).record).toMatchObject({ wer: 1.0 });
    expect((await score(['Это, знаешь?'], ['это знаешь'], '--normaliser', 'whisper-basic')).record).toMatchObject({
      wer: 0,
    });
  });

  it('says what a word is in scripts without spaces', async () => {
    const { record, err } = await score(['今日は晴れ'], ['今日は雨']);
    expect(record).toMatchObject({ wer: 1, cer: 0.4 });
    expect(err).toBe('');
    const shown = await quantlab('score', join(folder, 'ref.txt'), join(folder, 'hyp.txt'), '--errors');
    expect(shown.err).toContain('CER is the measure');
    expect(shown.out).toMatch(/WER \(95 % interval\).*MER {2,}WIL {2,}WIP/);
    expect(shown.out).toContain('REF: 今日は晴れ');
  });
});
