import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError, QuantlabError, UnavailableError } from '../errors.js';
import { sha256OfBytes } from '../files.js';
import { ownValue } from '../ownValue.js';
import { CrashedError, Pool, QueueFullError } from '../process/pool.js';
import { openProcess } from '../process/session.js';
import { resultKeyBases } from '../recognise/cache/cachedRecognizer.js';
import { ResultCache, type ResultCacheOptions } from '../recognise/cache/resultCache.js';
import { modelSha256, type ResolvedModel } from '../recognise/model.js';
import type { Transcript } from '../recognise/transcribe.js';
import { METRICS_TYPE, ServiceMetrics } from './metrics.js';
import { saveBody, TooLargeError } from './upload.js';

/** How a service runs. */
export interface ServiceOptions {
  readonly model: ResolvedModel;
  /** Processes that transcribe. */
  readonly workers: number;
  /** Threads of one operator in each. */
  readonly threads: number;
  /** Requests that may wait for a process. Default: 16 for each process. */
  readonly queueLimit?: number | undefined;
  /** Largest recording, in bytes. Default: 64 MiB. */
  readonly maximumBodyBytes?: number | undefined;
  /** Longest time for one request in a process, in milliseconds. Default: 10 minutes. */
  readonly requestLimitMs?: number | undefined;
  /** Keeps transcripts, and in the processes scores. Default: nothing is kept. */
  readonly cache?: Pick<ResultCacheOptions, 'memoryBytes' | 'folder' | 'diskBytes'> | undefined;
  /** Folder of optimised models: processes start sooner and share its pages. Default: not kept. */
  readonly optimizedFolder?: string | undefined;
  /** Told of what went wrong with a process, or in a request through no fault of its own. */
  readonly onTrouble?: (message: string) => void;
  /** Program of the processes. Default: the package's own. */
  readonly workerPath?: string | undefined;
}

/** What `POST /transcribe` answers. */
export interface ServiceAnswer extends Transcript {
  /** Id of the model's card. */
  readonly model: string;
  /** Whether the answer was kept from an earlier request with the same bytes. */
  readonly cached: boolean;
}

/** What every answer but 2xx carries, in the form of all errors of this package. */
export interface ServiceError {
  readonly error: { readonly kind: string; readonly message: string };
}

const DEFAULTS = { queuePerWorker: 16, maximumBodyBytes: 64 * 2 ** 20, requestLimitMs: 10 * 60_000 } as const;

/** Raise it when the same file gives another answer: kept answers carry it. */
const ANSWER_VERSION = 2;

/** What is said to come back after, in seconds, when the queue is full. */
const RETRY_AFTER_S = 1;

/** Longest time for a client to send a request, in milliseconds. */
const UPLOAD_LIMIT_MS = 120_000;

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/**
 * Speech recognition over HTTP: `POST /transcribe` with the bytes of a recording, `GET /health`, `GET /model` and `GET /metrics`.
 * Recordings are heard by processes of their own; a queue before them takes a limited number and refuses the rest.
 *
 * @example
 * const service = await TranscriptionService.start({ model, workers: 2, threads: 1 });
 * const port = await service.listen(0);
 */
export class TranscriptionService {
  readonly #options: ServiceOptions;
  readonly #pool: Pool<string, Transcript>;
  readonly #cache: ResultCache | null;
  readonly #answerBase: string;
  readonly #folder: string;
  readonly #metrics = new ServiceMetrics();
  readonly #server: Server;
  readonly #underWay = new Set<Promise<void>>();
  #closing = false;

