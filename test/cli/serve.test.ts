import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
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

it('is gone within its grace, although an upload is stalled', async () => {
  const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--workers', '1', '--quiet', '--grace', '1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc');
  await vi.waitFor(async () => expect(await (await fetch(`${url}/metrics`)).text()).toContain('workers_ready 1'));
  const began = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  // The grace, and time for the processes to end where many others run.
  expect(performance.now() - began).toBeLessThan(10_000);
}, 60_000);

it('ends with the npm that started it, which its signals do not reach', async () => {
  // As `npx`: a shell between, which ends without a word.
  const command = `npm_command=exec "${process.execPath}" "${CLI}" serve --port 0 --workers 1 --quiet; true`;
  const shell = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [url] = (await once(createInterface(shell.stdout), 'line')) as [string];
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  shell.kill('SIGTERM');
  await vi.waitFor(async () => await expect(fetch(`${url}/healthz`)).rejects.toThrow(), { timeout: 20_000 });
}, 60_000);

it('says why it cannot serve', async () => {
  expect(await quantlab('serve', 'nothing-like-it')).toMatchObject({ exitCode: 1 });
  expect((await quantlab('serve', '--port', 'x')).exitCode).toBe(2);
  expect((await quantlab('serve', '--port', '99999')).exitCode).toBe(2);
  expect((await quantlab('serve', '--host', '')).exitCode).toBe(2);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const late = await quantlab('serve', '--port', String(port), '--workers', '1');
  taken.close();
  expect([late.exitCode, late.err]).toEqual([1, expect.stringMatching(/a free port was required, got .*EADDRINUSE/)]);
  expect((await quantlab('serve', '--workers', '1e9')).exitCode).toBe(2);
  expect(await quantlab('serve', '--similar')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('--similar: --cache was required'),
  });
  expect((await quantlab('serve', '--workers', '1000')).err).toMatch(/workers: at most \d+ processes were required/);
  // Whom others can reach asks for a key.
  const open = await quantlab('serve', '--host', '0.0.0.0');
  expect(open.exitCode).toBe(2);
  expect(open.err).toMatch(/a key was required where other machines can ask, got none; give --api-key-file/);
  vi.stubEnv('TMPDIR', '/nowhere/at/all');
  const unwritable = await quantlab('serve', '--port', '0');
  vi.unstubAllEnvs();
  expect([unwritable.exitCode, unwritable.err]).toEqual([1, expect.stringMatching(/^error: \/nowhere\/at\/all: /)]);
});
