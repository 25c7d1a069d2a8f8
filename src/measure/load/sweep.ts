import { availableParallelism } from 'node:os';
import { Pool } from '../../process/pool.js';
import { type SessionControl, withModels } from '../../process/session.js';
import { Turns } from '../../process/turns.js';
import { DEFAULT_SEED } from '../../random.js';
import type { ResolvedModel } from '../../recognise/model.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import { warmUpOf } from '../schedule.js';
import { FEWEST_STARTS, ratioOverStarts } from '../statistics/betweenStarts.js';
import type { Estimate } from '../statistics/bootstrap.js';
import { mean } from '../statistics/statistics.js';
import { measureCapacity, runLoad, type Server } from './load.js';

/** How one start of a model answered as requests came faster and faster. */
export interface SweepStart {
  /** Answers a second in a closed loop. */
  readonly capacityPerS: number;
  /** Rates at which requests arrived, rising, and the 95th percentile of the latency at each. */
  readonly points: readonly { readonly ratePerS: number; readonly p95Ms: number }[];
}

/** How a sweep is measured. */
export interface SweepOptions extends SessionControl {
  readonly utterances: readonly Utterance[];
  /** Starts of each model, each with fresh processes. */
  readonly starts: number;
  /** Requests at each rate. */
  readonly requests: number;
  readonly seed?: number;
  /** Called after each rate. */
  readonly onRate?: () => void;
}

/** Rates that are tried, as shares of the capacity: from next to no queue to one that grows. */
export const SWEEP_SHARES: readonly number[] = [0.3, 0.5, 0.65, 0.8, 0.9, 1];

/** Requests in the closed loop, for each process. */
const CAPACITY_REQUESTS = 20;

/**
 * Measures how the 95th percentile of the latency rises with the rate of requests, in several independent starts: a process of one
 * thread for each core, requests that arrive at random, and a queue. In each start the models take turns, one rate each.
 *
 * @param models - at least one
 * @returns for each model its starts
 * @throws {UnavailableError} when a process breaks
 */
export async function measureSweep(
  models: readonly ResolvedModel[],
  options: SweepOptions,
): Promise<readonly (readonly SweepStart[])[]> {
  const { utterances, starts, requests, seed = DEFAULT_SEED, signal, workerPath, onRate } = options;
  const streams = availableParallelism();
  const setup = { threads: 1, recordings: utterances.map(recordingOf), warmUp: warmUpOf(utterances), atOnce: true };
  const found: SweepStart[][] = models.map(() => []);
  for (let start = 0; start < starts; start++) {
    const copies = models.flatMap((model) => Array<ResolvedModel>(streams).fill(model));
    await withModels(copies, { ...setup, turns: new Turns(), signal, workerPath }, async (open) => {
      const points: SweepStart['points'][number][][] = models.map(() => []);
      const capacities: number[] = [];
      for (const share of SWEEP_SHARES) {
        for (const place of models.keys()) {
          const processes = open.slice(place * streams, (place + 1) * streams).map(({ process }) => process);
          const pool = new Pool<number, readonly string[]>(processes, {
            serve: async (process, [index = 0]) => [(await process.trial([index])).texts],
          });
          const server: Server = { send: async (index) => await pool.run(index), waiting: () => pool.queueLength };
          for (const process of processes) process.resume();
          const common = { recordings: utterances.length, seed: seed + start };
          capacities[place] ??= await measureCapacity(server, {
            ...common,
            concurrency: streams,
            requests: streams * CAPACITY_REQUESTS,
          });
          const ratePerS = share * capacities[place];
          const { p95Ms } = await runLoad(server, { ...common, ratePerS, requests, signal });
          for (const process of processes) process.suspend();
          points[place]?.push({ ratePerS, p95Ms });
          onRate?.();
        }
      }
      for (const place of models.keys()) {
        found[place]?.push({ capacityPerS: capacities[place] ?? 0, points: points[place] ?? [] });
      }
    });
  }
  return found;
}

/**
 * The rate up to which the 95th percentile stays within a bound: where the line through the measured points first crosses it.
 *
 * @returns requests a second; `null` where it is beyond the bound at the lowest rate, or within it at the highest: nothing is then known
 */
export function rateWithin({ points }: SweepStart, boundMs: number): number | null {
  const place = points.findIndex(({ p95Ms }) => p95Ms > boundMs);
  const [before, after] = [points[place - 1], points[place]];
  if (before === undefined || after === undefined) return null;
  const share = (boundMs - before.p95Ms) / (after.p95Ms - before.p95Ms);
  return before.ratePerS + share * (after.ratePerS - before.ratePerS);
}

/** What two models carry within one bound. */
export interface BoundRatio {
  readonly boundMs: number;
  /** Requests a second, mean of the starts. */
  readonly basePerS: number;
  readonly otherPerS: number;
  /** Other over base; the interval is over the starts. */
  readonly ratio: Estimate;
}

/**
 * How many times the load of one model another carries, bound by bound: a single bound may favour one that is near its own latency.
 *
 * @param base - starts of the model that is compared with
 * @param other - as many of the other
 * @param boundsMs - of the 95th percentile
 * @returns a row for each bound that both cross in three starts or more
 */
export function ratiosWithin(
  base: readonly SweepStart[],
  other: readonly SweepStart[],
  boundsMs: readonly number[],
): readonly BoundRatio[] {
  return boundsMs.flatMap((boundMs) => {
    const pairs = base.flatMap((start, place): (readonly [number, number])[] => {
      const own = other[place];
      const [a, b] = [rateWithin(start, boundMs), own === undefined ? null : rateWithin(own, boundMs)];
      return a === null || b === null ? [] : [[a, b]];
    });
    if (pairs.length < FEWEST_STARTS) return [];
    const [one, two] = [pairs.map(([rate]) => rate), pairs.map(([, rate]) => rate)];
    return [{ boundMs, basePerS: mean(one), otherPerS: mean(two), ratio: ratioOverStarts(two, one) }];
  });
}
