import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { heardIn } from '../fixtures/model/reference.js';
import { quantlab } from './terminal.js';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const ADDED = fileURLToPath(new URL('../../data/speech/audio/added.flac', import.meta.url));

it('serves until it is told to end, and ends in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
  const child = spawn(
    process.execPath,
    [CLI, 'serve', 'deepspeech2-lstm', '--port', '0', '--workers', '1', '--no-optimized', '--cache', folder],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'exit');
  const early = ended.then(() => {
    throw new Error(`it ended before it served: ${said}`);
  });
  const [url] = (await Promise.race([once(createInterface(child.stdout), 'line'), early])) as [string];
  early.catch(() => undefined);
  const answer = await fetch(`${url}/transcribe`, { method: 'POST', body: new Uint8Array(await readFile(ADDED)) });
  expect(await answer.json()).toMatchObject({ text: heardIn('added'), cached: false });
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  await rm(folder, { recursive: true });
});

it('says why it cannot serve', async () => {
  expect(await quantlab('serve', 'nothing-like-it')).toMatchObject({ exitCode: 1 });
  expect((await quantlab('serve', '--port', 'x')).exitCode).toBe(2);
});
