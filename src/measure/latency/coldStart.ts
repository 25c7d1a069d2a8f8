import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { makeFolder } from '../../files.js';
import { type SessionControl, withModel } from '../../process/session.js';
import { createRandom, DEFAULT_SEED, permutation } from '../../random.js';
import { modelSizeBytes, type ResolvedModel } from '../../recognise/model.js';
import { keepOptimized } from '../../recognise/session/optimizedModel.js';
import type { Recording } from '../../speech/types.js';
import { bootstrapMedian, bootstrapRatio, type Estimate } from '../statistics/bootstrap.js';
import { median, sum } from '../statistics/statistics.js';

/** How load times are compared. */
export interface ColdStartOptions extends SessionControl {
  /** Folder for optimised models. */
  readonly folder: string;
  /** Heard once after loading: the time of the first run. */
  readonly recording: Recording;
  /** Starts of each kind. Default: 10. */
  readonly rounds?: number | undefined;
  readonly threads: number;
  readonly seed?: number;
  /** Called after each start. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Load time with and without the optimised model on disk. */
export interface ColdStartReport {
  /** Id of the model's card. */
  readonly model: string;
  readonly rounds: number;
  /** Size of the model's file, and of its optimised form. */
  readonly sizeBytes: number;
  readonly optimizedBytes: number;
  /** Time to make the optimised form, once. */
  readonly makingMs: number;
  /** From the call to a session that is ready: a fresh process each time, the files in the system's cache. Medians. */
  readonly plainMs: Estimate;
  readonly optimizedMs: Estimate;
  /** Plain over optimised; the interval draws rounds. */
  readonly speedUp: Estimate;
  /** The first utterance after that. Medians. */
  readonly plainFirstRunMs: Estimate;
  readonly optimizedFirstRunMs: Estimate;
  /** Plain over optimised, loading and the first utterance together: a mapped file is read when it is first used. */
  readonly speedUpToFirst: Estimate;
  /** Resident memory of the process after loading, in bytes; medians. */
  readonly plainResidentBytes: number;
  readonly optimizedResidentBytes: number;
  /** That of it which belongs to no file, so that processes cannot share it; `null` where it cannot be read. */
  readonly plainAnonymousBytes: number | null;
  readonly optimizedAnonymousBytes: number | null;
  /** Whether it pays: the interval of {@link ColdStartReport.speedUpToFirst} lies above 1. */
  readonly pays: boolean;
}

interface Start {
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly residentBytes: number;
  readonly anonymousBytes: number | null;
}

const DEFAULT_ROUNDS = 10;

/**
 * Measures what keeping the optimised model on disk gains: in each round a process with and one without, in random order, each fresh.
 *
 * @param model - whose
 * @throws {InputError} when the model cannot be kept, or an option is not possible
 * @throws {UnavailableError} when a process breaks
 */
export async function measureColdStart(model: ResolvedModel, options: ColdStartOptions): Promise<ColdStartReport> {
  const { folder, rounds = DEFAULT_ROUNDS, seed = DEFAULT_SEED, signal, onProgress } = options;
  if (!(Number.isInteger(rounds) && rounds >= 2)) {
    throw new InputError(`rounds: a whole number from 2 was required, got ${rounds}; 10 is usual`);
  }
  const own = join(folder, 'measured');
  await rm(own, { recursive: true, force: true });
  await makeFolder(own);
  try {
    const made = performance.now();
    const kept = await Promise.all(Object.values(model.graphs).map(async (path) => await keepOptimized(path, own)));
    const makingMs = performance.now() - made;
    const refused = kept.find(({ state }) => state === 'not kept');
    if (refused !== undefined) {
      throw new InputError(
        `${refused.path}: a model that can be kept was required: ${refused.reason}; measure another`,
      );
    }
    const random = createRandom(seed);
    const starts: Record<'plain' | 'optimized', Start[]> = { plain: [], optimized: [] };
    // One that does not count: its checksums are not remembered yet.
    await start(model, own, options);
    for (let round = 0; round < rounds; round++) {
      for (const place of permutation(2, random)) {
        signal?.throwIfAborted();
        if (place === 0) starts.plain.push(await start(model, undefined, options));
        else starts.optimized.push(await start(model, own, options));
        onProgress?.(starts.plain.length + starts.optimized.length, 2 * rounds);
      }
    }
    return {
      model: model.card.id,
      rounds,
      sizeBytes: await modelSizeBytes(model),
      optimizedBytes: sum(await Promise.all(kept.map(async ({ path }) => await folderBytes(dirname(path))))),
      makingMs,
      ...describe(starts.plain, starts.optimized),
    };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function start(
  model: ResolvedModel,
  optimizedFolder: string | undefined,
  { recording, threads, signal, workerPath }: ColdStartOptions,
): Promise<Start> {
  const setup = { threads, optimizedFolder, recordings: [recording], signal, workerPath };
  return await withModel(model, setup, async ({ process, loaded: { loadMs } }) => {
    const { residentBytes, anonymousBytes } = await process.memory();
    const { totalMs } = await process.trial([0]);
    return { loadMs, firstRunMs: totalMs, residentBytes, anonymousBytes };
  });
}

function describe(
  plain: readonly Start[],
  optimized: readonly Start[],
): Omit<ColdStartReport, 'model' | 'rounds' | 'sizeBytes' | 'optimizedBytes' | 'makingMs'> {
  const medianOf = (starts: readonly Start[], of: (start: Start) => number): Estimate =>
    bootstrapMedian(starts.map(of));
  const load = ({ loadMs }: Start): number => loadMs;
  const ready = ({ loadMs, firstRunMs }: Start): number => loadMs + firstRunMs;
  const speedUpToFirst = bootstrapRatio(plain.map(ready), optimized.map(ready));
  const pays = speedUpToFirst.low > 1;
  return {
    plainMs: medianOf(plain, load),
    optimizedMs: medianOf(optimized, load),
    speedUp: bootstrapRatio(plain.map(load), optimized.map(load)),
    plainFirstRunMs: medianOf(plain, ({ firstRunMs }) => firstRunMs),
    optimizedFirstRunMs: medianOf(optimized, ({ firstRunMs }) => firstRunMs),
    speedUpToFirst,
    plainResidentBytes: median(plain.map(({ residentBytes }) => residentBytes)),
    optimizedResidentBytes: median(optimized.map(({ residentBytes }) => residentBytes)),
    plainAnonymousBytes: anonymous(plain),
    optimizedAnonymousBytes: anonymous(optimized),
    pays,
  };
}

function anonymous(starts: readonly Start[]): number | null {
  const known = starts.flatMap(({ anonymousBytes }) => (anonymousBytes === null ? [] : [anonymousBytes]));
  return known.length === 0 ? null : median(known);
}

async function folderBytes(folder: string): Promise<number> {
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
  return sum(sizes);
}
