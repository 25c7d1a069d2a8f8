import { availableParallelism } from 'node:os';
import { UnavailableError } from '../errors.js';
import { type EnergySummary, measureEnergy } from '../measure/energy/energy.js';
import { type MemorySummary, measureMemory } from '../measure/memory/memory.js';
import { sum } from '../measure/statistics/statistics.js';
import { measureOffline } from '../measure/throughput/offline.js';
import type { SessionControl } from '../process/session.js';
import type { ResolvedModel } from '../recognise/model.js';
import type { ExecutionProvider } from '../recognise/session/session.js';
import { recordingOf } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { codedSize } from '../tune/codeModel.js';
import type { EnergyRecord, MeasuredOutcome, MemoryRecord, ResourceProtocol, StreamsRecord } from './schema.js';

/** What resources are measured with. */
export interface ResourceOptions extends SessionControl {
  readonly protocol: ResourceProtocol;
  readonly utterances: readonly Utterance[];
  /** Processes of each model whose memory is read. Default: 1. */
  readonly memoryStarts?: number | undefined;
  /** Called before each measurement, of the conditions that it is of. */
  readonly onStep?: (id: string, resource: 'memory' | 'energy' | 'streams') => void;
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
 * Measures memory, coded size and energy of conditions: after all trials, since their processes would be in each other's way.
 *
 * @param conditions - in the order of the run; energy is compared with the first one of the same source, on the same device with as many threads
 * @returns each condition's outcome with what was measured, as soon as it is: for its memory, its energy, its streams
 * @throws {InputError} when a model or a recording is bad
 */
export async function* measureResources(
  conditions: readonly MeasuredCondition[],
  options: ResourceOptions,
): AsyncGenerator<Pick<MeasuredCondition, 'id' | 'outcome'>, void, undefined> {
  const outcomes = new Map(conditions.map(({ id, outcome }) => [id, outcome]));
  const know = (id: string, found: Partial<MeasuredOutcome>): Pick<MeasuredCondition, 'id' | 'outcome'> => {
    const outcome = { ...(outcomes.get(id) as MeasuredOutcome), ...found };
    outcomes.set(id, outcome);
    return { id, outcome };
  };
  const groups = new Map<string, MeasuredCondition[]>();
  for (const condition of conditions) {
    const { id, source, threads, outcome } = condition;
    if (outcome.memory === undefined) {
      options.onStep?.(id, 'memory');
      yield know(id, { codedBytes: await codedSize(condition.model), memory: await memoryOf(condition, options) });
    }
    const key = JSON.stringify([source, outcome.executionProvider, threads]);
    if (outcome.energy === undefined) groups.set(key, [...(groups.get(key) ?? []), condition]);
  }
  const { energyTrials, streamPasses } = options.protocol;
  for (const group of energyTrials === undefined ? [] : groups.values()) {
    for (const { id } of group) options.onStep?.(id, 'energy');
    const records = await energyOf(group, options);
    for (const [place, { id }] of group.entries()) yield know(id, { energy: records?.[place] ?? null });
  }
  if (streamPasses === undefined) return;
  const open = conditions.filter(({ outcome }) => outcome.streams === undefined && outcome.executionProvider === 'cpu');
  for (const { id } of open) options.onStep?.(id, 'streams');
  for (const [place, streams] of (await streamsOf(open, streamPasses, options)).entries()) {
    yield know((open[place] as MeasuredCondition).id, { streams });
  }
}

/** Recordings that are heard in a pass: some seconds of work, so that the beginning and the end of a pass do not count for much. */
const STREAM_RECORDINGS = 64;

/** Of conditions whose passes take turns, in their order. */
async function streamsOf(
  conditions: readonly MeasuredCondition[],
  rounds: number,
  { utterances, signal, workerPath }: ResourceOptions,
): Promise<readonly StreamsRecord[]> {
  if (conditions.length === 0) return [];
  const heard = utterances.slice(0, STREAM_RECORDINGS);
  const audioS = sum(heard.map(({ durationS }) => durationS));
  const streams = availableParallelism();
  const passes = await measureOffline(
    conditions.map(({ model }) => model),
    { utterances: heard, batchSizes: [1], streams: [streams], rounds, signal, workerPath },
  );
  return conditions.map(({ model }) => {
    const own = passes.filter((pass) => pass.model === model.card.id).toSorted((one, other) => one.round - other.round);
    return { streams, threads: 1, audioSPerS: own.map(({ wallS }) => audioS / wallS) };
  });
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
