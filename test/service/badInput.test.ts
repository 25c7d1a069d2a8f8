// What clients send that they should not, and machines that have no room: a true answer, nothing lost for others, and the service stays.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceOptions } from '../../src/service/options.js';
import type { TranscriptionService } from '../../src/service/service.js';
import { encodeWav } from '../../src/speech/audio/encodeWav.js';
import { heardIn } from '../fixtures/model/reference.js';
import { AUDIO, FAKE, metricAt, startService } from './start.js';

const SLOW_MS = 60_000;
const PATIENCE = { timeout: 30_000, interval: 20 };
const GIB = 2 ** 30;

let folder: string;
let services: TranscriptionService[];
let sockets: Socket[];

beforeEach(async () => {
  services = [];
  sockets = [];
  folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(services.map((service) => service.close()));
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
}, SLOW_MS);

async function start(options: Partial<ServiceOptions> = {}): Promise<string> {
  const { service, url } = await startService({ workerPath: FAKE, ...options });
  services.push(service);
  return url;
}

interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly body: any;
}

async function post(
  url: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const answer = await fetch(url, { method: 'POST', body, headers });
  return { status: answer.status, body: await answer.json() };
}

/** Sends bytes as they are. @returns all that comes back until the service hangs up, or `enough` of it */
async function raw(url: string, parts: Iterable<string | Buffer>, enough = /$^/): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  const ended = new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (more: string) => {
      answer += more;
      if (enough.test(answer)) resolve();
    });
    socket.on('error', () => resolve()).on('close', () => resolve());
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (const part of parts) {
    if (isOver) break;
    if (!socket.write(part)) await Promise.race([ended, new Promise((resolve) => socket.once('drain', resolve))]);
  }
  await ended;
  return answer;
}

const head = (headers: string): string => `POST /transcribe HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`;

describe('a body that', () => {
  let url: string;
  let shared: TranscriptionService;

  beforeAll(async () => {
    ({ service: shared, url } = await startService({ workerPath: FAKE, maximumBodyBytes: 2 ** 20 }));
  }, SLOW_MS);
  afterEach(async () => expect(await post(`${url}/transcribe`, 'next')).toMatchObject({ status: 200 }));
  afterAll(async () => await shared.close(), SLOW_MS);

  it('is a gigabyte is refused: at once where it says so, else as soon as it is too much', async () => {
    expect(await raw(url, [head(`Content-Length: ${GIB}`)], /\r\n\r\n.*\}/s)).toMatch(
      /^HTTP\/1\.1 413 .*body_too_large/s,
    );
    const chunk = Buffer.alloc(2 ** 16);
    const before = process.memoryUsage.rss();
    let sent = 0;
    const parts = function* (): Generator<string | Buffer> {
      yield head('Transfer-Encoding: chunked');
      for (; sent < GIB; sent += chunk.length)
        yield Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')]);
    };
    expect(await raw(url, parts(), /\r\n\r\n.*\}/s)).toMatch(/^HTTP\/1\.1 413 .*body_too_large/s);
    expect(sent).toBeLessThan(GIB / 4);
    expect(process.memoryUsage.rss() - before).toBeLessThan(GIB / 4);
  }, 120_000);

  it(
    'is not of the type that it names',
    async () => {
      // What a recording is, its bytes say.
      const image = await post(`${url}/transcribe`, 'text', { 'content-type': 'image/png' });
      expect(image).toMatchObject({ status: 200, body: { text: 'text' } });
      const form = `${url}/v1/audio/transcriptions`;
      expect(await post(form, '{}', { 'content-type': 'application/json' })).toMatchObject({
        ...{ status: 415, body: { error: { code: 'unsupported_media_type' } } },
      });
      for (const type of ['multipart/form-data', 'multipart/form-data; boundary=x']) {
        const { status, body } = await post(form, 'no form at all', { 'content-type': type });
        expect([status, body.error.type], type).toEqual([400, 'invalid_request_error']);
      }
    },
    SLOW_MS,
  );

  it(
    'is not of the length that it names',
    async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(`${head('Content-Length: 100')}abc`);
      const left = 'quantlab_requests_total{path="/transcribe",code="499"}';
      const refused = 'quantlab_requests_total{path="/transcribe",code="400"}';
      const counted = async (): Promise<number> =>
        ((await metricAt(url, left)) || 0) + ((await metricAt(url, refused)) || 0);
      await vi.waitFor(async () => expect(await counted()).toBe(1), PATIENCE);
      // What is too much is the next request, which is none.
      const more = await raw(url, [`${head('Content-Length: 3')}abc and more\r\n\r\n`]);
      expect(more).toMatch(/^HTTP\/1\.1 400 /);
      expect(await raw(url, [head('Content-Length: 3\r\nContent-Length: 4'), 'abcd'])).toMatch(/^HTTP\/1\.1 400 /);
      expect(await raw(url, [head('Content-Length: -1'), 'abcd'])).toMatch(/^HTTP\/1\.1 400 /);
    },
    SLOW_MS,
  );

  it(
    'is chunked as nothing is',
    async () => {
      for (const garbage of [
        'zz\r\nabc\r\n0\r\n\r\n',
        '-5\r\nabc\r\n',
        'fffffffffffffffffff\r\nabc',
        '3\r\nabcdef\r\n0\r\n\r\n',
      ]) {
        const answer = await raw(url, [head('Transfer-Encoding: chunked'), garbage]);
        expect(answer, garbage).toMatch(/^HTTP\/1\.1 400 /);
        expect(answer, garbage).not.toMatch(/node|\.js/i);
      }
    },
    SLOW_MS,
  );
});

