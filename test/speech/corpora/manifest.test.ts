import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-manifest-'));
mkdirSync(join(folder, 'audio'));
for (const name of ['a', 'b']) writeFileSync(join(folder, 'audio', `${name}.wav`), 'sound');
afterAll(() => rmSync(folder, { recursive: true }));

const a = { id: 'a', audio_filepath: 'audio/a.wav', duration: 1.5, text: 'hello there', speaker: 'x' };
const b = { ...a, id: 'b', audio_filepath: 'audio/b.wav' };

function manifest(...lines: readonly (object | string)[]): string {
  const path = join(folder, 'set.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
}

async function refusal(path: string): Promise<string> {
  const error: unknown = await readManifest(path).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('readManifest', () => {
  it('resolves recordings against its own folder', async () => {
    expect(await readManifest(manifest(a, '', b, ''))).toEqual([
      { id: 'a', audioPath: join(folder, 'audio/a.wav'), durationS: 1.5, text: 'hello there', speaker: 'x' },
      { id: 'b', audioPath: join(folder, 'audio/b.wav'), durationS: 1.5, text: 'hello there', speaker: 'x' },
    ]);
  });

  it('takes what NeMo writes: no id, no speaker, capitals, a mark at the beginning, Windows line ends', async () => {
    const line = JSON.stringify({ audio_filepath: 'audio/a.wav', duration: 1, text: 'Hello, 2 YOU!' });
    expect(await readManifest(manifest(`\uFEFF${line}\r`))).toMatchObject([
      { id: 'audio/a.wav', text: 'Hello, 2 YOU!', speaker: 'unknown' },
    ]);
  });

  it('takes absolute paths', async () => {
    const path = join(folder, 'audio/b.wav');
    expect(await readManifest(manifest({ ...a, audio_filepath: path }))).toMatchObject([{ audioPath: path }]);
  });

  it('takes an offset as the beginning of a part, of which a recording may have several', async () => {
    const { id: _, ...line } = a;
    const parts = [
      { ...line, offset: 0, duration: 1 },
      { ...line, offset: 1, duration: 0.5 },
      { ...line, offset: null },
    ];
    expect(await readManifest(manifest(...parts))).toMatchObject([
      { id: 'audio/a.wav#t=0,1', startS: 0, durationS: 1 },
      { id: 'audio/a.wav#t=1,1.5', startS: 1, durationS: 0.5 },
      { id: 'audio/a.wav', durationS: 1.5 },
    ]);
    expect((await readManifest(manifest(...parts)))[2]).not.toHaveProperty('startS');
  });

  it('reads the embedded hold-out', async () => {
    const path = new URL('../../../data/speech/holdout.jsonl', import.meta.url).pathname;
    const utterances = await readManifest(path);
    expect(utterances.length).toBe(129);
    expect(utterances.flatMap(({ text }) => text.split(' ')).length).toBe(820);
  });

  it('names file and line of what is broken', async () => {
    const path = manifest(a, '{"id": "b", ');
    expect(await refusal(path)).toMatch(new RegExp(`^${path}:2: JSON was required`));
    expect(await refusal(manifest(a, { ...b, duration: '1.5' }))).toMatch(/set\.jsonl:2: field duration/);
    expect(await refusal(manifest({ ...a, duration: 0 }))).toMatch(/:1: field duration/);
    expect(await refusal(manifest({ id: 'a', duration: 1, text: 'x' }))).toMatch(/:1: field audio_filepath/);
    expect(await refusal(manifest(a, { ...b, offset: -3 }))).toMatch(/:2: field offset/);
  });

  it('refuses another encoding than UTF-8, whose letters would count as errors', async () => {
    const path = manifest({ ...a, text: 'fär' });
    writeFileSync(path, Buffer.from(JSON.stringify({ ...a, text: 'fär' }), 'latin1'));
    expect(await refusal(path)).toMatch(/set\.jsonl: UTF-8 was required/);
  });

  it('names the line of a missing recording', async () => {
    const message = await refusal(manifest(a, { ...b, audio_filepath: 'audio/c.wav' }));
    expect(message).toMatch(/set\.jsonl:2: a recording was required, got none at .*audio\/c\.wav; restore it/);
    // A folder is no recording.
    expect(await refusal(manifest({ ...a, audio_filepath: 'audio' }))).toMatch(/:1: a recording was required/);
  });

  it('names both lines of an id that comes twice', async () => {
    expect(await refusal(manifest(a, b, a))).toMatch(/:3: an id of its own was required, got "a" of line 1 again/);
  });

  it('refuses an empty manifest and a missing one', async () => {
    expect(await refusal(manifest('', ' '))).toMatch(/got an empty manifest/);
    expect(await refusal(join(folder, 'none.jsonl'))).toMatch(/got nothing; check the path/);
  });
});
