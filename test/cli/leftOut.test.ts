import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transcript } from '../../src/recognise/transcribe.js';
import { quantlab } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-left-out-'));
afterAll(() => rmSync(folder, { recursive: true }));

const good = new URL('../../data/speech/audio/agent-pass.flac', import.meta.url).pathname;
const bad = join(folder, 'bad.flac');
const manifest = join(folder, 'set.jsonl');

beforeAll(() => {
  writeFileSync(bad, readFileSync(good).subarray(0, 9000));
  const line = { duration: 3.285, text: 'please enter your password followed by the pound key', speaker: 'x' };
  const lines = [
    { ...line, id: 'bad', audio_filepath: bad },
    { ...line, id: 'good', audio_filepath: good, duration: 32.85 },
    { ...line, id: 'lost', audio_filepath: 'lost.wav' },
  ];
  writeFileSync(manifest, lines.map((one) => JSON.stringify(one)).join('\n'));
});

describe('one bad recording among many', () => {
  it('transcribe: keeps the others, says what is wrong, and ends with 1', async () => {
    const { exitCode, out, err } = await quantlab('transcribe', '--json', good, bad, join(folder, 'none.wav'), good);
    expect(exitCode).toBe(1);
    const records = JSON.parse(out) as readonly { path: string; text?: string; error?: { message: string } }[];
    expect(records.map(({ path }) => path)).toEqual([good, bad, join(folder, 'none.wav'), good]);
    expect(records[0]?.text).toMatch(/please enter your password/);
    expect(records[3]?.text).toBe(records[0]?.text);
    expect(records[1]?.error?.message).toMatch(/a whole FLAC stream was required/);
    expect(err).toMatch(/left out: .*bad\.flac: .*\nleft out: .*none\.wav: .*\nerror: .*got 2 that cannot be read/);
    expect((await quantlab('transcribe', good)).exitCode).toBe(0);
  });

  it('evaluate: judges the others, says what is wrong, and ends with 1', async () => {
    const { exitCode, out, err } = await quantlab('evaluate', 'deepspeech2-lstm', '--manifest', manifest, '--json');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toMatchObject([{ utterances: 1, words: 9 }]);
    expect(err).toMatch(/left out: .*bad\.flac.*\nleft out: .*lost\.wav.*\nwarning: |warning: .*32\.85 s by/);
  });

  it('throughput and compare do so, too', async () => {
    const throughput = [
      'throughput',
      '--manifest',
      manifest,
      '--rounds',
      '1',
      '--batches',
      '1',
      '--streams',
      '1',
      '--json',
    ];
    const measured = await quantlab(...throughput);
    expect(measured.exitCode).toBe(1);
    expect(JSON.stringify(JSON.parse(measured.out))).toMatch(/"audioS":3\.285\b/);
    const compared = await quantlab(
      'compare',
      'deepspeech2-lstm',
      'deepspeech2-lstm',
      '--manifest',
      manifest,
      '--json',
    );
    expect([compared.exitCode, JSON.parse(compared.out)]).toMatchObject([1, { utterances: 1, sameText: 1 }]);
    expect(compared.err.match(/left out: /g)).toHaveLength(2);
  });

  it('is an error where there is no other', async () => {
    writeFileSync(join(folder, 'one.jsonl'), JSON.stringify({ audio_filepath: bad, duration: 1, text: 'x' }));
    const { exitCode, err } = await quantlab('evaluate', 'deepspeech2-lstm', '--manifest', join(folder, 'one.jsonl'));
    expect(exitCode).toBe(1);
    expect(err).toMatch(/one\.jsonl: a recording that can be read was required, got 1 that cannot/);
  });
});

describe('transcribe', () => {
  it('hears the channel that is chosen, and says when there is none', async () => {
    expect((await quantlab('transcribe', '--channel', '1', good)).out).toMatch(/please enter/);
    expect((await quantlab('transcribe', '--channel', '2', good)).err).toMatch(
      /a channel from 1 to 1 was required, got 2/,
    );
    expect((await quantlab('transcribe', '--channel', 'left', good)).exitCode).toBe(2);
    expect((await quantlab('transcribe', '--max-hours', '0.0005', good)).err).toMatch(/at most 1\.8 s of sound/);
  });

  it('writes captions and JSON, printed or into a folder, a file for each recording', async () => {
    const srt = (await quantlab('transcribe', '--format', 'srt', good)).out;
    expect(srt).toMatch(/^1\n00:00:0\d,\d{3} --> 00:00:03,\d{3}\nplease enter your password .*\n\n$/);
    const out = join(folder, 'texts');
    expect((await quantlab('transcribe', '--format', 'vtt', '--out', out, good)).out).toBe('');
    const captions = srt.replace(/^1\n/, '').replaceAll(/00:(\d\d:\d\d),/g, '$1.');
    expect(readFileSync(join(out, 'agent-pass.vtt'), 'utf8')).toBe(`WEBVTT\n\n${captions}`);
    await quantlab('transcribe', '--format', 'json', '--out', out, good);
    const { words } = JSON.parse(readFileSync(join(out, 'agent-pass.json'), 'utf8')) as Pick<Transcript, 'words'>;
    expect(words?.map(({ word }) => word).slice(0, 3)).toEqual(['please', 'enter', 'your']);
    await quantlab('transcribe', '--out', out, good);
    expect(readFileSync(join(out, 'agent-pass.txt'), 'utf8')).toMatch(/^please enter your password .*\n$/);
  });

  it('writes nothing for a recording that it cannot read, and asks for a folder where files would run into each other', async () => {
    const out = join(folder, 'none');
    expect((await quantlab('transcribe', '--format', 'srt', '--out', out, bad)).exitCode).toBe(1);
    expect(readdirSync(out)).toEqual([]);
    const { exitCode, err } = await quantlab('transcribe', '--format', 'srt', good, bad);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/one recording was required, got 2; add --out FOLDER/)]);
    const twin = join(folder, 'agent-pass.wav');
    expect((await quantlab('transcribe', '--out', out, good, twin)).err).toMatch(/recordings of different names/);
  });
});
