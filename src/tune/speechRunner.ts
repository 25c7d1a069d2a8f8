import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalibrationSample } from '../compress/static/calibrate.js';
import { InputError } from '../errors.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { ownValue } from '../ownValue.js';
import type { GraphFeeds } from '../recognise/kinds/kind.js';
import { kindOf } from '../recognise/kinds/kinds.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession } from '../recognise/session/session.js';
import type { Tensor } from '../runtime.js';
import { parseManifest } from '../speech/corpora/manifest.js';
import { type HeardSound, type LeftOut, readSounds } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import { type NodeTimes, nodeTimes } from './profile.js';

/** Which utterances go through a model, and how. */
export interface SpeechOptions {
  /** `calibration`, `dev` or `holdout` of this package, or a path. */
  readonly manifest: string;
  /** Utterances to use, evenly spread over the manifest. Default: all. */
  readonly utterances?: number;
  /** Threads of one operator. */
  readonly threads?: number;
  /** Of which graph of the model the given one is a form. Default: its only one. */
  readonly graph?: string | undefined;
  /** Told after each utterance. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of each recording that cannot be read: the others are used. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
}

/** Timed runs of a profile, after two that are not counted. */
const PROFILED_RUNS = 10;
const WARM_UP_RUNS = 2;

/**
 * Runs a graph over the utterances of a manifest, one after the other, on what it reads when its model listens.
 *
 * @param graph - of a model, or made from one
 * @param model - all of whose other graphs are as they are
 * @param tensors - inputs and outputs of the model to hand out
 * @returns for each run the values of the tensors; none is kept. A graph may run several times an utterance
 * @throws {InputError} when the manifest is missing or empty, a recording cannot be read, or a tensor is not float32
 */
export async function* runOverSpeech(
  graph: OnnxModel,
  tensors: readonly string[],
  model: ResolvedModel,
  options: SpeechOptions,
): AsyncGenerator<CalibrationSample> {
  const utterances = await utterancesOf(options);
  // The runtime loads a file with less memory than bytes, and models above 2 GB from a file alone.
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-run-'));
  let session: ModelSession | undefined;
  let feeds: GraphFeeds | undefined;
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(graph, path);
    session = await openSession(path, { ...threadsOf(options), shownPath: graph.path });
    feeds = await feedsOf(model, options, session);
    let done = 0;
    for await (const { audio } of readSounds(utterances, options.manifest, options)) {
      for await (const inputs of feeds.of(audio)) {
        const shown = tensors.filter((name) => !Object.hasOwn(inputs, name));
        const all: Record<string, Tensor | undefined> = {
          ...inputs,
          ...(shown.length > 0 && (await session.run(inputs, shown))),
        };
        yield Object.fromEntries(tensors.map((name) => [name, floats(name, ownValue(all, name))]));
      }
      options.onProgress?.(++done, utterances.length);
    }
  } finally {
    await feeds?.release();
    await session?.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Time that a graph spends in each node, by the runtime's own profile, on the utterance of middle length.
 *
 * @param graph - of a model, or made from one
 * @param model - all of whose other graphs are as they are
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 */
export async function profileOnSpeech(
  graph: OnnxModel,
  model: ResolvedModel,
  options: SpeechOptions,
): Promise<NodeTimes> {
  const utterances = [...(await utterancesOf(options))].sort((a, b) => a.durationS - b.durationS);
  const middle = utterances.slice(Math.floor(utterances.length / 2));
  const { value: sound } = await readSounds(middle, options.manifest, options).next();
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-profile-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(graph, path);
    const profilePrefix = join(folder, 'profile');
    const session = await openSession(path, { ...threadsOf(options), profilePrefix, shownPath: graph.path });
    const feeds = await feedsOf(model, options, session);
    const runs: Readonly<Record<string, Tensor>>[] = [];
    for await (const inputs of feeds.of((sound as HeardSound).audio)) runs.push(inputs);
    for (let round = 0; round < WARM_UP_RUNS + PROFILED_RUNS; round++)
      for (const inputs of runs) await session.run(inputs);
    session.endProfiling();
    await feeds.release();
    await session.release();
    const file = (await readdir(folder)).find((name) => name.startsWith('profile'));
    if (file === undefined) throw new InputError('profile: a file of the runtime was required, got none');
    return nodeTimes(await readFile(join(folder, file), 'utf8'), WARM_UP_RUNS, runs.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function feedsOf(model: ResolvedModel, { graph }: SpeechOptions, loaded: ModelSession): Promise<GraphFeeds> {
  return await kindOf(model.card).openFeeds(model, graphOf(model, graph).name, loaded);
}

/** Threads of a session. */
export function threadsOf({ threads }: SpeechOptions): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
}

/** The sounds that the options name. */
export async function* soundsOf(options: SpeechOptions): AsyncGenerator<HeardSound> {
  yield* readSounds(await utterancesOf(options), options.manifest, options);
}

async function utterancesOf(options: SpeechOptions): Promise<readonly Utterance[]> {
  const all = await parseManifest(manifestPath(options.manifest));
  const count = options.utterances ?? all.length;
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new InputError(`utterances: 1 or more were required, got ${count}; leave it out for all`);
  }
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as Utterance);
}

function floats(name: string, tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new InputError(`tensor ${name}: float32 values were required, got ${tensor?.type ?? 'none'}`);
}
