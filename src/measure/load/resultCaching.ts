import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import type { CacheSetup, Trial } from '../../process/protocol.js';
import { type SessionControl, withModel } from '../../process/session.js';
import { createRandom, DEFAULT_SEED, permutation } from '../../random.js';
import { RESULT_KINDS, type ResultKind } from '../../recognise/cache/cachedRecognizer.js';
import type { ResultPlace } from '../../recognise/cache/resultCache.js';
import type { ResolvedModel } from '../../recognise/model.js';
import { recordingOf } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import { bootstrapMean, type Estimate } from '../statistics/bootstrap.js';
import { earlyStoppingPercentile } from '../statistics/earlyStopping.js';
import { mean, median } from '../statistics/statistics.js';
import { cheHitRate, zipfRequests, zipfShares } from './arrivals.js';

/** How latency against hit rate is measured. */
export interface ResultCachingOptions extends SessionControl {
  /** What is asked for. */
  readonly utterances: readonly Utterance[];
  /** Requests that count, for each size of the cache. Default: 300. */
  readonly requests?: number | undefined;
  /** Of Zipf's law. Default: 1. */
  readonly exponent?: number | undefined;
  /** Hit rates that are aimed at, fractions. Default: 0, 0.25, 0.5, 0.75, 0.9, 1. */
  readonly hitRates?: readonly number[] | undefined;
  /** Where results are kept. Default: in memory, and on disk alone. */
  readonly places?: readonly ResultPlace[] | undefined;
  /** Kinds of results whose finding is timed. Default: all that the model's kind keeps. */
  readonly kinds?: readonly ResultKind[] | undefined;
  readonly threads: number;
  readonly seed?: number;
  /** Called after each request. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Latency at one size of the cache. */
export interface HitRatePoint {
  readonly place: ResultPlace;
  /** Results that the cache has room for. */
  readonly capacity: number;
  /** Share of the requests that were answered from the cache. */
  readonly hitRate: number;
  /** What Che's approximation expects of it. */
  readonly expectedHitRate: number;
  readonly requests: number;
  readonly meanMs: Estimate;
  readonly medianMs: number;
  /** MLPerf's early-stopping bound of the 95th percentile; `null` below 130 requests. */
  readonly p95Ms: number | null;
  /** Means of the requests that were answered from the cache and of those that were not; `null` where there were none. */
  readonly hitMs: number | null;
  readonly missMs: number | null;
}

/** What finding one kind of result costs. */
export interface HitCost {
  readonly kind: ResultKind;
  readonly place: ResultPlace;
  /** Mean time of a recording whose result of this kind was kept. */
  readonly meanMs: Estimate;
}

/** What keeping results gains. */
export interface ResultCachingReport {
  /** Id of the model's card. */
  readonly model: string;
  readonly utterances: number;
  readonly exponent: number;
  readonly threads: number;
  /** Mean time without a cache. */
  readonly plainMs: Estimate;
  readonly points: readonly HitRatePoint[];
  readonly costs: readonly HitCost[];
}

const DEFAULTS = { requests: 300, exponent: 1, seed: DEFAULT_SEED } as const;
const DEFAULT_HIT_RATES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 1];
const PLACES: readonly ResultPlace[] = ['memory', 'disk'];

/** Room for everything. */
const PLENTY_BYTES = 2 ** 30;

/** What a transcript takes besides its letters, in bytes: about so much as JSON, and as an entry in memory or on disk. */
const DECODING_BYTES = 46;
const MEMORY_ENTRY_BYTES = 256;
const DISK_ENTRY_BYTES = 74;

/**
 * Measures latency against hit rate: requests that follow Zipf's law over the utterances, to a process that keeps transcripts in
 * memory, or on disk alone. The hit rate follows from the room, as it does in a service: for each rate that is aimed at the room is
 * chosen by Che's approximation, and the rate that came about is what is reported. Of each size the cache is full before requests count.
 *
 * @param model - who is asked when nothing is kept
 * @throws {InputError} when an option is not possible
 * @throws {UnavailableError} when a process breaks
 */
