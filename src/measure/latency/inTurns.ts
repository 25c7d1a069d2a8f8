import { InputError } from '../../errors.js';
import type { MeasuringProcess } from '../../process/process.js';
import type { Turns } from '../../process/turns.js';
import { drawTrials, orderBlocks, runBlock } from '../schedule.js';
import type { TimedTrial } from './speedUp.js';

/** Which trials run, and where chance comes from. */
export interface TurnOptions {
  /** Of each process. */
  readonly trials: number;
  /** Recordings or samples that trials are drawn from. */
  readonly inputs: number;
  readonly seed: number;
  /** Stops between two trials. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each trial. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Times the same trials in each process, turn by turn, in an order that is drawn anew for each turn.
 *
 * @param processes - loaded and warm
 * @returns for each process its trials, in order
 */
export async function timeInTurns(
  processes: readonly MeasuringProcess[],
  turns: Turns,
  { trials, inputs, seed, signal, onProgress }: TurnOptions,
): Promise<readonly (readonly TimedTrial[])[]> {
  const counts = { latencyTrials: trials, throughputTrials: 0, batchSize: 1, seed };
  const drawn = { ...drawTrials(counts, inputs), accuracy: [] };
  const found: TimedTrial[][] = processes.map(() => []);
  let done = 0;
  for (const block of orderBlocks(Object.keys(processes), drawn, { seed: seed + 2 })) {
    const place = Number(block.condition);
    await runBlock(turns, processes[place] as MeasuringProcess, drawn, block, (trial) => {
      signal?.throwIfAborted();
      found[place]?.push({ ...trial, turn: block.turn });
      onProgress?.(++done, processes.length * trials);
    });
  }
  return found;
}

/** Checks how many trials were asked for. */
export function requireCount(name: string, count: number, usual: number): number {
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InputError(`${name}: a whole number from 1 was required, got ${count}; ${usual} is usual`);
}

/** Checks that there is something to measure. */
export function requireSome<T>(what: string, values: readonly T[]): readonly T[] {
  if (values.length > 0) return values;
  throw new InputError(`measuring: at least one ${what} was required, got none; name one`);
}
