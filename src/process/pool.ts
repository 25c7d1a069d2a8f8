import { InputError } from '../errors.js';
import type { MeasuringProcess } from './process.js';

/** What a pool of processes does with its jobs. */
export interface PoolOptions<Job, Result> {
  /** Does the jobs that a free process takes at once; results in their order. */
  readonly serve: (process: MeasuringProcess, jobs: readonly Job[]) => Promise<readonly Result[]>;
  /** Jobs that a free process takes at once, when so many wait; nobody waits for a batch to fill. Default: 1. */
  readonly maximumBatch?: number;
}

/** A job that waits for its turn. */
interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Processes that have loaded a model, and the queue before them: jobs are taken in the order in which they came, by whoever is free. A
 * process that breaks takes no more: what is measured would not be comparable any longer (a service replaces them, see `Workers`).
 *
 * @example
 * const pool = new Pool(processes, { serve: async (process, [path]) => [await process.transcribe(path)] });
 * const transcript = await pool.run('hello.wav');
 */
export class Pool<Job, Result> {
  readonly #options: PoolOptions<Job, Result>;
  readonly #free: MeasuringProcess[];
  readonly #waiting: Waiting<Job, Result>[] = [];
  #alive: number;

  /** @param processes - loaded; the pool does not end them */
  constructor(processes: readonly MeasuringProcess[], options: PoolOptions<Job, Result>) {
    this.#options = options;
    this.#free = [...processes];
    this.#alive = processes.length;
  }

  /** Jobs that no process has taken yet. */
  get queueLength(): number {
    return this.#waiting.length;
  }

  /**
   * Does a job as soon as a process is free.
   *
   * @param job - what is done
   * @throws {InputError} when the job is bad
   * @throws {UnavailableError} when the process that took it breaks, or the last of all
   */
  async run(job: Job): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const process = this.#free.shift();
      if (process === undefined) return;
      void this.#serve(process, this.#waiting.splice(0, this.#options.maximumBatch ?? 1));
    }
  }

  async #serve(process: MeasuringProcess, batch: readonly Waiting<Job, Result>[]): Promise<void> {
    try {
      const jobs = batch.map(({ job }) => job);
      const results = await this.#options.serve(process, jobs);
      for (const [place, { resolve }] of batch.entries()) resolve(results[place] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      if (!(error instanceof InputError)) {
        this.#alive--;
        if (this.#alive === 0) for (const { reject } of this.#waiting.splice(0)) reject(error);
        return;
      }
    }
    this.#free.push(process);
    this.#dispatch();
  }
}
