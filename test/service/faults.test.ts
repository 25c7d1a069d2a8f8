// What went wrong with earlier services of this package, and must not again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceOptions } from '../../src/service/options.js';
import type { TranscriptionService } from '../../src/service/service.js';
import { AUDIO, FAKE, metricAt, startService } from './start.js';

/** Processes take seconds to start where many others run. */
const PATIENCE = { timeout: 30_000, interval: 20 };

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
}, 60_000);

async function start(options: Partial<ServiceOptions> = {}): Promise<string> {
  const { service, url } = await startService({ workerPath: FAKE, ...options });
  services.push(service);
  return url;
}

async function post(url: string, body: string, init: RequestInit = {}): Promise<{ status: number; error: unknown }> {
  const answer = await fetch(`${url}/transcribe`, { method: 'POST', body, ...init });
  return { status: answer.status, error: ((await answer.json()) as { readonly error?: unknown }).error };
}

/** A connection, and all that comes back over it. */
async function raw(url: string, text: string): Promise<{ readonly socket: Socket; readonly answer: () => string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.setEncoding('latin1').on('data', (more: string) => {
    answer += more;
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return { socket, answer: () => answer };
}

const STALLED = 'POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc';

describe('an end', () => {
  it('comes within the grace, although an upload is stalled', async () => {
    const url = await start({ graceMs: 500 });
    await raw(url, STALLED);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const began = performance.now();
    await services.pop()?.close();
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('leaves no recording, nor one of a service that was killed', async () => {
    const machine = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_');
    const left = join(folder, `quantlab-serve-${machine}-4194305-abc`);
    const alive = join(folder, `quantlab-serve-${machine}-${process.ppid}-abc`);
    for (const path of [left, alive]) mkdirSync(path);
    await start({ temporaryFolder: folder });
    expect([existsSync(left), existsSync(alive), readdirSync(folder).length]).toEqual([false, true, 2]);
    await services.pop()?.close();
    expect(readdirSync(folder)).toEqual([`quantlab-serve-${machine}-${process.ppid}-abc`]);
  });
});

describe('processes that are killed', () => {
  const pids = (): number[] => readdirSync(folder).map(Number);
  const killAll = (): void => {
    for (const pid of pids()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended before.
      }
    }
  };

  it('while they wait: not ready within a second, and ready again by itself', async () => {
    vi.stubEnv('PIDS', folder);
    const url = await start({ workers: 2 });
    killAll();
    const began = performance.now();
    await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(503), {
      timeout: 1000,
      interval: 10,
    });
    expect(performance.now() - began).toBeLessThan(1000);
    // Again, while they start.
    killAll();
    await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), PATIENCE);
    expect((await post(url, 'still there')).status).toBe(200);
  }, 60_000);

  it('at random: no request is left without an answer', async () => {
    vi.stubEnv('PIDS', folder);
    const url = await start({ workers: 2, queueLimit: 500 });
    let isOver = false;
    const killer = (async (): Promise<void> => {
      for (let kills = 0; kills < 50; kills++) {
        const living = pids();
        const pid = living[(kills * 7) % living.length] ?? 0;
        if (pid > 0 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
        await rm(join(folder, String(pid)), { force: true });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      isOver = true;
    })();
    const statuses: number[] = [];
    for (let n = 0; !isOver || n < 20; n++) statuses.push((await post(url, `text ${n}`)).status);
    await killer;
    expect(statuses.every((status) => [200, 500, 503].includes(status))).toBe(true);
    await vi.waitFor(async () => expect((await post(url, 'well again')).status).toBe(200), PATIENCE);
  }, 120_000);
});

describe('work that nobody wants', () => {
  it('ends within a second of its client', async () => {
    const log: string[] = [];
    const url = await start({ log: (line) => log.push(line) });
    const leaving = new AbortController();
    const left = post(url, 'hang', { signal: leaving.signal }).catch(() => 'left');
    await vi.waitFor(async () => expect(await metricAt(url, 'quantlab_workers_busy')).toBe(1), PATIENCE);
    leaving.abort();
    const began = performance.now();
    await vi.waitFor(async () => expect(await metricAt(url, 'quantlab_workers_busy')).toBe(0), PATIENCE);
    expect(performance.now() - began).toBeLessThan(1000);
    await vi.waitFor(
      () => expect(log.join('')).toMatch(/a process is replaced: .*: nobody waited any longer/),
      PATIENCE,
    );
    expect(await left).toBe('left');
    expect((await post(url, 'next')).status).toBe(200);
  }, 60_000);

  it('is not tried again when it took too long', async () => {
    const url = await start({ requestLimitMs: 300 });
    const file = join(folder, 'tries');
    expect(await post(url, `hang ${file}`)).toMatchObject({ status: 504, error: { code: 'request_timeout' } });
    expect((await post(url, 'next')).status).toBe(200);
    expect(await readFile(file, 'utf8')).toBe('begun\n');
  }, 60_000);

  it('is done once for eight who ask the same', async () => {
    const url = await start();
    const file = join(folder, 'times');
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => (await post(url, `count ${file}`)).status),
    );
    expect(statuses).toEqual(Array(8).fill(200));
    expect(await readFile(file, 'utf8')).toBe('begun\n');
  }, 60_000);

  it('goes on for those who stay when the first has left', async () => {
    const url = await start();
    const gate = join(folder, 'gate');
    const leaving = new AbortController();
    const left = post(url, `wait ${gate}`, { signal: leaving.signal }).catch(() => 'left');
    await vi.waitFor(() => expect(existsSync(`${gate}.started`)).toBe(true), PATIENCE);
    const stays = post(url, `wait ${gate}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    leaving.abort();
    expect(await left).toBe('left');
    await writeFile(gate, '');
    expect((await stays).status).toBe(200);
  }, 60_000);
});

describe('a queue', () => {
  it('that is full says so before the body is read', async () => {
    const url = await start({ queueLimit: 1 });
    const gate = join(folder, 'gate');
    const waiting = [post(url, `wait ${gate}`), post(url, `wait ${gate} too`)];
    await vi.waitFor(async () => expect(await metricAt(url, 'quantlab_queue_length')).toBe(1), PATIENCE);
    const { answer } = await raw(url, STALLED);
    await vi.waitFor(() => expect(answer()).toMatch(/^HTTP\/1\.1 503 .*retry-after: \d+/is), PATIENCE);
    await writeFile(gate, '');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  }, 60_000);

  it('refuses who has waited too long, and who has more than a share', async () => {
    const url = await start({ queueLimit: 4, queueLimitMs: 1500 });
    const gate = join(folder, 'gate');
    const running = post(url, `wait ${gate}`);
    await vi.waitFor(() => expect(existsSync(`${gate}.started`)).toBe(true), PATIENCE);
    const waiting = [1, 2, 3].map((n) => post(url, `wait ${gate} ${n}`));
    await vi.waitFor(async () => expect(await metricAt(url, 'quantlab_queue_length')).toBe(3), PATIENCE);
    expect(await post(url, 'one more')).toMatchObject({ status: 429, error: { code: 'rate_limit_exceeded' } });
    for (const one of await Promise.all(waiting))
      expect(one).toMatchObject({ status: 503, error: { code: 'queue_timeout' } });
    await writeFile(gate, '');
    expect((await running).status).toBe(200);
  }, 60_000);
});

describe('clients', () => {
  it('who leave while they send are counted as that', async () => {
    const url = await start();
    for (let n = 0; n < 5; n++) {
      const { socket } = await raw(url, STALLED);
      setTimeout(() => socket.destroy(), 50);
    }
    const left = 'quantlab_requests_total{path="/transcribe",code="499"}';
    await vi.waitFor(async () => expect(await metricAt(url, left)).toBe(5), PATIENCE);
    expect(await metricAt(url, 'quantlab_requests_total{path="/transcribe",code="200"}')).toBeNaN();
  }, 60_000);

  it('who send slowly are told, and cut off', async () => {
    const url = await start({ uploadLimitMs: 500 });
    const { answer } = await raw(url, STALLED);
    await vi.waitFor(() => expect(answer()).toMatch(/^HTTP\/1\.1 408 /), PATIENCE);
  }, 60_000);

  it('who open many connections are told', async () => {
    const url = await start({ connectionLimit: 2 });
    const ask = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answers = [await raw(url, ask), await raw(url, ask), await raw(url, ask)];
    await vi.waitFor(
      () => expect(answers.map(({ answer }) => answer().slice(9, 12))).toEqual(['200', '200', '429']),
      PATIENCE,
    );
    // One that says nothing does not stay.
    const { socket } = await raw(url, '');
    await vi.waitFor(() => expect(socket.closed).toBe(true), PATIENCE);
  }, 60_000);

  it('a thousand at once are all answered', async () => {
    const url = await start({ connectionLimit: 600 });
    const ask = async (): Promise<number> =>
      await new Promise((resolve) => {
        const asked = httpRequest(`${url}/transcribe`, { method: 'POST', agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        asked.on('error', () => resolve(0));
        asked.end('x');
      });
    const statuses = await Promise.all(Array.from({ length: 1000 }, ask));
    expect(statuses.filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
    expect(statuses).toContain(200);
    expect((await post(url, 'after them')).status).toBe(200);
  }, 120_000);

  it('of another name, or of a page elsewhere, are refused', async () => {
    const url = await start({ allowedHosts: ['speech.example'], allowedOrigins: ['https://friend.example'] });
    const status = async (headers: Readonly<Record<string, string>>): Promise<string> => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const { answer } = await raw(url, `GET /v1/models HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`);
      await vi.waitFor(() => expect(answer()).not.toBe(''), PATIENCE);
      return answer().slice(9, 12);
    };
    expect(await status({ Host: 'evil.example' })).toBe('403');
    expect(await status({ Host: 'speech.example:8080' })).toBe('200');
    expect(await status({ Host: '127.0.0.1' })).toBe('200');
    expect(await status({ Host: 'localhost', Origin: 'https://evil.example' })).toBe('403');
    expect(await status({ Host: 'localhost', Origin: 'null' })).toBe('403');
    expect(await status({ Host: 'localhost', Origin: 'http://localhost' })).toBe('200');
    expect(await status({ Host: 'localhost', Origin: 'https://friend.example' })).toBe('200');
    const preflight = await fetch(`${url}/transcribe`, {
      method: 'OPTIONS',
      headers: { origin: 'https://friend.example' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://friend.example',
    ]);
  }, 60_000);
});

describe('an answer', () => {
  it('names no path and no version when something of ours is broken', async () => {
    const log: string[] = [];
    const url = await start({ log: (line) => log.push(line), temporaryFolder: folder });
    const { status, error } = await post(url, 'fault');
    expect(status).toBe(500);
    expect(JSON.stringify(error)).not.toMatch(/\/|node|quantlab-serve/i);
    expect(log.join('')).toMatch(/cannot read properties of/);
    await rm(folder, { recursive: true });
    const noRoom = await post(url, 'text');
    expect(noRoom).toMatchObject({ status: 503, error: { code: 'no_room' } });
    expect(JSON.stringify(noRoom.error)).not.toContain(folder);
    expect(log.join('')).toMatch(/ENOENT/);
  }, 60_000);

  const tiny = join(tmpdir(), `quantlab-tiny-${process.pid}`);
  const mount = (): boolean => {
    mkdirSync(tiny, { recursive: true });
    return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', tiny]).status === 0;
  };

  it('is 507 where the disk is full', async (context) => {
    // Only root may mount.
    if (process.platform !== 'linux' || process.getuid?.() !== 0 || !mount()) return context.skip();
    try {
      const log: string[] = [];
      const url = await start({ temporaryFolder: tiny, log: (line) => log.push(line) });
      expect(await post(url, 'x'.repeat(200_000))).toMatchObject({ status: 507, error: { code: 'no_room' } });
      expect(log.join('')).toMatch(/ENOSPC/);
      expect((await post(url, 'small')).status).toBe(200);
      await services.pop()?.close();
    } finally {
      spawnSync('umount', [tiny]);
      await rm(tiny, { recursive: true, force: true });
    }
  }, 60_000);

  it('refuses more sound than is taken, whoever brings it', async () => {
    const url = await start({ workerPath: undefined, maximumS: 1 });
    const body = new Uint8Array(await readFile(join(AUDIO, 'agent-pass.flac')));
    const answer = await fetch(`${url}/transcribe`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { message: expect.stringMatching(/^body: at most 1 s of sound/) },
    });
  }, 60_000);
});

describe('models', () => {
  const CARD = fileURLToPath(new URL('../../data/models/deepspeech2-lstm/model.json', import.meta.url));

  async function modelAt(id: string): Promise<string> {
    const path = join(folder, `${id}.onnx`);
    await writeFile(path, `the bytes of ${id}`);
    const card = JSON.parse(readFileSync(CARD, 'utf8')) as object;
    await writeFile(join(folder, `${id}.json`), JSON.stringify({ ...card, id }));
    return path;
  }

  it('are read anew while requests are under way', async () => {
    const path = await modelAt('a');
    const url = await start({ models: [path], workers: 2 });
    const reload = async (): Promise<unknown> => await (await fetch(`${url}/admin/reload`, { method: 'POST' })).json();
    expect(await reload()).toEqual({ changed: [] });
    const gate = join(folder, 'gate');
    const running = post(url, `wait ${gate}`);
    await vi.waitFor(() => expect(existsSync(`${gate}.started`)).toBe(true), PATIENCE);
    const queued = post(url, 'queued');
    await writeFile(path, 'other bytes');
    expect(await reload()).toEqual({ changed: ['a'] });
    expect((await post(url, 'of the new one')).status).toBe(200);
    await writeFile(gate, '');
    expect([(await running).status, (await queued).status]).toEqual([200, 200]);
    // The old ones have ended.
    await vi.waitFor(async () => expect(await metricAt(url, 'quantlab_workers_ready')).toBe(2), PATIENCE);
    await rm(path);
    expect((await fetch(`${url}/admin/reload`, { method: 'POST' })).status).toBeGreaterThanOrEqual(400);
    expect((await post(url, 'those before go on')).status).toBe(200);
  }, 60_000);

  it('are told apart by the cache, also when the file of one was replaced', async () => {
    const [a, b] = [await modelAt('a'), await modelAt('b')];
    const url = await start({ models: [a, b], cache: { memoryBytes: 1e6, folder: join(folder, 'results') } });
    const isKept = async (model: string): Promise<unknown> => {
      const answer = await fetch(`${url}/transcribe?model=${model}`, { method: 'POST', body: 'the same' });
      return ((await answer.json()) as { readonly cached?: boolean }).cached;
    };
    expect([await isKept('a'), await isKept('a'), await isKept('b')]).toEqual([false, true, false]);
    await writeFile(a, 'other bytes');
    await fetch(`${url}/admin/reload`, { method: 'POST' });
    expect([await isKept('a'), await isKept('b')]).toEqual([false, true]);
  }, 60_000);

  it('are loaded when they are asked for, and leave where memory is short', async () => {
    const models = [await modelAt('a'), await modelAt('b')];
    const url = await start({ models, maximumMemoryBytes: 1 });
    const ask = async (model: string): Promise<unknown> => {
      const answer = await fetch(`${url}/transcribe?model=${model}`, { method: 'POST', body: `for ${model}` });
      return [answer.status, ((await answer.json()) as { readonly model?: string }).model];
    };
    expect(await ask('b')).toEqual([200, 'b']);
    expect(await metricAt(url, 'quantlab_workers_ready')).toBe(1);
    expect(await ask('a')).toEqual([200, 'a']);
    expect(await metricAt(url, 'quantlab_workers_ready')).toBe(1);
    expect(await ask('c')).toEqual([404, undefined]);
  }, 60_000);
});
