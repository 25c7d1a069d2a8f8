import type { ReferenceLoss } from '../../recognise/kinds/kind.js';
import { bootstrapRatio, type Estimate } from '../statistics/bootstrap.js';

/** How unlikely a model finds what was said: a finer measure than whether its best text is right. */
export interface LossSummary {
  /** Nats a frame of the network's output: losses over frames, each summed over the recordings. */
  readonly perFrame: Estimate;
  /** Its change against the base, over the recordings of both, a frame of the base; the interval draws recordings together for both; `null` without a base. */
  readonly change: Estimate | null;
  /** Recordings that count. */
  readonly recordings: number;
  /** Those that do not: letters that the model has no class for, more of them than there are frames, or a probability of zero. */
  readonly leftOut: number;
}

/**
 * Sums up how unlikely a model finds what was said.
 *
 * @param losses - of each recording; `null` where it has none
 * @param base - of the model that it is compared with, in the same order
 * @returns `null` where no recording has a loss
 */
export function summarizeLoss(
  losses: readonly (ReferenceLoss | null)[],
  base?: readonly (ReferenceLoss | null)[],
): LossSummary | null {
  const own = losses.flatMap((loss) => (loss === null ? [] : [loss]));
  if (own.length === 0) return null;
  const pairs = losses.flatMap((loss, place) => {
    const before = base?.[place] ?? null;
    return loss === null || before === null ? [] : [{ nats: loss.nats - before.nats, frames: before.frames }];
  });
  return {
    perFrame: overFrames(own),
    change: pairs.length === 0 ? null : overFrames(pairs),
    recordings: own.length,
    leftOut: losses.length - own.length,
  };
}

function overFrames(losses: readonly ReferenceLoss[]): Estimate {
  return bootstrapRatio(
    losses.map(({ nats }) => nats),
    losses.map(({ frames }) => frames),
  );
}