describe('a recording of ten minutes of silence', () => {
  it('has no words', async () => {
    const url = await start({ workerPath: undefined });
    const silence = encodeWav({ samples: new Float32Array(600 * 8000), sampleRateHz: 8000 });
    expect(await post(`${url}/transcribe`, silence)).toMatchObject({ status: 200, body: { text: '', audioS: 600 } });
  }, 120_000);
});

describe('a process that runs out of memory', () => {
  it(
    'is replaced, and the operator is told; others are answered',
    async () => {
      const log: string[] = [];
      vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=40');
      const url = `${await start({ workers: 2, log: (line) => log.push(line) })}/transcribe`;
      const gate = join(folder, 'gate');
      const other = post(url, `wait ${gate}`);
      expect(await post(url, 'out-of-memory')).toMatchObject({
        status: 500,
        body: { error: { code: 'process_ended' } },
      });
      await writeFile(gate, '');
      expect((await other).status).toBe(200);
      expect(log.join('')).toMatch(/a process is replaced: .*out of memory/);
      expect((await post(url, 'next')).status).toBe(200);
    },
    SLOW_MS,
  );
});

describe('a cache', () => {
  const tiny = join(tmpdir(), `quantlab-cache-${process.pid}`);
  const mount = (): boolean => {
    mkdirSync(tiny, { recursive: true });
    return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', tiny]).status === 0;
  };

  it(
    'on a disk that is full costs results, not answers, and that is counted',
    async (context) => {
      // Only root may mount.
      if (process.platform !== 'linux' || process.getuid?.() !== 0 || !mount()) return context.skip();
      try {
        const url = await start({ cache: { memoryBytes: 0, folder: join(tiny, 'results') } });
        for (let n = 0; n < 30; n++) {
          const text = `${n} ${'x'.repeat(5000)}`;
          expect(await post(`${url}/transcribe`, text)).toMatchObject({ status: 200, body: { text } });
        }
        expect(await metricAt(url, 'quantlab_cache_failed_writes_total')).toBeGreaterThan(5);
        await services.pop()?.close();
      } finally {
        spawnSync('umount', [tiny]);
        await rm(tiny, { recursive: true, force: true });
      }
    },
    SLOW_MS,
  );

  it(
    'whose folder two services share serves both, whoever wrote',
    async () => {
      const cache = { memoryBytes: 0, folder: join(folder, 'results') };
      const urls = await Promise.all([
        start({ cache, workerPath: undefined }),
        start({ cache, workerPath: undefined }),
      ]);
      const bytes = new Uint8Array(await readFile(join(AUDIO, 'added.flac')));
      const both = await Promise.all(urls.map(async (url) => await post(`${url}/transcribe`, bytes)));
      expect(both.map(({ status, body }) => [status, body.text])).toEqual(Array(2).fill([200, heardIn('added')]));
      const again = await Promise.all(urls.map(async (url) => await post(`${url}/transcribe`, bytes)));
      expect(again.map(({ body }) => [body.text, body.cached])).toEqual(Array(2).fill([heardIn('added'), true]));
    },
    SLOW_MS,
  );
});
