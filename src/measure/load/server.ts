import { availableParallelism } from 'node:os';
import { InputError } from '../../errors.js';
import { Pool } from '../../process/pool.js';
import type { MeasuringProcess } from '../../process/process.js';
import { type SessionControl, withModels } from '../../process/session.js';
import { Turns } from '../../process/turns.js';
import { DEFAULT_SEED } from '../../random.js';
import type { ResolvedModel } from '../../recognise/model.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import { warmUpOf } from '../schedule.js';
import { highestHolding, nextRate, type Rung } from './ladder.js';
import { type LoadResult, measureCapacity, runLoad, type Server } from './load.js';

/** How the highest rate is looked for. */
export interface ServerOptions extends SessionControl {
  /** What is asked for. */
  readonly utterances: readonly Utterance[];
  /** The 95th percentile of the latency must stay at or below this, in milliseconds. Default: 500. */
  readonly boundMs?: number | undefined;
  /** Requests at each rate. Default: 300; fewer than 130 cannot tell a 95th percentile. */
  readonly requests?: number | undefined;
  /** Processes of each model. Default: one for each core. */
  readonly streams?: number | undefined;
  /** Threads of one operator in each process. Default: 1. */
  readonly threads?: number | undefined;
  /** Requests that a free process takes at once. Default: 1. */
  readonly maximumBatch?: number | undefined;
  /** Rates that are tried at most. Default: 20. */
  readonly mostRates?: number | undefined;
  readonly seed?: number;
  /** Called after each rate. */
  readonly onRate?: (rate: ServedRate) => void | Promise<void>;
}

/** One rate that a model was asked at. */
export interface ServedRate extends LoadResult {
  /** Id of the model's card, or the address of a service. */
  readonly model: string;
  /** Whether the bound held, and nothing failed. */
  readonly holds: boolean;
}

/** How many requests a second a model answers in time. */
export interface ServerReport {
  readonly model: string;
  readonly boundMs: number;
  readonly streams: number | null;
  readonly threads: number | null;
  readonly maximumBatch: number | null;
  /** Answers a second when as many requests are under way as there are processes: nobody waits, nobody is idle. */
  readonly capacityPerS: number;
  /** The highest rate at which the bound held, each time that it was tried; `null` when it held at none. */
  readonly highestPerS: number | null;
  /** In the order in which they were tried. */
  readonly rates: readonly ServedRate[];
}

/** MLPerf's early stopping says nothing of a 95th percentile with fewer (see `earlyStoppingPercentile`). */
const FEWEST_REQUESTS = 130;

const DEFAULTS = {
  boundMs: 500,
  requests: 300,
  threads: 1,
  maximumBatch: 1,
  mostRates: 20,
  seed: DEFAULT_SEED,
} as const;

/** Requests in the closed loop that finds where to begin, for each process. */
const CAPACITY_REQUESTS = 20;

/** Share of the capacity at which the search begins: no queue to speak of. */
const START_SHARE = 0.5;

interface Candidate {
  readonly name: string;
  readonly server: Server;
  readonly startPerS: number;
  readonly capacityPerS: number;
  readonly rates: ServedRate[];
  /** Stand still while it is another's turn; of a service that runs elsewhere: none. */
  readonly processes: readonly MeasuringProcess[];
}

/**
 * Finds the highest rate of requests at which models answer 95 of 100 in time: live processes, requests that arrive at random, and a
 * queue (MLPerf's server scenario). Models take turns, one rate each; whoever is not in turn stands still.
 *
 * @param models - at least one
 * @throws {InputError} when there is no model or no utterance, or an option is not possible
 * @throws {UnavailableError} when all processes of a model break
 */
export async function measureServers(
  models: readonly ResolvedModel[],
  options: ServerOptions,
): Promise<readonly ServerReport[]> {
  const streams = options.streams ?? availableParallelism();
  const { threads, maximumBatch } = { ...DEFAULTS, ...defined(options) };
  if (models.length === 0) throw new InputError('load: at least one model was required, got none; name one');
  checkOptions(options);
  const { utterances, signal, workerPath } = options;
  const setup = { threads, recordings: utterances.map(recordingOf), warmUp: warmUpOf(utterances), atOnce: true };
  const copies = models.flatMap((model) => Array<ResolvedModel>(streams).fill(model));
  return await withModels(copies, { ...setup, turns: new Turns(), signal, workerPath }, async (open) => {
    const candidates: Candidate[] = [];
    for (const [place, model] of models.entries()) {
      const processes = open.slice(place * streams, (place + 1) * streams).map(({ process }) => process);
      const pool = new Pool(processes, { serve: hear, maximumBatch });
      const server: Server = { send: async (index) => await pool.run(index), waiting: () => pool.queueLength };
      candidates.push(await enter({ name: model.card.id, server, processes }, streams, options));
    }
    await findRates(candidates, options);
    return candidates.map((one) => ({ ...reportOf(one, options), streams, threads, maximumBatch }));
  });
}

