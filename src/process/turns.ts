import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuringProcess } from './process.js';
import type { Trial } from './protocol.js';

/**
 * How processes leave each other alone: `stopped` by SIGSTOP while it is not their turn, or `paused`, which only waits
 * until they are at rest.
 */
export type TurnMethod = 'stopped' | 'paused';

/**
 * Between the turns of two processes that are not stopped: the threads of ONNX Runtime go on spinning for about 30 ms
 * after a run (measured with version 1.30), and would take the processor from the next.
 */
const PAUSE_MS = 60;

/** Where the time of a turn went. */
export interface TurnTimes {
  /** From the first counted trial to the end of the last. */
  readonly wallMs: number;
  /** Inside the trials. */
  readonly trialsMs: number;
}

/** Lets processes take turns on one machine, such that none is disturbed by another. */
export class Turns {
  #method: TurnMethod;
  readonly #waiting = new Set<MeasuringProcess>();
  #current: MeasuringProcess | undefined;

  /** @param method - `stopped` becomes `paused` where a process cannot be stopped. Default: stopped */
  constructor(method: TurnMethod = 'stopped') {
    this.#method = method;
  }

  /** How the processes leave each other alone, as far as is known. */
  get method(): TurnMethod {
    return this.#method;
  }

  /** Lets a process that has been loaded wait for its turn. */
  join(process: MeasuringProcess): void {
    this.#waiting.add(process);
    this.#suspend(process);
  }

  /** Takes a process out that is about to end. */
  leave(process: MeasuringProcess): void {
    this.#waiting.delete(process);
    process.resume();
  }

  /**
   * Runs trials of one process while all others stand still. Before them one run that does not count brings its memory
   * back into the caches.
   *
   * @param process - whose turn it is
   * @param warmUp - indices of the run that does not count
   * @param trials - for each trial the indices of its recordings
   * @param onTrial - called after each trial; its time is in no trial's
   * @param judged - whether each trial asks the second decoder and the references, too
   */
  async take(
    process: MeasuringProcess,
    warmUp: readonly number[],
    trials: readonly (readonly number[])[],
    onTrial: (trial: Trial, index: number) => void,
    judged = false,
  ): Promise<TurnTimes> {
    this.#waiting.add(process);
    for (const other of this.#waiting) if (other !== process) this.#suspend(other);
    if (this.#method === 'paused' && this.#current !== process) await sleep(PAUSE_MS);
    this.#current = process;
    await process.trial(warmUp);
    const started = performance.now();
    let trialsMs = 0;
    for (const [index, indices] of trials.entries()) {
      const trial = await process.trial(indices, judged);
      trialsMs += trial.totalMs;
      onTrial(trial, index);
    }
    return { wallMs: performance.now() - started, trialsMs };
  }

  /** One that has ended is in nobody's way, and says so when it is asked. */
  #suspend(process: MeasuringProcess): void {
    if (this.#method === 'paused' || process.suspend() || process.ended) return;
    this.#method = 'paused';
    for (const other of this.#waiting) other.resume();
  }
}
