import { setTimeout as sleep } from 'node:timers/promises';
import { UnavailableError } from '../../errors.js';
import { balancedOrder, createRandom } from '../../random.js';
import { bootstrapMedian, type Estimate } from '../statistics/bootstrap.js';
import { earlyStoppingPercentile } from '../statistics/earlyStopping.js';
import { mean, quantile } from '../statistics/statistics.js';
import { poissonArrivals } from './arrivals.js';

/** Somebody who answers requests. */
export interface Server {
  /** Hears one of the recordings. */
  readonly send: (index: number) => Promise<unknown>;
  /** Requests that wait now; `null` where nobody can tell. */
  readonly waiting: () => number | null;
}

/** Requests at one rate. */
export interface LoadOptions {
  /** Mean number of requests a second. */
  readonly ratePerS: number;
  readonly requests: number;
  /** How many recordings there are; each is asked for equally often. */
  readonly recordings: number;
  readonly seed: number;
  /** No further request is sent, and those under way are not waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** How requests at one rate were answered. */
export interface LoadResult {
  /** As planned. */
  readonly ratePerS: number;
  readonly requests: number;
  /** Requests without an answer: an error each. */
  readonly failed: number;
  /** Answers a second, from the first arrival to the last answer. */
  readonly servedPerS: number;
  /** From when a request was due to its answer: what it waited, in the queue or for a late sender, is in it. */
  readonly meanMs: number;
  /** The interval takes the latencies for independent, which those of a queue are not quite: it is too narrow near the limit. */
  readonly medianMs: Estimate;
  /** The 95th percentile of the requests. */
  readonly p95Ms: number;
  /** MLPerf's early-stopping bound of the 95th percentile at 99 % confidence; `null` below 130 requests. */
  readonly p95BoundMs: number | null;
  readonly maxMs: number;
  /** Requests that waited when another arrived; `null` where the server does not tell. */
  readonly meanWaiting: number | null;
  readonly mostWaiting: number | null;
  /** Mean time by which the sender was late, in milliseconds. */
  readonly latenessMs: number;
}

/**
 * Sends requests as the world does: each at its own time, drawn beforehand, whether or not the ones before were answered (an open
 * loop, MLPerf's server scenario). Latency counts from the time that was drawn, so that a sender or a queue that falls behind shows
 * (no "coordinated omission").
 *
 * @returns what became of all of them
 * @throws {UnavailableError} when not one was answered
 */
export async function runLoad(server: Server, options: LoadOptions): Promise<LoadResult> {
  const { ratePerS, requests, recordings, seed, signal } = options;
  const arrivals = poissonArrivals(requests, ratePerS, createRandom(seed));
  const order = balancedOrder(requests, recordings, createRandom(seed + 1));
  const latencies: number[] = [];
  const lateness: number[] = [];
  const waiting: number[] = [];
  const answers: Promise<void>[] = [];
  let failed = 0;
  let failure: unknown;
  let lastMs = 0;
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  for (const [request, index] of order.entries()) {
    const dueMs = (arrivals[request] ?? 0) * 1000;
    const early = dueMs - elapsed();
    if (early > 0) await sleep(early, undefined, signal && { signal }).catch(() => undefined);
    signal?.throwIfAborted();
    lateness.push(Math.max(0, elapsed() - dueMs));
    const queued = server.waiting();
    if (queued !== null) waiting.push(queued);
    answers.push(
      server.send(index).then(
        () => {
          lastMs = elapsed();
          latencies.push(lastMs - dueMs);
        },
        (error: unknown) => {
          failed++;
          failure ??= error;
        },
      ),
    );
  }
  await untilAborted(Promise.all(answers), signal);
  if (latencies.length === 0) {
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new UnavailableError(`load: answers were required, got none of ${requests}; ${why}`, { cause: failure });
  }
  const firstMs = (arrivals[0] ?? 0) * 1000;
  return {
    ratePerS,
    requests,
    failed,
    servedPerS: latencies.length / ((lastMs - firstMs) / 1000),
    meanMs: mean(latencies),
    medianMs: bootstrapMedian(latencies),
    p95Ms: quantile(latencies, 0.95),
    p95BoundMs: earlyStoppingPercentile(latencies, 0.95),
    maxMs: quantile(latencies, 1),
    meanWaiting: waiting.length > 0 ? mean(waiting) : null,
    mostWaiting: waiting.length > 0 ? quantile(waiting, 1) : null,
    latenessMs: mean(lateness),
  };
}

/** A closed loop. */
export interface CapacityOptions {
  /** Requests under way. */
  readonly concurrency: number;
  /** Requests in all. */
  readonly requests: number;
  /** How many recordings there are; each is asked for equally often. */
  readonly recordings: number;
  readonly seed: number;
}

/**
 * Measures how many requests a second are answered when a fixed number is always under way (a closed loop): where the search for the
 * highest rate begins.
 */
export async function measureCapacity(server: Server, options: CapacityOptions): Promise<number> {
  const order = balancedOrder(options.requests, options.recordings, createRandom(options.seed));
  const started = performance.now();
  const ask = async (): Promise<void> => {
    for (let index = order.pop(); index !== undefined; index = order.pop()) await server.send(index);
  };
  await Promise.all(Array.from({ length: options.concurrency }, ask));
  return options.requests / ((performance.now() - started) / 1000);
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
