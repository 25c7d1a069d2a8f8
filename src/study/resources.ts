import { UnavailableError } from '../errors.js';
import { type EnergySummary, measureEnergy } from '../measure/energy/energy.js';
import { type MemorySummary, measureMemory } from '../measure/memory/memory.js';
import type { SessionControl } from '../process/session.js';
import type { ResolvedModel } from '../recognise/model.js';
import type { ExecutionProvider } from '../recognise/session/session.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import type { EnergyRecord, MeasuredOutcome, MemoryRecord, ResourceProtocol } from './schema.js';

/** What resources are measured with. */
export interface ResourceOptions extends SessionControl {
  readonly protocol: ResourceProtocol;
  readonly utterances: readonly Utterance[];
  /** Processes of each model whose memory is read. Default: 1. */
  readonly memoryStarts?: number | undefined;
  /** Called before each measurement, of the conditions that it is of. */
  readonly onStep?: (id: string, resource: 'memory' | 'energy') => void;
}

/** A condition whose trials are done. What its outcome tells already is not measured again. */
export interface MeasuredCondition {
  readonly id: string;
  /** What the model was made from, as the plan names it. */
  readonly source: string;
  readonly model: ResolvedModel;
  readonly threads: number;
  readonly outcome: MeasuredOutcome;
}

/** Recordings that the process of a memory measurement holds: enough for short and long ones, and no more. */
const MEMORY_RECORDINGS = 20;

/**
 * Measures memory and energy of conditions: after all trials, since their processes would be in each other's way.
 *
 * @param conditions - in the order of the run; energy is compared with the first one of the same source, on the same device with as many threads
 * @returns each condition's outcome with what was measured, as soon as it is: once for its memory, once for its energy
 * @throws {InputError} when a model or a recording is bad
 */
export async function* measureResources(
  conditions: readonly MeasuredCondition[],
  options: ResourceOptions,
): AsyncGenerator<Pick<MeasuredCondition, 'id' | 'outcome'>, void, undefined> {
  const groups = new Map<string, MeasuredCondition[]>();
  for (let condition of conditions) {
    const { id, source, threads, outcome } = condition;
    if (outcome.memory === undefined) {
      options.onStep?.(id, 'memory');
      condition = { ...condition, outcome: { ...outcome, memory: await memoryOf(condition, options) } };
      yield condition;
    }
    const key = JSON.stringify([source, outcome.executionProvider, threads]);
    if (outcome.energy === undefined && options.protocol.energyTrials !== undefined)
      groups.set(key, [...(groups.get(key) ?? []), condition]);
  }
  for (const group of groups.values()) {
    for (const { id } of group) options.onStep?.(id, 'energy');
    const records = await energyOf(group, options);
    for (const [place, { id, outcome }] of group.entries()) {
      yield { id, outcome: { ...outcome, energy: records?.[place] ?? null } };
    }
  }
}

/** `null` where it cannot be read on this system. */
async function memoryOf(condition: MeasuredCondition, options: ResourceOptions): Promise<MemoryRecord | null> {
  const { protocol, utterances, signal, workerPath } = options;
  const recordings = utterances.slice(0, MEMORY_RECORDINGS).map(recordingOf);
  return await unlessUnavailable(signal, async () => {
    const {
      model: _model,
      path: _path,
      ...memory
    }: MemorySummary = await measureMemory(condition.model, {
      recordings,
      runs: protocol.memoryRuns,
      starts: options.memoryStarts ?? 1,
      threads: condition.threads,
      signal,
      workerPath,
    });
    return memory;
  });
}

/** Of conditions that take turns, in their order; `null` where nothing tells it, as of a GPU whose driver does not answer. */
async function energyOf(
  conditions: readonly MeasuredCondition[],
  options: ResourceOptions,
): Promise<readonly EnergyRecord[] | null> {
  const [first] = conditions;
  if (first === undefined) return [];
  const { protocol, utterances, signal, workerPath } = options;
  return await unlessUnavailable(signal, async () => {
    const { models, idleW } = await measureEnergy(
      conditions.map(({ model }) => model),
      {
        utterances,
        ...(protocol.energyTrials !== undefined && { trials: protocol.energyTrials }),
        threads: first.threads,
        executionProvider: first.outcome.executionProvider as ExecutionProvider,
        signal,
        workerPath,
      },
    );
    return models.map(({ model: _model, path: _path, ratioToFirst: ratio, ...energy }: EnergySummary, place) => ({
      ...energy,
      idleW,
      ...(place > 0 && { comparison: { base: first.id, ratio } }),
    }));
  });
}

/** `null` where it cannot be measured here. What was only stopped is not that: it is measured when the run goes on. */
async function unlessUnavailable<T>(signal: AbortSignal | undefined, measure: () => Promise<T>): Promise<T | null> {
  try {
    return await measure();
  } catch (error) {
    if (error instanceof UnavailableError && !signal?.aborted) return null;
    throw error;
  }
}