  private constructor(
    options: ServiceOptions,
    pool: Pool<string, Transcript>,
    cache: ResultCache | null,
    answerBase: string,
    folder: string,
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#cache = cache;
    this.#answerBase = answerBase;
    this.#folder = folder;
    this.#server = createServer({ requestTimeout: UPLOAD_LIMIT_MS }, (request, response) => {
      const handled = this.#handle(request, response).finally(() => this.#underWay.delete(handled));
      this.#underWay.add(handled);
    });
  }

  /**
   * Starts the processes; it listens when it is told to.
   *
   * @throws {InputError} when the model cannot be loaded, or an option is not possible
   * @throws {UnavailableError} when a folder cannot be written
   */
  static async start(options: ServiceOptions): Promise<TranscriptionService> {
    const { model, workers, threads, cache, optimizedFolder } = options;
    for (const [what, count] of Object.entries({ workers, threads, queueLimit: options.queueLimit ?? 1 })) {
      if (Number.isInteger(count) && count >= 1) continue;
      throw new InputError(`${what}: a whole number from 1 was required, got ${count}; give one`);
    }
    const answers =
      cache === undefined ? null : await ResultCache.open({ ...cache, ...placeOf(cache.folder, 'answers') });
    const setup = {
      model,
      executionProvider: 'cpu',
      threads,
      optimizedFolder,
      recordings: [],
      warmUp: [],
      // Answers by file are kept here; a process keeps what it computes of the sound in them, for the same in another file.
      ...(cache !== undefined && {
        cache: { ...cache, memoryBytes: cache.memoryBytes / (2 * workers), ...placeOf(cache.folder, 'results') },
      }),
    } as const;
    const { workerPath, requestLimitMs = DEFAULTS.requestLimitMs, onTrouble } = options;
    const program = { name: 'transcribing process', trialLimitMs: requestLimitMs, workerPath };
    const pool = await Pool.start(workers, {
      serve: async (process, paths: readonly string[]) =>
        await Promise.all(paths.map((path) => process.transcribe(path))),
      replace: async (signal) => await openProcess(setup, { ...program, signal }),
      queueLimit: options.queueLimit ?? workers * DEFAULTS.queuePerWorker,
      onTrouble,
    });
    const bases = resultKeyBases(model, await modelSha256(model), { session: { threads } });
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-serve-'));
    return new TranscriptionService(options, pool, answers, `${bases.transcript} ${ANSWER_VERSION}`, folder);
  }

  /**
   * Begins to listen.
   *
   * @param port - 0: one that is free
   * @param host - address of this machine that is listened on
   * @returns the port
   * @throws {UnavailableError} when the port is taken or not permitted
   */
  async listen(port: number, host: string = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        reject(new UnavailableError(`${host}:${port}: a free port was required, got ${error.message}; choose another`));
      });
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers what is under way, refuses what comes now, and ends the processes. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all(this.#underWay);
    this.#server.closeAllConnections();
    await closed;
    await this.#pool.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const handlers = ownValue(this.#routes, path);
    const label = handlers === undefined ? 'other' : path;
    try {
      if (handlers === undefined) {
        const known = Object.keys(this.#routes).join(', ');
        throw new HttpError(404, `${path}: one of ${known} was required, got another path; choose one`);
      }
      const handler = ownValue(handlers, request.method ?? 'GET');
      if (handler === undefined) {
        const allowed = Object.keys(handlers).join(', ');
        response.setHeader('Allow', allowed);
        throw new HttpError(405, `${path}: ${allowed} was required, got ${request.method}; use that method`);
      }
      await handler(request, response);
    } catch (error) {
      this.#refuse(request, response, error);
    }
    this.#metrics.answered(label, response.statusCode);
  }

  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    '/transcribe': { POST: async (request, response) => await this.#transcribe(request, response) },
    '/health': { GET: (_, response) => this.#health(response) },
    '/model': { GET: (_, response) => send(response, 200, this.#options.model.card) },
    '/metrics': { GET: (_, response) => this.#showMetrics(response) },
  };

  async #transcribe(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    if (this.#closing) throw new HttpError(503, 'service: a running one was required, got one that ends; ask another');
    const gone = new AbortController();
    response.once('close', () =>
      gone.abort(new InputError('request: a client was required, got none any more; ask again')),
    );
    const path = join(this.#folder, randomUUID());
    try {
      const sha256 = await saveBody(request, path, this.#options.maximumBodyBytes ?? DEFAULTS.maximumBodyBytes);
      const answer = await this.#answer(path, sha256, gone.signal);
      this.#metrics.transcribed((performance.now() - started) / 1000, answer.audioS);
      send(response, 200, answer);
    } catch (error) {
      // The file is a name of ours that means nothing to the client.
      if (error instanceof InputError && error.message.includes(path)) {
        throw new InputError(error.message.replaceAll(path, 'body'), { cause: error });
      }
      throw error;
    } finally {
      await rm(path, { force: true });
    }
  }

  async #answer(path: string, sha256: string, signal: AbortSignal): Promise<ServiceAnswer> {
    const key = sha256OfBytes(`${this.#answerBase} ${sha256}`);
    const model = this.#options.model.card.id;
    const kept = await this.#cache?.get(key);
    if (kept !== undefined) {
      const transcript = JSON.parse(Buffer.from(kept.bytes).toString('utf8')) as Transcript;
      return { model, ...transcript, cached: true };
    }
    const transcript = await this.#pool.run(path, signal);
    await this.#cache?.set(key, Buffer.from(JSON.stringify(transcript)));
    return { model, ...transcript, cached: false };
  }

  #health(response: ServerResponse): void {
    const { ready, queueLength } = this.#pool;
    const isWell = ready > 0 && !this.#closing;
    const status = this.#closing ? 'ending' : isWell ? 'ok' : 'no process';
    send(response, isWell ? 200 : 503, { status, workers: ready, waiting: queueLength });
  }

  #showMetrics(response: ServerResponse): void {
    const { queueLength, ready, restarts } = this.#pool;
    const { memoryHits = 0, diskHits = 0, misses = 0 } = this.#cache?.counts ?? {};
    const gauges = { queueLength, workersReady: ready, workerRestarts: restarts, memoryHits, diskHits };
    response.writeHead(200, { 'Content-Type': METRICS_TYPE });
    response.end(this.#metrics.render({ ...gauges, cacheMisses: misses }));
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const status = statusOf(error);
    const message =
      error instanceof QuantlabError ? error.message : 'service: an answer was required, got a fault of ours';
    if (status >= 500 && status !== 503) this.#options.onTrouble?.((error as Error).message);
    if (status === 503) response.setHeader('Retry-After', String(RETRY_AFTER_S));
    if (!request.complete) {
      // What the client still sends is read and dropped: it would not see the answer otherwise.
      response.setHeader('Connection', 'close');
      request.resume();
    }
    const kind = error instanceof QuantlabError ? error.name : 'Error';
    send(response, status, { error: { kind, message } } satisfies ServiceError);
  }
}

/** An answer that is about the request itself. */
class HttpError extends InputError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  if (error instanceof TooLargeError) return 413;
  if (error instanceof InputError) return 400;
  if (error instanceof QueueFullError) return 503;
  if (error instanceof CrashedError) return 500;
  return error instanceof UnavailableError ? 503 : 500;
}

function placeOf(folder: string | undefined, name: string): { readonly folder?: string } {
  return folder === undefined ? {} : { folder: join(folder, name) };
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.byteLength,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
