import { InputError } from '../../errors.js';
import type { Random } from '../../random.js';

/**
 * Draws when requests arrive that know nothing of each other: a Poisson process, whose gaps are exponential.
 *
 * @param count - how many
 * @param ratePerS - mean number a second
 * @param random - where chance comes from
 * @returns seconds from the start, rising
 * @throws {InputError} when the rate is not above 0
 */
export function poissonArrivals(count: number, ratePerS: number, random: Random): Float64Array {
  if (!(ratePerS > 0 && Number.isFinite(ratePerS))) {
    throw new InputError(`arrivals: a rate above 0 a second was required, got ${ratePerS}; give one`);
  }
  let now = 0;
  return Float64Array.from({ length: count }, () => {
    now -= Math.log(1 - random.next()) / ratePerS;
    return now;
  });
}

/**
 * Draws requests as they are asked in the world: the k-th most popular with a probability in proportion to k^−exponent (Zipf).
 *
 * @param count - how many requests
 * @param items - of how many things
 * @param exponent - 0: all alike; 1: Zipf's own
 * @param random - where chance comes from
 * @returns for each request the index of the thing, 0 being the most popular
 * @throws {InputError} when there is nothing to draw from, or the exponent is negative
 */
export function zipfRequests(count: number, items: number, exponent: number, random: Random): Int32Array {
  const shares = zipfShares(items, exponent);
  const upTo = new Float64Array(items);
  let total = 0;
  for (let item = 0; item < items; item++) {
    total += shares[item] ?? 0;
    upTo[item] = total;
  }
  return Int32Array.from({ length: count }, () => {
    const drawn = random.next() * total;
    const found = upTo.findIndex((limit) => drawn < limit);
    return found < 0 ? items - 1 : found;
  });
}

/**
 * Probability of each thing under Zipf's law.
 *
 * @param items - how many things
 * @param exponent - 0 or more
 * @throws {InputError} when there is nothing to draw from, or the exponent is negative
 */
export function zipfShares(items: number, exponent: number): Float64Array {
  if (!(Number.isInteger(items) && items >= 1 && exponent >= 0)) {
    throw new InputError(
      `requests: one thing or more and an exponent from 0 were required, got ${items} and ${exponent}; give both`,
    );
  }
  const weights = Float64Array.from({ length: items }, (_, item) => (item + 1) ** -exponent);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/**
 * Share of requests that a least-recently-used cache of a given number of things answers, by Che's approximation.
 *
 * Source: Che, Tung and Wang, "Hierarchical Web Caching Systems", IEEE JSAC 20(7), 2002, section III.
 *
 * @param shares - probability of each thing
 * @param capacity - things that the cache holds
 * @returns a fraction
 */
export function cheHitRate(shares: ArrayLike<number>, capacity: number): number {
  if (capacity <= 0) return 0;
  if (capacity >= shares.length) return 1;
  const items = Array.from(shares);
  const held = (time: number): number => items.reduce((sum, share) => sum + 1 - Math.exp(-share * time), 0);
  // The time after which a thing that nobody asked for leaves: that in which as many different things are asked for as fit.
  let [low, high] = [0, 1];
  while (held(high) < capacity) high *= 2;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (held(middle) < capacity) low = middle;
    else high = middle;
  }
  return items.reduce((sum, share) => sum + share * (1 - Math.exp(-share * high)), 0);
}
