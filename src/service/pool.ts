import { UnavailableError } from '../errors.js';
import { MeasuringProcess, ProcessError } from '../process/process.js';
import type { Setup } from '../process/protocol.js';
import type { Transcript } from '../recognise/transcribe.js';

/** How many processes there are, and how many requests may wait for them. */
export interface PoolOptions {
  readonly setup: Setup;
  readonly workers: number;
  /** Requests that may wait; one more is refused. */
  readonly queueLimit: number;
  /** Longest time for one request in a process, in milliseconds. */
  readonly requestLimitMs: number;
  /** Program of the processes. Default: the package's own. */
  readonly workerPath?: string | undefined;
  /** Told of what went wrong with a process. */
  readonly onTrouble?: (message: string) => void;
}

/** More requests came than may wait. */
export class QueueFullError extends UnavailableError {
  override readonly name: string = 'QueueFullError';
}

/** A request that ended a process twice. */
export class CrashedError extends UnavailableError {
  override readonly name: string = 'CrashedError';
}

interface Job {
  readonly path: string;
  readonly resolve: (transcript: Transcript) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
}

/** Processes in a row that could not be started before a place is given up. */
const MOST_STARTS = 3;

/** How often a request is tried: a process that ends under it may have ended for another reason. */
const MOST_ATTEMPTS = 2;

/** Processes that transcribe, and the queue before them. A process that ends is replaced, and its request tried once more. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #processes = new Set<MeasuringProcess>();
  readonly #free: MeasuringProcess[] = [];
  readonly #waiting: Job[] = [];
  #restarts = 0;
  #starting = 0;
  /** Places whose process is ended or started just now. */
  #replacing = 0;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts all processes. @throws {InputError | UnavailableError} when one cannot load the model */
  async start(): Promise<void> {
    try {
      const { workers } = this.#options;
      this.#free.push(...(await Promise.all(Array.from({ length: workers }, async () => await this.#startOne()))));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Requests that wait for a process. */
  get queueLength(): number {
    return this.#waiting.length;
  }

  /** Processes that have loaded the model and live. */
  get ready(): number {
    return this.#processes.size - this.#starting;
  }

  /** Processes that were replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Transcribes a recording as soon as a process is free.
   *
   * @param path - of the recording
   * @param signal - nobody waits any longer: the request leaves the queue
   * @throws {InputError} when the recording cannot be read
   * @throws {QueueFullError} when too many wait already
   * @throws {CrashedError} when the process ended under it, twice
   */
  async transcribe(path: string, signal?: AbortSignal): Promise<Transcript> {
    const { queueLimit, workers } = this.#options;
    // A place that was given up is tried again when somebody asks.
    if (!this.#stopped && this.#processes.size + this.#replacing < workers) void this.#fill('one was missing');
    if (this.ready === 0 && this.#replacing === 0) throw noProcess();
    if (this.#free.length === 0 && this.#waiting.length >= queueLimit) {
      throw new QueueFullError(`queue: room for a request was required, got ${queueLimit} that wait; come back later`);
    }
    return await new Promise<Transcript>((resolve, reject) => {
      const job: Job = { path, resolve, reject, attempts: 0 };
      this.#waiting.push(job);
      signal?.addEventListener('abort', () => {
        const place = this.#waiting.indexOf(job);
        if (place < 0) return;
        this.#waiting.splice(place, 1);
        reject(signal.reason);
      });
      this.#dispatch();
    });
  }

  /** Ends all processes; what they were asked is refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const job of this.#waiting.splice(0)) job.reject(noProcess());
    await Promise.all([...this.#processes].map((process) => process.stop()));
  }

  async #startOne(): Promise<MeasuringProcess> {
    const { setup, requestLimitMs, workerPath } = this.#options;
    const process = new MeasuringProcess({
      name: 'transcribing process',
      trialLimitMs: requestLimitMs,
      ...(workerPath !== undefined && { workerPath }),
    });
    this.#processes.add(process);
    this.#starting++;
    try {
      await process.load(setup);
      return process;
    } catch (error) {
      this.#processes.delete(process);
      await process.stop();
      throw error;
    } finally {
      this.#starting--;
    }
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const process = this.#free.shift();
      if (process === undefined) return;
      // One that ended while nobody asked it anything.
      if (process.ended) {
        void this.#replace(process, 'it ended while it waited');
        continue;
      }
      const job = this.#waiting.shift();
      if (job !== undefined) void this.#run(process, job);
    }
  }

  async #run(process: MeasuringProcess, job: Job): Promise<void> {
    job.attempts++;
    try {
      job.resolve(await process.transcribe(job.path));
    } catch (error) {
      // Also where it lives and answered with a fault of ours: what state it is in, nobody knows.
      if (error instanceof ProcessError) {
        if (!this.#stopped && job.attempts < MOST_ATTEMPTS) this.#waiting.unshift(job);
        else job.reject(new CrashedError(error.message, { cause: error }));
        await this.#replace(process, error.message);
        return;
      }
      job.reject(error);
    }
    this.#free.push(process);
    this.#dispatch();
  }

  async #replace(process: MeasuringProcess, why: string): Promise<void> {
    this.#replacing++;
    this.#processes.delete(process);
    await process.stop();
    this.#replacing--;
    await this.#fill(why);
  }

  /** Starts a process for a place that is empty. */
  async #fill(why: string): Promise<void> {
    this.#replacing++;
    try {
      await this.#startAgain(why);
    } finally {
      this.#replacing--;
    }
    if (this.#processes.size + this.#replacing === 0)
      for (const job of this.#waiting.splice(0)) job.reject(noProcess());
  }

  async #startAgain(why: string): Promise<void> {
    for (let attempt = 1; attempt <= MOST_STARTS && !this.#stopped; attempt++) {
      this.#restarts++;
      this.#options.onTrouble?.(`a process is replaced: ${why}`);
      try {
        const next = await this.#startOne();
        if (this.#stopped) return await next.stop();
        this.#free.push(next);
        this.#dispatch();
        return;
      } catch (error) {
        this.#options.onTrouble?.(`a process could not be started: ${(error as Error).message}`);
      }
    }
  }
}

function noProcess(): UnavailableError {
  return new UnavailableError('service: a process was required, got none that runs; start the service again');
}