async function hear(process: MeasuringProcess, indices: readonly number[]): Promise<readonly string[]> {
  return (await process.trial(indices)).texts;
}

/**
 * As {@link measureServers}, for a server that runs already.
 *
 * @param name - what it is called in the report
 * @param server - who answers
 * @param concurrency - requests under way when its capacity is measured
 */
export async function measureServer(
  name: string,
  server: Server,
  concurrency: number,
  options: ServerOptions,
): Promise<ServerReport> {
  checkOptions(options);
  const candidate = await enter({ name, server, processes: [] }, concurrency, options);
  await findRates([candidate], options);
  return { ...reportOf(candidate, options), streams: null, threads: null, maximumBatch: null };
}

function checkOptions(options: ServerOptions): void {
  const { boundMs, requests } = { ...DEFAULTS, ...defined(options) };
  if (options.utterances.length === 0) {
    throw new InputError('load: at least one utterance was required, got none; name some');
  }
  if (!(boundMs > 0)) throw new InputError(`bound: a time above 0 ms was required, got ${boundMs}; 500 is usual`);
  if (!(Number.isInteger(requests) && requests >= FEWEST_REQUESTS)) {
    throw new InputError(
      `requests: a whole number from ${FEWEST_REQUESTS} was required to tell a 95th percentile, got ${requests}; 300 is usual`,
    );
  }
}

/** Seed of the requests of a turn: when they arrive and what is asked for (two streams of chance, see `runLoad`). */
export function seedOfTurn(seed: number, turn: number): number {
  return seed + 2 * turn;
}

async function enter(
  one: Pick<Candidate, 'name' | 'server' | 'processes'>,
  concurrency: number,
  options: ServerOptions,
): Promise<Candidate> {
  const { seed } = { ...DEFAULTS, ...defined(options) };
  const capacityPerS = await measureCapacity(one.server, {
    concurrency,
    requests: concurrency * CAPACITY_REQUESTS,
    recordings: options.utterances.length,
    seed,
  });
  for (const process of one.processes) process.suspend();
  return { ...one, startPerS: capacityPerS * START_SHARE, capacityPerS, rates: [] };
}

async function findRates(candidates: readonly Candidate[], options: ServerOptions): Promise<void> {
  const { boundMs, requests, mostRates, seed } = { ...DEFAULTS, ...defined(options) };
  for (let turn = 0, running = [...candidates]; running.length > 0; turn++) {
    for (const candidate of [...running]) {
      const { name, server, processes, startPerS, rates } = candidate;
      const ratePerS = nextRate(rates, { startPerS, most: mostRates });
      if (ratePerS === null) {
        running = running.filter((one) => one !== candidate);
        continue;
      }
      for (const process of processes) process.resume();
      const result = await runLoad(server, {
        ratePerS,
        requests,
        recordings: options.utterances.length,
        seed: seedOfTurn(seed, turn),
        signal: options.signal,
      });
      for (const process of processes) process.suspend();
      const holds = result.failed === 0 && (result.p95BoundMs ?? Number.POSITIVE_INFINITY) <= boundMs;
      const rate = { ...result, model: name, holds };
      rates.push(rate);
      await options.onRate?.(rate);
    }
  }
}

function reportOf(
  { name, capacityPerS, rates }: Candidate,
  options: ServerOptions,
): Omit<ServerReport, 'streams' | 'threads' | 'maximumBatch'> {
  const { boundMs } = { ...DEFAULTS, ...defined(options) };
  const rungs: readonly Rung[] = rates;
  return { model: name, boundMs, capacityPerS, highestPerS: highestHolding(rungs), rates };
}

/** Options that were given: `undefined` must not hide a default. */
function defined(options: ServerOptions): Partial<Record<keyof typeof DEFAULTS, number>> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
