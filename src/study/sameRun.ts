import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.js';
import { describeOtherTiming } from '../measure/latency/timingVersion.js';
import type { Condition, Environment, Protocol, RunRecord, Shard } from './schema.js';

/** What must be the same in a run that is resumed. */
export type Wanted = Protocol & { readonly conditions: readonly Condition[]; readonly shard: Shard | undefined };

/**
 * Refuses to resume a run with another plan.
 *
 * @throws {InputError} that names the field
 */
export function requireSamePlan(out: string, record: RunRecord, wanted: Wanted): void {
  const held: Wanted = { ...record.protocol, conditions: record.conditions, shard: record.shard };
  const fields = Object.keys(wanted) as (keyof Wanted)[];
  const other = fields.find((field) => !isDeepStrictEqual(wanted[field], held[field]));
  if (other === undefined) return;
  throw new InputError(
    `${out}: a run of the same plan was required, got one with another ${other}; give the plan that it was begun with, or choose another folder`,
  );
}

/**
 * Refuses to resume a run whose times were taken in another way.
 *
 * @throws {InputError} that names both versions
 */
export function requireSameTiming(out: string, record: RunRecord): void {
  const other = describeOtherTiming(out, record, 'without --resume, and with --restart where a run was stopped');
  if (other !== null) throw new InputError(other);
}

/**
 * Each shard must have something to say of each phase.
 *
 * @throws {InputError} when one would not
 */
export function requireShard(shard: Shard | undefined, protocol: Protocol, utterances: number): Shard | undefined {
  if (shard === undefined) return undefined;
  const { index, count } = shard;
  const most = Math.min(protocol.latencyTrials, protocol.throughputTrials, utterances);
  if (Number.isInteger(index) && Number.isInteger(count) && index >= 1 && index <= count && count <= most) return shard;
  throw new InputError(
    `shard: 1/${most} to ${most}/${most} or fewer were required (each needs a trial of each phase), got ${index}/${count}; choose fewer`,
  );
}

/** Latency trials that a start must have of its own: with fewer, starting takes longer than what is measured. */
const TRIALS_OF_START = 10;

/**
 * How many starts a run can have: as planned, but no more than there are trials for.
 *
 * @param utterances - how many are heard
 */
export function startsFor(
  { starts = 1, latencyTrials, throughputTrials }: Protocol,
  utterances: number,
  shards: number,
): number {
  const most = Math.min(Math.floor(latencyTrials / TRIALS_OF_START), throughputTrials, utterances) / shards;
  return Math.max(1, Math.min(starts, Math.floor(most)));
}

/** What of the machine and the software must be the same in a run that is resumed. */
const SAME_MACHINE = ['cpu', 'logicalCores', 'node', 'packages'] as const;

/** Says what has changed since something was measured; `undefined` where machine and software are the same. */
export function otherMachine(held: Environment, here: Environment): (typeof SAME_MACHINE)[number] | undefined {
  return SAME_MACHINE.find((field) => !isDeepStrictEqual(held[field], here[field]));
}

/**
 * Refuses to resume a run on another machine, or with other software.
 *
 * @throws {InputError} that says what differs
 */
export function requireSameMachine(out: string, held: Environment, here: Environment): void {
  const other = otherMachine(held, here);
  if (other === undefined) return;
  const [was, is] = [JSON.stringify(held[other]), JSON.stringify(here[other])];
  throw new InputError(
    `${out}: the machine and the software that the run was begun with were required, got another ${other} (${is}, was ${was}); resume it there, or choose another folder`,
  );
}
