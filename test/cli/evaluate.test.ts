import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantlab } from './terminal.js';

const SPEECH = fileURLToPath(new URL('../../data/speech/', import.meta.url));
const MODEL = 'deepspeech2-lstm';

let folder: string;
let manifest: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantlab-evaluate-'));
  manifest = join(folder, 'some.jsonl');
  const lines = readFileSync(join(SPEECH, 'holdout.jsonl'), 'utf8').trim().split('\n').slice(0, 6);
  const moved = lines.map((line, index) => {
    const fields = JSON.parse(line) as Record<string, unknown>;
    // A transcript as a corpus might print it; and five speakers.
    const text = index === 0 ? 'Mr. Colour paid $20' : fields['text'];
    const path = join(SPEECH, fields['audio_filepath'] as string);
    return JSON.stringify({ ...fields, text, audio_filepath: path, speaker: `${index % 5}` });
  });
  writeFileSync(manifest, moved.join('\n'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('quantlab evaluate', () => {
  it('prints every number for spreadsheets, a line for each model', async () => {
    const options = [MODEL, '--manifest', manifest, '--threads', '1'];
    const { exitCode, out } = await quantlab('evaluate', ...options, '--export', 'csv');
    expect(exitCode).toBe(0);
    const [header = '', line = '', ...rest] = out.trim().split('\r\n');
    expect(rest).toEqual([]);
    const cells = Object.fromEntries(header.split(',').map((name, place) => [name, line.split(',')[place]]));
    expect(cells).toMatchObject({ model: MODEL, utterances: '6', 'bySpeaker.speakers': '5' });
    expect(Number(cells['wer.low'])).toBeLessThanOrEqual(Number(cells['wer.value']));
    expect((await quantlab('evaluate', ...options, '--export', 'csv', '--json')).exitCode).toBe(2);
  });

  it('prints accuracy, the change against the first model, and errors word by word', async () => {
    const models = [MODEL, MODEL];
    const { exitCode, out } = await quantlab(
      'evaluate',
      '--manifest',
      manifest,
      ...models,
      '--errors',
      '--threads',
      '1',
    );
    expect(exitCode).toBe(0);
    expect(out).toMatch(/WER \(95 % interval\).*over 5 speakers.*CER/);
    expect(out).toMatch(/CER +CTC loss, nats a frame/);
    expect(out).toMatch(/WER change .*over speakers.*loss change, nats a frame.*p \(matched pairs\).*same text/);
    expect(out).toContain('0.0000 (0.0000 to 0.0000)');
    // A model beside itself.
    expect(out).toMatch(/0\.00 \(0\.00 to 0\.00 points\).* 1\.000 .* 100\.0 %/);
    expect(out).toMatch(
      /\d+ words are too few to show that it stays within 1 point .*; 3,000 words were asked for beforehand/,
    );
    expect(out).toMatch(/passes MLPerf's gate of 99 % as measured; for other speech of the kind it is not shown/);
    expect(out).toContain('== deepspeech2-lstm ==');
    expect(out).toMatch(/REF: .*mr .*colour .*paid .*twenty/);
    expect(out).toMatch(/substituted: .*→/);
  });

  it('prints all of it as JSON, with the texts in the form that was asked for', async () => {
    const form = ['--normaliser', 'whisper', '--errors', '--json'];
    const { exitCode, out } = await quantlab('evaluate', '--manifest', manifest, MODEL, ...form, '--threads', '1');
    expect(exitCode).toBe(0);
    const [record] = JSON.parse(out) as Record<string, unknown>[];
    expect(record).toMatchObject({ model: MODEL, utterances: 6, normaliser: 'whisper', comparison: null });
    expect(record).toHaveProperty('intervalOverSpeakers.speakers', 5);
    const alignments = record?.['alignments'] as { words: { reference: string | null }[] }[];
    const said = alignments[0]?.words.flatMap(({ reference }) => reference ?? []);
    expect(said).toEqual(['mister', 'color', 'paid', '$20']);
  });

  it('pools manifests', async () => {
    const options = ['--manifest', manifest, '--manifest', manifest, '--json', '--threads', '1'];
    const { exitCode, out } = await quantlab('evaluate', MODEL, ...options);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ utterances: 12 }]);
  });

  it('knows no other normaliser', async () => {
    const { exitCode, err } = await quantlab('evaluate', '--normaliser', 'french');
    expect(exitCode).toBe(2);
    expect(err).toContain('none, plain, whisper, whisper-spelled, whisper-basic');
  });
});
