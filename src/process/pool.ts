import { InputError, UnavailableError } from '../errors.js';
import type { MeasuringProcess } from './process.js';

/** What a pool of processes does with its jobs. */
export interface PoolOptions<Job, Result> {
  /** Does the jobs that a free process takes at once; results in their order. */
  readonly serve: (process: MeasuringProcess, jobs: readonly Job[]) => Promise<readonly Result[]>;
  /** Jobs that a free process takes at once, when so many wait; nobody waits for a batch to fill. Default: 1. */
  readonly maximumBatch?: number;
  /** Jobs that may wait; one more is refused. Default: any number. */
  readonly queueLimit?: number;
  /** Starts a process in place of one that ended; the signal says that nobody wants it any longer. Default: places stay empty. */
  readonly replace?: (signal: AbortSignal) => Promise<MeasuringProcess>;
  /** Told of what went wrong with a process. */
  readonly onTrouble?: ((message: string) => void) | undefined;
}

/** More jobs came than may wait. */
export class QueueFullError extends UnavailableError {
  override readonly name: string = 'QueueFullError';
}

/** A job whose process ended, each time that it was tried. */
export class CrashedError extends UnavailableError {
  override readonly name: string = 'CrashedError';
}

/** A job that waits for its turn. */
interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

/** Processes in a row that could not be started before a place is given up. */
const MOST_STARTS = 3;

/** How often a job is tried where processes are replaced: one that ends under it may have ended for another reason. */
const MOST_ATTEMPTS = 2;

/**
 * Processes that have loaded a model, and the queue before them: jobs are taken in the order in which they came, by whoever is free.
 *
 * @example
 * const pool = new Pool(processes, { serve: async (process, [path]) => [await process.transcribe(path)] });
 * const transcript = await pool.run('hello.wav');
 */
export class Pool<Job, Result> {
  readonly #options: PoolOptions<Job, Result>;
  readonly #places: number;
  readonly #alive: Set<MeasuringProcess>;
  readonly #free: MeasuringProcess[];
  readonly #waiting: Waiting<Job, Result>[] = [];
  readonly #end = new AbortController();
  /** Places whose process is ended or started just now. */
  readonly #replacing = new Set<Promise<void>>();
  #restarts = 0;

  /** @param processes - loaded; the pool ends them only when it is told to, or when one fails */
  constructor(processes: readonly MeasuringProcess[], options: PoolOptions<Job, Result>) {
    this.#options = options;
    this.#places = processes.length;
    this.#alive = new Set(processes);
    this.#free = [...processes];
  }

  /**
   * Starts the processes of a pool whose places are filled again.
   *
   * @param count - processes
   * @param options - with the way to start one
   * @throws {InputError | UnavailableError} when one cannot be started
   */
  static async start<Job, Result>(
    count: number,
    options: PoolOptions<Job, Result> & Required<Pick<PoolOptions<Job, Result>, 'replace'>>,
  ): Promise<Pool<Job, Result>> {
    const failed = new AbortController();
    const starts = Array.from({ length: count }, async () => await options.replace(failed.signal));
    try {
      return new Pool(await Promise.all(starts), options);
    } catch (error) {
      failed.abort();
      await Promise.allSettled(starts.map(async (start) => await (await start).stop()));
      throw error;
    }
  }

  /** Jobs that no process has taken yet. */
  get queueLength(): number {
    return this.#waiting.length;
  }

  /** Processes that live. */
  get ready(): number {
    return this.#alive.size;
  }

  /** Processes that were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Does a job as soon as a process is free.
   *
   * @param job - what is done
   * @param signal - nobody waits any longer: the job leaves the queue
   * @throws {InputError} when the job is bad
   * @throws {QueueFullError} when too many wait already
   * @throws {CrashedError} when its process ended, and the second that tried it, too
   */
  async run(job: Job, signal?: AbortSignal): Promise<Result> {
    const { queueLimit = Number.POSITIVE_INFINITY } = this.#options;
    // A place that was given up is tried again when somebody asks.
    if (this.#alive.size + this.#replacing.size < this.#places) this.#replace(undefined, 'one was missing');
    if (this.#alive.size + this.#replacing.size === 0) throw noProcess();
    if (this.#free.length === 0 && this.#waiting.length >= queueLimit) {
      throw new QueueFullError(`queue: room for a request was required, got ${queueLimit} that wait; come back later`);
    }
    return await new Promise<Result>((resolve, reject) => {
      const waiting = { job, resolve, reject, attempts: 0 };
      this.#waiting.push(waiting);
      signal?.addEventListener('abort', () => {
        const place = this.#waiting.indexOf(waiting);
        if (place < 0) return;
        this.#waiting.splice(place, 1);
        reject(signal.reason);
      });
      this.#dispatch();
    });
  }

  /** Ends all processes; what waits is refused. */
  async stop(): Promise<void> {
    this.#end.abort();
    this.#refuseAll(noProcess());
    await Promise.all([...this.#replacing, ...[...this.#alive].map((process) => process.stop())]);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const process = this.#free.shift();
      if (process === undefined) return;
      // One that ended while nobody asked it anything.
      if (process.ended) this.#replace(process, 'it ended while it waited');
      else void this.#serve(process, this.#waiting.splice(0, this.#options.maximumBatch ?? 1));
    }
  }

  async #serve(process: MeasuringProcess, batch: readonly Waiting<Job, Result>[]): Promise<void> {
    for (const one of batch) one.attempts++;
    try {
      const jobs = batch.map(({ job }) => job);
      const results = await this.#options.serve(process, jobs);
      for (const [place, { resolve }] of batch.entries()) resolve(results[place] as Result);
    } catch (error) {
      if (!(error instanceof InputError)) {
        // Also where it lives and answered with a fault of ours: what state it is in, nobody knows.
        this.#failed(process, batch, error as Error);
        return;
      }
      for (const { reject } of batch) reject(error);
    }
    this.#free.push(process);
    this.#dispatch();
  }

  #failed(process: MeasuringProcess, batch: readonly Waiting<Job, Result>[], error: Error): void {
    const most = this.#options.replace === undefined ? 1 : MOST_ATTEMPTS;
    const again = this.#end.signal.aborted ? [] : batch.filter(({ attempts }) => attempts < most);
    for (const one of batch) {
      if (!again.includes(one)) one.reject(new CrashedError(error.message, { cause: error }));
    }
    this.#waiting.unshift(...again);
    this.#replace(process, error.message);
  }

  /** Ends a process, and starts another in its place. */
  #replace(process: MeasuringProcess | undefined, why: string): void {
    if (process !== undefined) this.#alive.delete(process);
    const work = (async (): Promise<void> => {
      await process?.stop();
      await this.#fill(why);
    })().finally(() => {
      this.#replacing.delete(work);
      if (this.#alive.size + this.#replacing.size === 0) this.#refuseAll(noProcess());
    });
    this.#replacing.add(work);
  }

  async #fill(why: string): Promise<void> {
    const { replace, onTrouble } = this.#options;
    const { signal } = this.#end;
    for (let start = 1; replace !== undefined && start <= MOST_STARTS && !signal.aborted; start++) {
      this.#restarts++;
      onTrouble?.(`a process is replaced: ${why}`);
      try {
        const process = await replace(signal);
        if (signal.aborted) return await process.stop();
        this.#alive.add(process);
        this.#free.push(process);
        this.#dispatch();
        return;
      } catch (error) {
        onTrouble?.(`a process could not be started: ${(error as Error).message}`);
      }
    }
  }

  #refuseAll(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function noProcess(): UnavailableError {
  return new UnavailableError('queue: a process was required, got none that runs; start again');
}
