import { InputError } from '../errors.js';
import { bootstrap, type Estimate } from './bootstrap.js';
import type { Trial } from './protocol.js';

/** A trial, and when it ran. */
export interface TimedTrial extends Trial {
  /** Number of its turn: with the same number the same trials ran in each condition, one shortly after the other. */
  readonly turn?: number | undefined;
}

/** How many times faster one condition is than another: above 1 is faster. */
export interface SpeedUp extends Estimate {
  /**
   * What the interval draws: whole `turns`, in which both ran the same trials within a few seconds, so that utterances
   * and moods of the machine are both in it; or, where there are fewer than six, `utterances` (of batches: trials).
   */
  readonly draws: 'turns' | 'utterances';
}

/** Fewest turns from which an interval is drawn. */
const FEWEST_TURNS = 6;

/** Sums of both sides that belong together. */
interface Pair {
  base: number;
  own: number;
}

/**
 * Compares the times of two conditions: mean over mean of the trials that both have run.
 *
 * @param base - trials of the one that is compared with, in order
 * @param own - trials of the other, in the same order
 * @throws {InputError} when there is no trial, or the two have not run the same trials
 */
export function compareTimes(base: readonly TimedTrial[], own: readonly TimedTrial[]): SpeedUp {
  if (base.length !== own.length || base.length === 0) {
    throw new InputError(
      `comparison: the same trials of both were required, got ${base.length} and ${own.length}; measure both to the end`,
    );
  }
  const turns = group(base, own, ({ turn }) => turn ?? 0);
  if (turns.length >= FEWEST_TURNS) return { ...ratio(turns), draws: 'turns' };
  return { ...ratio(group(base, own, ({ utterances }) => JSON.stringify(utterances))), draws: 'utterances' };
}

function group(
  base: readonly TimedTrial[],
  own: readonly TimedTrial[],
  keyOf: (trial: TimedTrial) => string | number,
): readonly Pair[] {
  const pairs = new Map<string | number, Pair>();
  for (const [index, trial] of base.entries()) {
    const pair = pairs.get(keyOf(trial)) ?? { base: 0, own: 0 };
    pair.base += trial.totalMs;
    pair.own += own[index]?.totalMs ?? 0;
    pairs.set(keyOf(trial), pair);
  }
  return [...pairs.values()];
}

function ratio(pairs: readonly Pair[]): Estimate {
  return bootstrap(pairs.length, (drawn) => {
    let [base, own] = [0, 0];
    for (const index of drawn) {
      base += pairs[index]?.base ?? 0;
      own += pairs[index]?.own ?? 0;
    }
    return base / own;
  });
}
