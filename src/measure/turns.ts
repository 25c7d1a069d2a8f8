import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuringProcess } from './process.js';
import type { Trial } from './protocol.js';

/**
 * Between the turns of two processes: the threads of ONNX Runtime go on spinning for about 30 ms after a run (measured
 * with version 1.30), and would take the processor from the next.
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
  #current: MeasuringProcess | undefined;

  /**
   * Runs trials of one process. Before them, when another had its turn, it waits until that is at rest; and one run that does
   * not count brings this one's memory back.
   *
   * @param process - whose turn it is
   * @param warmUp - indices of the run that does not count
   * @param trials - for each trial the indices of its recordings
   * @param onTrial - called after each trial; its time is in no trial's
   */
  async take(
    process: MeasuringProcess,
    warmUp: readonly number[],
    trials: readonly (readonly number[])[],
    onTrial: (trial: Trial, index: number) => void,
  ): Promise<TurnTimes> {
    if (this.#current !== process) await sleep(PAUSE_MS);
    this.#current = process;
    await process.trial(warmUp);
    const started = performance.now();
    let trialsMs = 0;
    for (const [index, indices] of trials.entries()) {
      const trial = await process.trial(indices);
      trialsMs += trial.totalMs;
      onTrial(trial, index);
    }
    return { wallMs: performance.now() - started, trialsMs };
  }
}
