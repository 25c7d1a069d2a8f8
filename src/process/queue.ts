import type { MeasuringProcess } from './process.js';

/** A request that waits for its turn. */
interface Waiting {
  readonly index: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** What came back of one request. */
export interface Answer {
  readonly text: string;
  /** Requests that went through the network together with it, itself included. */
  readonly together: number;
}

/** Hands requests to processes in the order in which they came; a process that is free takes the next. */
export class WorkQueue {
  readonly #free: MeasuringProcess[];
  readonly #waiting: Waiting[] = [];
  readonly #maximumBatch: number;
  #alive: number;

  /**
   * @param processes - loaded
   * @param maximumBatch - requests that a free process takes at once, when so many wait; nobody waits for a batch to fill
   */
  constructor(processes: readonly MeasuringProcess[], maximumBatch = 1) {
    this.#free = [...processes];
    this.#alive = processes.length;
    this.#maximumBatch = maximumBatch;
  }

  /** Requests that no process has taken yet. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Hears one of the recordings.
   *
   * @throws {UnavailableError} when the process that took it breaks
   */
  async send(index: number): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ index, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const process = this.#free.shift();
      if (process === undefined) return;
      void this.#serve(process, this.#waiting.splice(0, this.#maximumBatch));
    }
  }

  async #serve(process: MeasuringProcess, batch: readonly Waiting[]): Promise<void> {
    try {
      const { texts } = await process.trial(batch.map(({ index }) => index));
      for (const [place, { resolve }] of batch.entries()) {
        resolve({ text: texts[place] ?? '', together: batch.length });
      }
      this.#free.push(process);
    } catch (error) {
      // A process that broke takes no more.
      for (const { reject } of batch) reject(error as Error);
      this.#alive--;
      if (this.#alive === 0) for (const { reject } of this.#waiting.splice(0)) reject(error as Error);
      return;
    }
    this.#dispatch();
  }
}
