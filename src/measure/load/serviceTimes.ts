import { availableParallelism } from 'node:os';
import { Pool } from '../../process/pool.js';
import { type SessionControl, withModels } from '../../process/session.js';
import { Turns } from '../../process/turns.js';
import { DEFAULT_SEED } from '../../random.js';
import type { ResolvedModel } from '../../recognise/model.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import { warmUpOf } from '../schedule.js';
import { mean } from '../statistics/statistics.js';
import { measureCapacity } from './load.js';

/** How service times are measured. */
export interface ServiceTimesOptions extends SessionControl {
  readonly utterances: readonly Utterance[];
  /** Starts of each model, each with fresh processes. */
  readonly starts: number;
  readonly seed?: number;
  /** Called after each model in each start. */
  readonly onModel?: () => void;
}

/** How often each recording is heard in a start. */
const PASSES = 2;

/**
 * Measures how long each recording keeps a process of one thread busy while as many work as the machine has cores, in several independent
 * starts: what a queue is simulated from. In each start the models take turns.
 *
 * @param models - at least one
 * @returns for each model and start the time of each recording in milliseconds, in the order of the utterances
 * @throws {UnavailableError} when a process breaks
 */
export async function measureServiceTimes(
  models: readonly ResolvedModel[],
  options: ServiceTimesOptions,
): Promise<readonly (readonly (readonly number[])[])[]> {
  const { utterances, starts, seed = DEFAULT_SEED, signal, workerPath, onModel } = options;
  const streams = availableParallelism();
  const setup = { threads: 1, recordings: utterances.map(recordingOf), warmUp: warmUpOf(utterances), atOnce: true };
  const found: number[][][] = models.map(() => []);
  for (let start = 0; start < starts; start++) {
    const copies = models.flatMap((model) => Array<ResolvedModel>(streams).fill(model));
    await withModels(copies, { ...setup, turns: new Turns(), signal, workerPath }, async (open) => {
      for (const place of models.keys()) {
        const processes = open.slice(place * streams, (place + 1) * streams).map(({ process }) => process);
        const times: number[][] = utterances.map(() => []);
        const pool = new Pool<number, readonly string[]>(processes, {
          serve: async (process, [index = 0]) => {
            const began = performance.now();
            const { texts } = await process.trial([index]);
            times[index]?.push(performance.now() - began);
            return [texts];
          },
        });
        for (const process of processes) process.resume();
        await measureCapacity(
          { send: async (index) => await pool.run(index), waiting: () => null },
          {
            concurrency: streams,
            requests: PASSES * utterances.length,
            recordings: utterances.length,
            seed: seed + start,
          },
        );
        for (const process of processes) process.suspend();
        found[place]?.push(times.map(mean));
        onModel?.();
      }
    });
  }
  return found;
}
