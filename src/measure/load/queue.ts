import { balancedOrder, createRandom, DEFAULT_SEED } from '../../random.js';
import { FEWEST_STARTS, ratioOverStarts } from '../statistics/betweenStarts.js';
import type { Estimate } from '../statistics/bootstrap.js';
import { mean, quantile } from '../statistics/statistics.js';
import { poissonArrivals } from './arrivals.js';

/** Requests of a simulation where nothing else is said. Models that are compared meet the same ones, so that chance is in no ratio. */
const REQUESTS = 10_000;

/** Halvings of the range in which a rate is looked for: to a ten-thousandth. */
const HALVINGS = 14;

/** Requests that arrive at random. */
export interface QueueLoad {
  /** Mean number of requests a second. */
  readonly ratePerS: number;
  readonly requests?: number;
  readonly seed?: number;
}

/**
 * The 95th percentile of the latency in a queue with several servers, simulated from measured service times: first come, first served,
 * requests as `runLoad` draws them (a trace-driven M/G/c; Lindley's recursion with c servers: Kiefer and Wolfowitz, 1955).
 *
 * @param serviceMs - of each recording, in milliseconds
 * @param servers - processes that serve
 * @returns milliseconds from arrival to answer
 */
export function simulateP95(serviceMs: readonly number[], servers: number, load: QueueLoad): number {
  const { ratePerS, requests = REQUESTS, seed = DEFAULT_SEED } = load;
  const arrivals = poissonArrivals(requests, ratePerS, createRandom(seed));
  const order = balancedOrder(requests, serviceMs.length, createRandom(seed + 1));
  const freeMs = new Float64Array(servers);
  const latencies = order.map((recording, request) => {
    const dueMs = 1000 * (arrivals[request] ?? 0);
    const server = freeMs.indexOf(Math.min(...freeMs));
    const endMs = Math.max(dueMs, freeMs[server] ?? 0) + (serviceMs[recording] ?? 0);
    freeMs[server] = endMs;
    return endMs - dueMs;
  });
  return quantile(latencies, 0.95);
}

/**
 * The highest rate at which the simulated 95th percentile stays within a bound: at most the rate at which all servers are always at work.
 *
 * @returns requests a second; `null` where the service alone takes longer than the bound
 */
export function rateWithin(serviceMs: readonly number[], servers: number, boundMs: number): number | null {
  let [low, high] = [0, (1000 * servers) / mean(serviceMs)];
  const holds = (ratePerS: number): boolean => simulateP95(serviceMs, servers, { ratePerS }) <= boundMs;
  if (holds(high)) return high;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? null : low;
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
 * @param base - service times of each recording in each start of the model that is compared with, in milliseconds
 * @param other - those of the other, in as many starts
 * @param boundsMs - of the 95th percentile
 * @returns a row for each bound that both can hold in three starts or more
 */
export function ratiosWithin(
  base: readonly (readonly number[])[],
  other: readonly (readonly number[])[],
  servers: number,
  boundsMs: readonly number[],
): readonly BoundRatio[] {
  return boundsMs.flatMap((boundMs) => {
    const [one, two] = [base, other].map((starts) =>
      starts.flatMap((serviceMs) => rateWithin(serviceMs, servers, boundMs) ?? []),
    ) as [number[], number[]];
    if (one.length < Math.max(FEWEST_STARTS, base.length) || two.length !== one.length) return [];
    return [{ boundMs, basePerS: mean(one), otherPerS: mean(two), ratio: ratioOverStarts(two, one) }];
  });
}
