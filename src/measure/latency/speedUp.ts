import { InputError } from '../../errors.js';
import type { Trial } from '../../process/protocol.js';
import { FEWEST_STARTS, ratioOverStarts } from '../statistics/betweenStarts.js';
import { bootstrap, type Estimate } from '../statistics/bootstrap.js';
import { twoSidedNormalTail } from '../statistics/normalDistribution.js';

/** A trial, and when it ran. */
export interface TimedTrial extends Trial {
  /** Number of its turn: with the same number the same trials ran in each condition, one shortly after the other. */
  readonly turn?: number | undefined;
  /** Which of several independent starts it belongs to: with the same number both conditions were started at the same time. */
  readonly start?: number | undefined;
}

/** How many times faster one condition is than another: above 1 is faster. */
export interface SpeedUp extends Estimate {
  /**
   * What the interval is over: independent `starts`, where there are three or more; else whole `turns`, in which both ran the same
   * trials within a few seconds, so that utterances and moods of the machine are both in it, but not what a start brings; or, where
   * there are fewer than six, `utterances` (of batches: trials).
   */
  readonly draws: 'starts' | 'turns' | 'utterances';
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
  const starts = group(base, own, ({ start }) => start ?? 0);
  if (starts.length >= FEWEST_STARTS) {
    const sums = (side: keyof Pair): readonly number[] => starts.map((pair) => pair[side]);
    return { ...ratioOverStarts(sums('base'), sums('own')), draws: 'starts' };
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
  const of = (drawn: Int32Array): number => {
    let [base, own] = [0, 0];
    for (const index of drawn) {
      base += pairs[index]?.base ?? 0;
      own += pairs[index]?.own ?? 0;
    }
    return base / own;
  };
  return bootstrap(pairs.length, of, { confidence: expandedConfidence(pairs.length) });
}

/**
 * Confidence that a percentile interval must be asked for so that it holds 95 % with few values: drawn again, a small
 * sample scatters less than it should, and its intervals are too narrow.
 *
 * Source: T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69 (2015), "expanded
 * percentile interval": 1 − 2Φ(−√(n/(n−1))·t), with t from Student's distribution, here by Cornish and Fisher's expansion.
 *
 * @param count - values that are drawn from
 * @returns a fraction from 0.95 to 1
 * @example
 * expandedConfidence(20); // 0.968
 */
export function expandedConfidence(count: number): number {
  if (count < 2) return 0.95;
  const z = BOUND_95;
  const freedom = count - 1;
  const t = z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
  return 1 - twoSidedNormalTail(Math.sqrt(count / freedom) * t);
}

/** Bound of the middle 95 % of a normal distribution. */
const BOUND_95 = 1.959_963_984_540_054;
