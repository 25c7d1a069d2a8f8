import { availableParallelism } from 'node:os';
import { InputError } from '../errors.js';
import type { ResultCacheOptions } from '../recognise/cache/resultCache.js';

/** How a service runs. */
export interface ServiceOptions {
  /** Ids or paths of models, at least one; the first is meant where none is named. */
  readonly models: readonly string[];
  /** Processes that transcribe at the same time. */
  readonly workers: number;
  /** Threads of one operator in each. */
  readonly threads: number;
  /** Seconds of silence behind a recording that a Whisper hears, in place of its whole window. Default: the whole window. */
  readonly marginS?: number | undefined;
  /** Requests that may wait for a process. Default: 16 for each process. */
  readonly queueLimit?: number | undefined;
  /** Longest time in the queue, in milliseconds. Default: a minute. */
  readonly queueLimitMs?: number | undefined;
  /** Largest recording, in bytes. Default: 256 MiB. */
  readonly maximumBodyBytes?: number | undefined;
  /** Longest recording, in seconds. Default: four hours. */
  readonly maximumS?: number | undefined;
  /** Longest time for one request in a process, in milliseconds. Default: 10 minutes. */
  readonly requestLimitMs?: number | undefined;
  /** Memory that the processes may hold together, in bytes. Default: any. */
  readonly maximumMemoryBytes?: number | undefined;
  /** Longest time for a client to send a request, in milliseconds. Default: two minutes. */
  readonly uploadLimitMs?: number | undefined;
  /** Connections of one address. Default: 256. */
  readonly connectionLimit?: number | undefined;
  /** How long what is under way may take when the service ends, in milliseconds. Default: 25 s. */
  readonly graceMs?: number | undefined;
  /** Keys that are asked for. Default: none. */
  readonly keys?: readonly string[] | undefined;
  /** Names of this machine that may be asked for, besides its addresses and its own name; `*` for any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins of pages elsewhere that may ask from a browser; `*` for any. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Keeps transcripts, and in the processes what they are made from. Default: nothing is kept. */
  readonly cache?:
    | (Pick<ResultCacheOptions, 'memoryBytes' | 'folder' | 'diskBytes'> & {
        /** Finds transcripts of the same recording in another encoding, at another volume, or with silence around it, too. Default: false. */
        readonly similar?: boolean;
      })
    | undefined;
  /** Folder of optimised models: processes start sooner and share its pages. Default: not kept. */
  readonly optimizedFolder?: string | undefined;
  /** Folder for recordings while they are heard. Default: the system's. */
  readonly temporaryFolder?: string | undefined;
  /** Takes what is logged, one line of JSON at a time. Default: nothing is logged. */
  readonly log?: ((line: string) => void) | undefined;
  /** What is logged: each request (`info`), or only what went wrong. Default: `info`. */
  readonly logLevel?: 'info' | 'warn' | undefined;
  /** Program of the processes. Default: the package's own. */
  readonly workerPath?: string | undefined;
}

/** What has a value where nothing else is said. */
type Defaulted =
  | 'queueLimitMs'
  | 'maximumBodyBytes'
  | 'maximumS'
  | 'requestLimitMs'
  | 'uploadLimitMs'
  | 'connectionLimit'
  | 'graceMs'
  | 'keys'
  | 'allowedHosts'
  | 'allowedOrigins'
  | 'logLevel';

type Defaults = { readonly [Name in Defaulted]: NonNullable<ServiceOptions[Name]> };

/** {@link ServiceOptions} of which nothing is left out that has a default. */
export type Settings = Omit<ServiceOptions, Defaulted | 'queueLimit'> & Defaults & { readonly queueLimit: number };

const DEFAULTS: Defaults = {
  queueLimitMs: 60_000,
  maximumBodyBytes: 256 * 2 ** 20,
  maximumS: 4 * 3600,
  requestLimitMs: 10 * 60_000,
  uploadLimitMs: 120_000,
  connectionLimit: 256,
  graceMs: 25_000,
  keys: [],
  allowedHosts: [],
  allowedOrigins: [],
  logLevel: 'info',
};

const QUEUE_PER_WORKER = 16;

/** Processes beyond this many for each core only wait for each other. */
const MOST_WORKERS_PER_CORE = 8;

/**
 * Fills in what was left out.
 *
 * @throws {InputError} when an option is not possible
 */
export function settingsOf(options: ServiceOptions): Settings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...DEFAULTS, queueLimit: options.workers * QUEUE_PER_WORKER, ...given } as Settings &
    typeof options;
  const { workers, threads, queueLimit, connectionLimit } = settings;
  for (const [what, count] of Object.entries({ workers, threads, queueLimit, connectionLimit })) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new InputError(`${what}: a whole number from 1 was required, got ${count}; give one`);
  }
  const most = MOST_WORKERS_PER_CORE * availableParallelism();
  if (workers > most) {
    throw new InputError(
      `workers: at most ${most} processes were required on this machine's ${availableParallelism()} cores, got ${workers}; give fewer`,
    );
  }
  if (settings.models.length === 0) throw new InputError('models: at least one was required, got none; name one');
  return settings;
}
