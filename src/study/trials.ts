import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../errors.js';
import { PHASES, type Phase, trialsOfShard, WHOLE } from '../measure/schedule.js';
import { outcomeOf } from './outcomeOf.js';
import type { Observation, RunRecord } from './schema.js';

/** A run, or a part of one, as it was read. */
export interface ReadRun {
  readonly folder: string;
  readonly record: RunRecord;
  readonly observations: readonly Observation[];
}

/**
 * Refuses a run that lost trials or has some twice: of each measured condition exactly those of the plan, or of its shard, must be
 * there. How many utterances are judged only the manifest knows; a gap, a double or a condition that heard fewer shows without it.
 *
 * @throws {InputError} that names the condition and the phase
 */
export function requireTrials({ folder, record, observations }: ReadRun): void {
  const { protocol, shard = WHOLE } = record;
  const trialsOf = new Map<string, number[]>();
  let heard = 0;
  for (const { condition, phase, trial } of observations) {
    const key = JSON.stringify([condition, phase]);
    const own = trialsOf.get(key) ?? [];
    own.push(trial);
    trialsOf.set(key, own);
    if (phase === 'accuracy') heard = Math.max(heard, trial + 1);
  }
  const all: Readonly<Record<Phase, number>> = {
    latency: protocol.latencyTrials,
    throughput: protocol.throughputTrials,
    accuracy: protocol.accuracy === false ? 0 : heard,
  };
  for (const { id } of record.conditions) {
    if (outcomeOf(record, id)?.status !== 'measured') continue;
    for (const phase of PHASES) {
      const own = trialsOf.get(JSON.stringify([id, phase])) ?? [];
      const wanted = trialsOfShard(all[phase], shard);
      if (
        isDeepStrictEqual(
          own.sort((a, b) => a - b),
          wanted,
        )
      )
        continue;
      throw new InputError(
        `${folder}: ${wanted.length} ${phase} trials of ${id}, each once, were required, got ${own.length}; restore its files, or measure again`,
      );
    }
  }
}
