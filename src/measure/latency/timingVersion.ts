/**
 * Version of how times are taken: raised by hand when what stands between the two readings of a clock changes, or what happens
 * around them (order, warm-up, number of threads, what else runs). Times of another version cannot be compared with today's.
 * Results keep the version.
 */
export const TIMING_VERSION = 1;

/** Results that say how they were timed. */
export interface Timed {
  /** `TIMING_VERSION` when they were measured. */
  readonly timingVersion: number;
}

/**
 * Says when results were timed otherwise than it would be done today.
 *
 * @param where - their file or folder
 * @param results - what they keep
 * @param remedy - the command that measures them again
 * @returns a sentence; `null` where they were timed as today
 */
export function describeOtherTiming(where: string, { timingVersion: was }: Timed, remedy: string): string | null {
  if (was === TIMING_VERSION) return null;
  return `${where}: times of version ${TIMING_VERSION} were required, got version ${was}, which cannot be compared with them; measure again: ${remedy}`;
}
