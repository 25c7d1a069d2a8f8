// What people send: each format over HTTP, and by `transcribe`. Where the files come from: test/fixtures/speech/make_codecs.sh and make.py.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quantlab } from '../cli/terminal.js';
import { heardIn } from '../fixtures/model/reference.js';
import { AUDIO, type Started, startService } from './start.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/speech/${name}`, import.meta.url));

/** Lengths are what the makers' scripts ask for, in seconds; lossy codecs pad. */
const FORMATS = [
  ['s16.wav', undefined],
  ['s16.flac', undefined],
  ['tone.mp3', 0.5],
  ['vorbis.ogg', undefined],
  ['tone.opus', undefined],
  ['tone.webm', 0.5],
  ['little-endian.sph', undefined],
] as const;

let started: Started;

beforeAll(async () => {
  started = await startService();
}, 60_000);

afterAll(async () => await started.service.close(), 60_000);

async function post(
  query: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Record<string, unknown> & { status: number }> {
  const answer = await fetch(`${started.url}/transcribe${query}`, { method: 'POST', body });
  return { ...((await answer.json()) as object), status: answer.status };
}

describe('a recording that is sent', () => {
  it.each(FORMATS)('%s is heard, by HTTP and by the command line, to its end', async (name, lengthS) => {
    const path = fixture(name);
    const answer = await post('', new Uint8Array(readFileSync(path)));
    expect(answer).toMatchObject({ status: 200, text: expect.any(String) });
    expect(answer['audioS']).toBeGreaterThan(0.02);
    if (lengthS !== undefined) expect(Math.abs((answer['audioS'] as number) - lengthS)).toBeLessThan(0.1);
    expect(await quantlab('transcribe', path)).toMatchObject({ exitCode: 0 });
  });

  it('is heard the same as a form, and by the command line', async () => {
    const path = `${AUDIO}added.flac`;
    const form = new FormData();
    form.set('file', new Blob([readFileSync(path)]), 'added.flac');
    const answer = await fetch(`${started.url}/v1/audio/transcriptions`, { method: 'POST', body: form });
    expect(((await answer.json()) as { text: string }).text).toBe(heardIn('added'));
    expect((await quantlab('transcribe', path)).out).toContain(heardIn('added'));
  });

  it('of several channels is heard by one of them', async () => {
    const stereo = new Uint8Array(readFileSync(fixture('stereo.wav')));
    for (const query of ['', '?channel=1', '?channel=2']) expect((await post(query, stereo)).status).toBe(200);
    expect(await post('?channel=3', stereo)).toMatchObject({
      status: 400,
      error: { message: expect.stringMatching(/a channel from 1 to 2 was required, got 3/) },
    });
    expect((await quantlab('transcribe', fixture('stereo.wav'), '--channel', '2')).exitCode).toBe(0);
  });

  it.each([
    ['MP4 (AAC or another codec)', '\0\0\0\x20ftypM4A '],
    ['AAC', '\xff\xf1\x50\x80\x02\x1f\xfc\x00\x00\x00\x00\x00'],
  ])('is refused as %s, with what to do', async (name, start) => {
    const bytes = new Uint8Array(Buffer.from(start.padEnd(64, '\0'), 'latin1'));
    const { status, error } = (await post('', bytes)) as unknown as { status: number; error: { message: string } };
    expect(status).toBe(400);
    expect(error.message).toContain(`got ${name}; convert it: ffmpeg -i IN OUT.flac`);
  });
});