export async function measureResultCaching(
  model: ResolvedModel,
  options: ResultCachingOptions,
): Promise<ResultCachingReport> {
  const { utterances, threads } = options;
  const requests = options.requests ?? DEFAULTS.requests;
  const exponent = options.exponent ?? DEFAULTS.exponent;
  const seed = options.seed ?? DEFAULTS.seed;
  const { hitRates = DEFAULT_HIT_RATES, places = PLACES, kinds = RESULT_KINDS } = options;
  if (!(Number.isInteger(requests) && requests >= 1)) {
    throw new InputError(`requests: a whole number from 1 was required, got ${requests}; 300 is usual`);
  }
  for (const rate of hitRates) {
    if (rate >= 0 && rate <= 1) continue;
    throw new InputError(`hit rate: a fraction in 0…1 was required, got ${rate}; give per cent as such`);
  }
  const shares = zipfShares(utterances.length, exponent);
  const random = createRandom(seed);
  // Which utterance is popular must not follow from its place in the manifest.
  const byPopularity = permutation(utterances.length, random);
  const drawn = zipfRequests(2 * requests, utterances.length, exponent, random);
  const order = Array.from(drawn, (rank) => byPopularity[rank] ?? 0);
  const total = (hitRates.length * places.length + 1) * requests + 2 * places.length * kinds.length * utterances.length;
  let done = 0;
  const tick = (): void => options.onProgress?.(++done, total);
  const plain = await runRequests(model, undefined, [], order.slice(requests), options, tick);
  const resultBytes = mean(plain.map(({ texts }) => DECODING_BYTES + (texts[0]?.length ?? 0)));
  const points: HitRatePoint[] = [];
  for (const place of places) {
    for (const aim of hitRates) {
      const capacity = capacityFor(aim, shares);
      const trials = await withFolder(async (folder) => {
        const cache: CacheSetup = {
          kinds: ['transcript'],
          ...(place === 'memory'
            ? { memoryBytes: roomOf(capacity, resultBytes + MEMORY_ENTRY_BYTES) }
            : { memoryBytes: 0, folder, diskBytes: Math.max(1, roomOf(capacity, resultBytes + DISK_ENTRY_BYTES)) }),
        };
        const all = capacity === utterances.length;
        const room = all
          ? { ...cache, ...(place === 'memory' ? { memoryBytes: PLENTY_BYTES } : { diskBytes: PLENTY_BYTES }) }
          : cache;
        const fill = all ? [...utterances.keys()] : capacity === 0 ? [] : order.slice(0, requests);
        return await runRequests(model, room, fill, order.slice(requests), options, tick);
      });
      points.push(describe(place, capacity, cheHitRate(shares, capacity), trials));
    }
  }
  const costs: HitCost[] = [];
  for (const place of places) {
    for (const kind of kinds) {
      // Each twice, one after the other: of results that are large there need not be room for all.
      const twice = [...utterances.keys()].flatMap((index) => [index, index]);
      const trials = await withFolder(async (folder) => {
        const setup: CacheSetup = {
          memoryBytes: place === 'memory' ? PLENTY_BYTES : 0,
          kinds: [kind],
          ...(place === 'disk' && { folder }),
        };
        return await runRequests(model, setup, [], twice, options, tick);
      });
      const hits = trials.filter(({ kept }, index) => index % 2 === 1 && kept).map(({ totalMs }) => totalMs);
      if (hits.length > 0) costs.push({ kind, place, meanMs: bootstrapMean(hits) });
    }
  }
  const plainMs = bootstrapMean(plain.map(({ totalMs }) => totalMs));
  return { model: model.card.id, utterances: utterances.length, exponent, threads, plainMs, points, costs };
}

async function runRequests(
  model: ResolvedModel,
  cache: CacheSetup | undefined,
  fill: readonly number[],
  order: readonly number[],
  { utterances, threads, signal, workerPath }: ResultCachingOptions,
  tick: () => void,
): Promise<readonly Trial[]> {
  const recordings = utterances.map(recordingOf);
  // A batch of two is not kept: it warms the network up and leaves the cache as it is.
  const warmUp = [[0, 0], [0, 0], ...fill.map((index) => [index])];
  return await withModel(model, { threads, cache, recordings, warmUp, signal, workerPath }, async ({ process }) => {
    const trials: Trial[] = [];
    for (const index of order) {
      signal?.throwIfAborted();
      trials.push(await process.trial([index]));
      tick();
    }
    return trials;
  });
}

/** Room for a number of results of a mean size: the last that does not fit leaves half of one empty, on average. */
function roomOf(capacity: number, resultBytes: number): number {
  return capacity === 0 ? 0 : (capacity + 0.5) * resultBytes;
}

async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-cache-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describe(
  place: ResultPlace,
  capacity: number,
  expectedHitRate: number,
  trials: readonly Trial[],
): HitRatePoint {
  const times = trials.map(({ totalMs }) => totalMs);
  const hits = trials.filter(({ kept }) => kept).map(({ totalMs }) => totalMs);
  const misses = trials.filter(({ kept }) => !kept).map(({ totalMs }) => totalMs);
  return {
    place,
    capacity,
    hitRate: hits.length / trials.length,
    expectedHitRate,
    requests: trials.length,
    meanMs: bootstrapMean(times),
    medianMs: median(times),
    p95Ms: earlyStoppingPercentile(times, 0.95),
    hitMs: hits.length > 0 ? mean(hits) : null,
    missMs: misses.length > 0 ? mean(misses) : null,
  };
}

/** The number of results whose expected hit rate is nearest to the one aimed at. */
export function capacityFor(hitRate: number, shares: ArrayLike<number>): number {
  if (hitRate <= 0) return 0;
  let best = 1;
  for (let capacity = 1; capacity <= shares.length; capacity++) {
    const distance = Math.abs(cheHitRate(shares, capacity) - hitRate);
    if (distance < Math.abs(cheHitRate(shares, best) - hitRate)) best = capacity;
  }
  return best;
}
