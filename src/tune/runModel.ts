import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalibrationSample } from '../compress/pass.js';
import { InputError } from '../errors.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { ownValue } from '../ownValue.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession, type SessionOptions } from '../recognise/session/session.js';
import type { Tensor } from '../runtime.js';
import { type NodeTimes, nodeTimes } from './profile.js';

/** Gives a graph that is loaded what its runs are fed with, one after the other. */
export type FeedsOf = (session: ModelSession) => AsyncIterable<Readonly<Record<string, Tensor>>>;

/** How a model is run. */
export interface RunOptions {
  /** Threads of one operator. */
  readonly threads?: number | undefined;
  /** Stops before the next run. */
  readonly signal?: AbortSignal | undefined;
}

/** Timed runs of a profile, after two that are not counted. */
const PROFILED_RUNS = 10;
const WARM_UP_RUNS = 2;

/**
 * Runs a model that lies in memory, once for each of its feeds.
 *
 * @param tensors - inputs and outputs of the model to hand out
 * @returns the values of the tensors, run after run; none is kept
 * @throws {InputError} when the model cannot be loaded or run, or a tensor is not float32
 */
export async function* runModel(
  model: OnnxModel,
  tensors: readonly string[],
  feedsOf: FeedsOf,
  options: RunOptions = {},
): AsyncGenerator<CalibrationSample> {
  // The runtime loads a file with less memory than bytes, and models above 2 GB from a file alone.
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-run-'));
  let session: ModelSession | undefined;
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(model, path);
    session = await openSession(path, { ...threadsOf(options), shownPath: model.path });
    for await (const feeds of feedsOf(session)) {
      options.signal?.throwIfAborted();
      const shown = tensors.filter((name) => !Object.hasOwn(feeds, name));
      const all: Record<string, Tensor | undefined> = {
        ...feeds,
        ...(shown.length > 0 && (await session.run(feeds, shown))),
      };
      yield Object.fromEntries(tensors.map((name) => [name, floats(name, ownValue(all, name))]));
    }
  } finally {
    await session?.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Time that a model spends in each node, by the runtime's own profile, in a round of all its feeds.
 *
 * @throws {InputError} when the model cannot be loaded or run
 */
export async function profileModel(model: OnnxModel, feedsOf: FeedsOf, options: RunOptions = {}): Promise<NodeTimes> {
  const { text, runsOfRound } = await profileText(model, feedsOf, options);
  return nodeTimes(text, WARM_UP_RUNS, runsOfRound);
}

/**
 * The runtime's own profile of rounds of all feeds: read by {@link nodeTimes}.
 *
 * @param options - `graphOptimizationLevel: 'disabled'` leaves nodes as they stand in the file, with their names
 * @throws {InputError} when the model cannot be loaded or run
 */
export async function profileText(
  model: OnnxModel,
  feedsOf: FeedsOf,
  options: RunOptions & Pick<SessionOptions, 'graphOptimizationLevel'> = {},
): Promise<{ readonly text: string; readonly warmUpRuns: number; readonly runsOfRound: number }> {
  const { graphOptimizationLevel } = options;
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-profile-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(model, path);
    const profilePrefix = join(folder, 'profile');
    const session = await openSession(path, {
      ...threadsOf(options),
      ...(graphOptimizationLevel && { graphOptimizationLevel }),
      profilePrefix,
      shownPath: model.path,
    });
    const runs: Readonly<Record<string, Tensor>>[] = [];
    try {
      for await (const feeds of feedsOf(session)) runs.push(feeds);
      for (let round = 0; round < WARM_UP_RUNS + PROFILED_RUNS; round++) {
        for (const feeds of runs) {
          options.signal?.throwIfAborted();
          await session.run(feeds);
        }
      }
      session.endProfiling();
    } finally {
      await session.release();
    }
    const file = (await readdir(folder)).find((name) => name.startsWith('profile'));
    if (file === undefined) throw new InputError('profile: a file of the runtime was required, got none');
    const text = await readFile(join(folder, file), 'utf8');
    return { text, warmUpRuns: WARM_UP_RUNS, runsOfRound: runs.length };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Threads of a session. */
export function threadsOf({ threads }: RunOptions): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
}

function floats(name: string, tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new InputError(`tensor ${name}: float32 values were required, got ${tensor?.type ?? 'none'}`);
}
