/** Seed of whatever is drawn at random while measuring, where no other is given: the same everywhere, so that runs repeat. */
export const DEFAULT_SEED = 20_261_121;

/** A seeded source of numbers: the same seed gives the same sequence on every machine. */
export interface Random {
  /** A number in 0 (included) … 1 (excluded), 32 bits of it random. */
  readonly next: () => number;
  /** A whole number in 0 … below − 1, each equally likely. */
  readonly below: (below: number) => number;
}

/**
 * Makes a seeded generator of pseudo-random numbers: SplitMix32, a counter through the finaliser of MurmurHash3.
 * Good for shuffling and for the bootstrap, not for secrets.
 *
 * @param seed - any whole number; its lower 32 bits count
 * @example
 * createRandom(1).below(100); // 58
 */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const bits = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x85ebca6b);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const next = (): number => bits() / 2 ** 32;
  // The bias of scaling 32 bits to a range of n is below n / 2³²: nothing for the sizes that are drawn here.
  return { next, below: (below) => Math.floor(next() * below) };
}

/**
 * Draws a random order of 0 … count − 1 (Fisher–Yates).
 *
 * @param count - how many
 * @param random - where chance comes from
 */
export function permutation(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const held = order[last] as number;
    order[last] = order[other] as number;
    order[other] = held;
  }
  return order;
}

/**
 * Draws indices such that each is used equally often: fresh permutations, one behind another, cut at the wanted
 * length. The counts of any two indices differ by at most one.
 *
 * @param length - how many indices are wanted
 * @param count - indices go from 0 to count − 1
 * @param random - where chance comes from
 */
export function balancedOrder(length: number, count: number, random: Random): number[] {
  const order: number[] = [];
  while (order.length < length) order.push(...permutation(count, random).slice(0, length - order.length));
  return order;
}
