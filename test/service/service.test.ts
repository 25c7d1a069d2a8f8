import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runLoad } from '../../src/measure/load/load.js';
import { serviceAt } from '../../src/measure/load/serviceAt.js';
import type { ServiceOptions } from '../../src/service/options.js';
import { TranscriptionService } from '../../src/service/service.js';
import { heardIn, REFERENCES } from '../fixtures/model/reference.js';

const FAKE = fileURLToPath(new URL('../fixtures/service/fakeWorker.mjs', import.meta.url));
const AUDIO = fileURLToPath(new URL('../../data/speech/audio/', import.meta.url));

/** Processes take seconds to start where many others run. */
const SLOW_START_MS = 60_000;

let folder: string;
let services: TranscriptionService[];

const models = ['deepspeech2-lstm'];

beforeEach(async () => {
  services = [];
  folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.close()));
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
}, SLOW_START_MS);

async function start(
  options: Partial<ServiceOptions> = {},
): Promise<{ readonly service: TranscriptionService; readonly url: string }> {
  const service = await TranscriptionService.start({ models, workers: 1, threads: 1, ...options });
  services.push(service);
  return { service, url: `http://127.0.0.1:${await service.listen(0)}` };
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly body: any;
}

async function post(url: string, body: string | Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<Answered> {
  const answer = await fetch(`${url}/transcribe`, { method: 'POST', body, ...(signal && { signal }) });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

describe('the service, with the shipped model', () => {
  let service: TranscriptionService | undefined;
  let url: string;
  let kept: string;

  beforeAll(async () => {
    kept = await mkdtemp(join(tmpdir(), 'quantlab-'));
    service = await TranscriptionService.start({
      models,
      workers: 2,
      threads: 1,
      cache: { memoryBytes: 1e6, folder: join(kept, 'results') },
      optimizedFolder: join(kept, 'optimized'),
    });
    url = `http://127.0.0.1:${await service.listen(0)}`;
  }, SLOW_START_MS);

  afterAll(async () => {
    await service?.close();
    await rm(kept, { recursive: true, force: true });
  }, SLOW_START_MS);

  it('answers with what the model hears, and knows it the next time', async () => {
    const bytes = new Uint8Array(await readFile(join(AUDIO, 'added.flac')));
    const first = await post(url, bytes);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ model: 'deepspeech2-lstm', text: heardIn('added'), cached: false });
    expect(first.body.audioS).toBeCloseTo(5785 / 8000, 6);
    expect(first.body.segments).toHaveLength(1);
    const second = await post(url, bytes);
    expect(second.body).toEqual({ ...first.body, cached: true });
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_cache_hits_total{place="memory"}')).toBe(1));
  });

  it('answers many at once, each its own', async () => {
    const lines = REFERENCES
      // Longer ones are cut at silences.
      .filter(({ samples }) => samples < 4 * 8000)
      .slice(0, 12);
    const answers = await Promise.all(
      lines.map(async ({ id }) => await post(url, new Uint8Array(await readFile(join(AUDIO, `${id}.flac`))))),
    );
    expect(answers.map(({ body }) => body.text)).toEqual(lines.map(({ greedy }) => greedy));
  });

  it('says what is wrong with a body, and does not name its own files', async () => {
    const wrong = await post(url, 'no sound at all');
    expect(wrong.status).toBe(400);
    expect(wrong.body.error).toMatchObject({ type: 'invalid_request_error', param: null, code: 'invalid_input' });
    expect(wrong.body.error.message).toMatch(
      /^body: WAV, FLAC, MP3, Ogg .* or NIST SPHERE was required, got a file that begins with "no s"/,
    );
    const wav = fileURLToPath(new URL('../fixtures/speech/s16.wav', import.meta.url));
    const cut = new Uint8Array((await readFile(wav)).subarray(0, 500));
    expect((await post(url, cut)).body.error.message).toMatch(/^body: .*truncated/);
    expect(await post(url, '')).toMatchObject({ status: 400, body: { error: { message: /got nothing/ } } });
  });

  it('refuses other paths and methods', async () => {
    const gone = await fetch(`${url}/nothing`);
    expect(gone.status).toBe(404);
    expect(await gone.json()).toMatchObject({ error: { message: expect.stringMatching(/^\/nothing: one of/) } });
    const got = await fetch(`${url}/transcribe`);
    expect(got.status).toBe(405);
    expect(got.headers.get('allow')).toBe('POST');
    expect((await fetch(`${url}/healthz`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });

  it('tells its health, its models and its metrics', async () => {
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ok', workers: 2, busy: 0, waiting: 0 });
    const listed = await (await fetch(`${url}/v1/models`)).json();
    expect(listed).toMatchObject({ object: 'list', data: [{ id: 'deepspeech2-lstm', object: 'model' }] });
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const before = await metric(url, 'quantlab_transcription_duration_seconds_count');
    await post(url, new Uint8Array(await readFile(join(AUDIO, 'added.flac'))));
    await vi.waitFor(async () =>
      expect(await metric(url, 'quantlab_transcription_duration_seconds_count')).toBe(before + 1),
    );
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_workers_ready')).toBe(2));
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_worker_restarts_total')).toBe(0));
  });

  it('keeps results for the next start', async () => {
    const bytes = new Uint8Array(await readFile(join(AUDIO, 'activated.flac')));
    const before = await post(url, bytes);
    const next = await start({ cache: { memoryBytes: 1e6, folder: join(kept, 'results') } });
    expect((await post(next.url, bytes)).body).toEqual({ ...before.body, cached: true });
    await vi.waitFor(async () => expect(await metric(next.url, 'quantlab_cache_hits_total{place="disk"}')).toBe(1));
  });
});

describe('the service, with processes that are told how to hear', () => {
  it('asks for the times of words, and for a margin where it was started so', async () => {
    for (const marginS of [undefined, 4]) {
      const { url } = await start({ workerPath: FAKE, marginS });
      expect(JSON.parse((await post(url, 'decoder')).body.text)).toEqual({
        wordTimes: true,
        ...(marginS && { marginS }),
      });
    }
  });
});

describe('the service, when things go wrong', () => {
  it('refuses a body that is too large, told beforehand or not', async () => {
    const { url } = await start({ workerPath: FAKE, maximumBodyBytes: 100 });
    expect((await post(url, 'x'.repeat(100))).status).toBe(200);
    expect(await post(url, 'x'.repeat(101))).toMatchObject({
      status: 413,
      body: { error: { code: 'body_too_large', message: expect.stringMatching(/^body: at most 100 bytes/) } },
    });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = httpRequest(`${url}/transcribe`, { method: 'POST' }, ({ statusCode }) => resolve(statusCode));
      asked.on('error', reject);
      // Without a length: in chunks.
      asked.write('x'.repeat(60));
      asked.end('x'.repeat(60));
    });
    expect(status).toBe(413);
  });

  it('tries a request again whose process ended, and replaces the process', async () => {
    const { url } = await start({ workerPath: FAKE });
    expect(await post(url, `crash-once ${join(folder, 'ended')}`)).toMatchObject({ status: 200 });
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_worker_restarts_total')).toBe(1));
  });

  it('answers with 500 when a request ends two processes, and goes on', async () => {
    const trouble: string[] = [];
    const { url } = await start({ workerPath: FAKE, workers: 2, log: (line) => trouble.push(line) });
    const crashed = await post(url, 'crash');
    expect(crashed.status).toBe(500);
    expect(crashed.body.error.message).toMatch(/a process that transcribes was required, got 2 that ended/);
    expect((await post(url, 'still there')).body.text).toBe('still there');
    expect(trouble.join('\n')).toMatch(/a process is replaced: .*SIGKILL/);
  });

  it('ends a process that does not answer, or that answers with a fault', async () => {
    const { url } = await start({ workerPath: FAKE, requestLimitMs: 300 });
    expect(await post(url, 'hang')).toMatchObject({
      status: 504,
      body: { error: { message: expect.stringMatching(/a transcript within 0\.3 s/) } },
    });
    expect((await post(url, 'fault')).status).toBe(500);
    expect((await post(url, 'well')).status).toBe(200);
  });

  it('refuses what the queue has no room for, and says when to come back', async () => {
    const { url } = await start({ workerPath: FAKE, queueLimit: 1 });
    const gate = join(folder, 'gate');
    const running = post(url, `wait ${gate}`);
    // Not the same bytes: the same would be computed once.
    const queued = post(url, `wait ${gate} too`);
    // The two are there when one waits.
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_queue_length')).toBe(1), 30_000);
    const refused = await post(url, 'one more');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body.error.message).toMatch(/^queue: room for a request was required, got 1 that wait/);
    await writeFile(gate, '');
    expect((await running).status).toBe(200);
    expect((await queued).status).toBe(200);
  });

  it('takes a request out of the queue whose client is gone', async () => {
    const { url } = await start({ workerPath: FAKE, queueLimit: 1 });
    const gate = join(folder, 'gate');
    const running = post(url, `wait ${gate}`);
    const leaving = new AbortController();
    await vi.waitFor(() => expect(existsSync(`${gate}.started`)).toBe(true), 30_000);
    const left = post(url, 'never heard', leaving.signal).catch(() => 'left');
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_queue_length')).toBe(1), 30_000);
    leaving.abort();
    expect(await left).toBe('left');
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_queue_length')).toBe(0), 30_000);
    await writeFile(gate, '');
    expect((await running).status).toBe(200);
  });

  it('answers what is under way when it is told to end, and nothing after', async () => {
    const { service, url } = await start({ workerPath: FAKE });
    const gate = join(folder, 'gate');
    const running = post(url, `wait ${gate}`);
    // Not the same bytes: the same would be computed once.
    const queued = post(url, `wait ${gate} too`);
    await vi.waitFor(async () => expect(await metric(url, 'quantlab_queue_length')).toBe(1), 30_000);
    const closed = service.close();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    await writeFile(gate, '');
    expect((await running).status).toBe(200);
    expect((await queued).status).toBe(200);
    await closed;
  });

  it('is put under load over HTTP', async () => {
    const { url } = await start({ workerPath: FAKE, queueLimit: 200 });
    const [id, audioPath] = ['added', join(AUDIO, 'added.flac')];
    const server = await serviceAt(url, [{ id, audioPath, durationS: 0.7, text: 'added', speaker: 's' }]);
    const result = await runLoad(server, { ratePerS: 500, requests: 130, recordings: 1, seed: 1 });
    expect(result).toMatchObject({ requests: 130, failed: 0, meanWaiting: null });
    expect(result.p95BoundMs).toBeGreaterThanOrEqual(result.p95Ms);
    await vi.waitFor(async () =>
      expect(await metric(url, 'quantlab_requests_total{path="/transcribe",code="200"}')).toBe(130),
    );
    await services.pop()?.close();
    await expect(server.send(0)).rejects.toThrow(/a service that answers was required/);
  });

  it('says that no process runs any more', async () => {
    const { url } = await start({ workerPath: FAKE });
    vi.stubEnv('FAIL_LOAD', join(folder, 'fails'));
    await writeFile(join(folder, 'fails'), '');
    expect((await post(url, 'crash')).status).toBe(503);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ status: 'no process', workers: 0 });
    expect((await post(url, 'anybody?')).status).toBe(503);
    // What was missing is there again: so is the service, once somebody asks.
    await rm(join(folder, 'fails'));
    await vi.waitFor(async () => expect((await post(url, 'anybody?')).status).toBe(200), { timeout: 30_000 });
  });

  it('does not start with a model that cannot be loaded, a port that is taken, or impossible options', async () => {
    vi.stubEnv('FAIL_LOAD', folder);
    await expect(start({ workerPath: FAKE })).rejects.toThrow('no model');
    vi.unstubAllEnvs();
    const { url } = await start({ workerPath: FAKE });
    const other = await TranscriptionService.start({ models, workers: 1, threads: 1, workerPath: FAKE });
    services.push(other);
    await expect(other.listen(Number(new URL(url).port))).rejects.toThrow(/a free port was required/);
    await expect(start({ workers: 0 })).rejects.toThrow(/workers: a whole number from 1/);
    expect(existsSync(folder)).toBe(true);
  });
});
