import { InputError } from '../../errors.js';
import type { ProcessMemory } from '../../process/processMemory.js';
import { type SessionControl, withProcesses } from '../../process/session.js';
import type { ResolvedModel } from '../../recognise/model.js';
import type { Recording } from '../../speech/types.js';
import { type ModelSize, measureModelSize } from './modelSize.js';

/** How memory is measured. */
export interface MemoryOptions extends SessionControl {
  /** What the model hears, in turns; the process keeps the sound. */
  readonly recordings: readonly Recording[];
  /** Runs after loading. Default: 20. */
  readonly runs?: number;
  /** Threads of one operator. Default: 1. */
  readonly threads?: number;
  /** Processes with the arena that are measured, one after the other. Default: 3. */
  readonly starts?: number;
  /** Called after each process that was measured. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Memory of one process, as its life goes on. Peaks are from its beginning on. */
export interface MemoryStages {
  /** Whether the runtime kept the memory of one run for the next (`enableCpuMemArena`). */
  readonly arena: boolean;
  /** The same process before it loaded anything: Node, the runtime's library, the front end. */
  readonly baseline: ProcessMemory;
  /** After the model was loaded, before it ran. */
  readonly loaded: ProcessMemory;
  /** After the last run. */
  readonly afterRuns: ProcessMemory;
}

/** How much memory and room a model takes. */
export interface MemorySummary {
  /** Id of its card. */
  readonly model: string;
  readonly path: string;
  readonly size: ModelSize;
  readonly threads: number;
  readonly runs: number;
  /** The process whose peak is the middle one of those that were measured. */
  readonly withArena: MemoryStages;
  /** All of them, where there were several. */
  readonly starts?: readonly MemoryStages[] | undefined;
  readonly withoutArena: MemoryStages;
}

const DEFAULT_RUNS = 20;
const DEFAULT_STARTS = 3;

/**
 * Measures the memory of a process that holds one model and nothing else, with the runtime's arena (in several fresh processes) and
 * without, and the size of the model's files.
 *
 * @throws {InputError} when the model or a recording is bad, or there is no recording
 * @throws {UnavailableError} when a process breaks
 */
export async function measureMemory(model: ResolvedModel, options: MemoryOptions): Promise<MemorySummary> {
  const { runs = DEFAULT_RUNS, threads = 1, starts: count = DEFAULT_STARTS } = options;
  if (options.recordings.length === 0) {
    throw new InputError('memory: at least one recording was required, got none; name one');
  }
  const size = await measureModelSize(Object.values(model.graphs));
  const starts: MemoryStages[] = [];
  while (starts.length < count) {
    starts.push(await measureStages(model, options, runs, threads, true));
    options.onProgress?.(starts.length, count + 1);
  }
  const withoutArena = await measureStages(model, options, runs, threads, false);
  options.onProgress?.(count + 1, count + 1);
  const rising = starts.toSorted((one, other) => one.afterRuns.peakBytes - other.afterRuns.peakBytes);
  const withArena = rising[Math.floor((count - 1) / 2)] as MemoryStages;
  const repeated = count > 1 && { starts };
  return { model: model.card.id, path: model.path, size, threads, runs, withArena, ...repeated, withoutArena };
}

async function measureStages(
  model: ResolvedModel,
  options: MemoryOptions,
  runs: number,
  threads: number,
  arena: boolean,
): Promise<MemoryStages> {
  const { recordings } = options;
  return await withProcesses(options, async (start) => {
    const process = start({ name: model.card.id });
    const baseline = await process.memory();
    await process.load({ model, executionProvider: 'cpu', threads, arena, recordings, warmUp: [] });
    const loaded = await process.memory();
    for (let run = 0; run < runs; run++) await process.trial([run % recordings.length]);
    return { arena, baseline, loaded, afterRuns: await process.memory() };
  });
}
