import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { UnavailableError } from '../../errors.js';
import { type Busyness, readBusyness } from './busyness.js';

/** Between two looks, in ms: pressure is told for the last 10 s. */
const LOOK_EVERY_MS = 5_000;

/** A machine does not become quiet by one look: so many in a row must find it so. */
const QUIET_LOOKS = 3;

/** What waiting depends on; as arguments for tests. */
export interface QuietSurroundings {
  readonly read?: () => Busyness;
  /** Ends early when `signal` is aborted, with its reason. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Told once, with what keeps the machine busy, where there is something to wait for. */
  readonly onBusy?: (reason: string) => void;
}

/**
 * Waits until nothing else keeps the machine busy, as {@link readBusyness} tells, so that what is measured next is worth publishing.
 *
 * @param minutes - how long to wait at most
 * @throws {UnavailableError} when it is still busy then
 */
export async function untilQuiet(minutes: number, surroundings: QuietSurroundings = {}): Promise<void> {
  const { read = () => readBusyness(availableParallelism()), sleep = pause, signal, onBusy } = surroundings;
  const looks = Math.ceil((minutes * 60_000) / LOOK_EVERY_MS) + 1;
  let [quiet, told] = [0, false];
  for (let look = 0; ; look++) {
    const { warning } = read();
    quiet = warning === null ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) return;
    if (warning !== null && look >= looks) {
      throw new UnavailableError(
        `machine: quiet within ${minutes} minutes was required, got: ${warning} End what else runs, or measure another time`,
      );
    }
    if (warning !== null && !told) onBusy?.(warning);
    told ||= warning !== null;
    await sleep(LOOK_EVERY_MS, signal);
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await wait(ms, undefined, { ...(signal && { signal }) });
}
