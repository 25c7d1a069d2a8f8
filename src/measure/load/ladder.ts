import { InputError } from '../../errors.js';

/** One rate that was tried, and whether the bound held. */
export interface Rung {
  /** Requests a second, as planned. */
  readonly ratePerS: number;
  readonly holds: boolean;
}

/** Where the search begins and ends. */
export interface LadderOptions {
  /** Requests a second at which it begins. */
  readonly startPerS: number;
  /** Factor between rates until the bound breaks. Default: 1.25. */
  readonly growth?: number;
  /** Ends when the lowest rate that breaks the bound is at most this factor above the highest that holds it. Default: 1.05. */
  readonly precision?: number;
  /** Times that the found rate must hold in all. Default: 2. */
  readonly confirmations?: number;
  /** Rates that are tried at most. Default: 20. */
  readonly most?: number;
}

const DEFAULTS: Required<Omit<LadderOptions, 'startPerS'>> = {
  growth: 1.25,
  precision: 1.05,
  confirmations: 2,
  most: 20,
};

/** Share of the first rate below which no rate is tried. */
const LOWEST_SHARE = 0.1;

/**
 * Chooses the next rate on the way to the highest at which a bound holds: up by a factor until it breaks (or down by halves until it holds), then between the highest
 * that holds and the lowest that breaks, and at last the found rate again. Near the limit a rate may hold by luck: one
 * that broke once counts as broken, and so does every higher one.
 *
 * @param rungs - tried so far
 * @returns requests a second; `null` when the search has ended
 * @throws {InputError} when an option is not possible
 */
export function nextRate(rungs: readonly Rung[], options: LadderOptions): number | null {
  const { startPerS, growth, precision, confirmations, most } = { ...DEFAULTS, ...options };
  if (!(startPerS > 0 && growth > 1 && precision > 1)) {
    throw new InputError(
      `ladder: a start above 0 and factors above 1 were required, got ${startPerS}, ${growth}, ${precision}; give others`,
    );
  }
  if (rungs.length >= most) return null;
  const breaking = lowestBreaking(rungs);
  const holding = highestHolding(rungs);
  if (holding === null) {
    if (breaking === null) return startPerS;
    // Where it breaks with next to nobody in the queue, fewer requests change nothing.
    return breaking / 2 < startPerS * LOWEST_SHARE ? null : breaking / 2;
  }
  if (breaking === null) return holding * growth;
  if (breaking / holding > precision) return Math.sqrt(breaking * holding);
  const times = rungs.filter(({ ratePerS, holds }) => holds && ratePerS === holding).length;
  return times < confirmations ? holding : null;
}

/**
 * The highest rate at which the bound held whenever it was tried, with no rate below it that broke it.
 *
 * @param rungs - tried so far
 * @returns requests a second; `null` when there is none
 */
export function highestHolding(rungs: readonly Rung[]): number | null {
  const limit = lowestBreaking(rungs) ?? Number.POSITIVE_INFINITY;
  const below = rungs.filter(({ ratePerS, holds }) => holds && ratePerS < limit).map(({ ratePerS }) => ratePerS);
  return below.length === 0 ? null : Math.max(...below);
}

function lowestBreaking(rungs: readonly Rung[]): number | null {
  const broken = rungs.filter(({ holds }) => !holds).map(({ ratePerS }) => ratePerS);
  return broken.length === 0 ? null : Math.min(...broken);
}
