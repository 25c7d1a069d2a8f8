import { UnavailableError } from '../errors.js';
import { type EnergySummary, measureEnergy } from '../measure/energy.js';
import { type MemorySummary, measureMemory } from '../measure/memory.js';
import type { ResolvedModel } from '../model/registry.js';
import type { ExecutionProvider } from '../model/session.js';
import type { Utterance } from '../speech/types.js';
import type { EnergyRecord, MemoryRecord, ResourceProtocol } from './schema.js';

/** What resources are measured with. */
export interface ResourceOptions {
  readonly protocol: ResourceProtocol;
  readonly utterances: readonly Utterance[];
  readonly signal?: AbortSignal | undefined;
  readonly workerPath?: string | undefined;
}

/** A measured condition whose resources are not known yet. */
export interface Resourceful {
  readonly id: string;
  readonly model: ResolvedModel;
  readonly executionProvider: ExecutionProvider;
  readonly threads: number;
}

/** Recordings that the process of a memory measurement holds: enough for short and long ones, and no more. */
const MEMORY_RECORDINGS = 20;

/**
 * Measures the memory of a condition in processes of their own.
 *
 * @returns `null` where it cannot be read on this system
 * @throws {InputError} when the model or a recording is bad
 */
export async function memoryOf(condition: Resourceful, options: ResourceOptions): Promise<MemoryRecord | null> {
  const { protocol, utterances, signal, workerPath } = options;
  const recordings = utterances.slice(0, MEMORY_RECORDINGS).map(({ id, audioPath }) => ({ id, audioPath }));
  return await unlessUnavailable(async () => {
    const {
      model: _model,
      path: _path,
      ...memory
    }: MemorySummary = await measureMemory(condition.model, {
      recordings,
      runs: protocol.memoryRuns,
      threads: condition.threads,
      ...(signal !== undefined && { signal }),
      ...(workerPath !== undefined && { workerPath }),
    });
    return memory;
  });
}

/**
 * Measures, or else estimates, the energy of conditions that run on the same device with the same threads, in turns.
 *
 * @returns in the order of the conditions; `null` where nothing tells it, as of a GPU whose driver does not answer
 * @throws {InputError} when a model or a recording is bad
 */
export async function energyOf(
  conditions: readonly Resourceful[],
  options: ResourceOptions,
): Promise<readonly EnergyRecord[] | null> {
  const [first] = conditions;
  if (first === undefined) return [];
  const { protocol, utterances, signal, workerPath } = options;
  return await unlessUnavailable(async () => {
    const { models, idleW } = await measureEnergy(
      conditions.map(({ model }) => model),
      {
        utterances,
        trials: protocol.energyTrials,
        threads: first.threads,
        executionProvider: first.executionProvider,
        ...(signal !== undefined && { signal }),
        ...(workerPath !== undefined && { workerPath }),
      },
    );
    return models.map(({ model: _model, path: _path, ratioToFirst: ratio, ...energy }: EnergySummary, place) => ({
      ...energy,
      idleW,
      ...(place > 0 && { comparison: { base: first.id, ratio } }),
    }));
  });
}

async function unlessUnavailable<T>(measure: () => Promise<T>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}
