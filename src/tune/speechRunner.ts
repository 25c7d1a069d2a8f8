import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CalibrationSample } from '../compress/static/calibrate.js';
import { InputError } from '../errors.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { ownValue } from '../ownValue.js';
import type { ModelCard } from '../recognise/card/card.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { GraphTensors } from '../recognise/session/graphTensors.js';
import type { ModelSession } from '../recognise/session/modelSession.js';
import { openSession } from '../recognise/session/session.js';
import type { Tensor } from '../runtime.js';
import { parseManifest } from '../speech/corpora/manifest.js';
import { type HeardSound, type LeftOut, readSounds } from '../speech/corpora/recordings.js';
import { createFrontEnd } from '../speech/features/features.js';
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
  /** Told after each utterance. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of each recording that cannot be read: the others are used. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
}

/** Timed runs of a profile, after two that are not counted. */
const PROFILED_RUNS = 10;
const WARM_UP_RUNS = 2;

/**
 * Runs a model over the utterances of a manifest, one after the other, through the card's front end.
 *
 * @param tensors - inputs and outputs of the model to hand out
 * @returns for each utterance the values of the tensors; none is kept
 * @throws {InputError} when the manifest is missing or empty, a recording cannot be read, or a tensor is not float32
 */
export async function* runOverSpeech(
  model: OnnxModel,
  tensors: readonly string[],
  card: ModelCard,
  options: SpeechOptions,
): AsyncGenerator<CalibrationSample> {
  const utterances = await utterancesOf(options);
  const frontEnd = await createFrontEnd(card.frontEnd);
  // The runtime loads a file with less memory than bytes, and models above 2 GB from a file alone.
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-run-'));
  let session: ModelSession | undefined;
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(model, path);
    session = await openSession(path, { ...threadsOf(options), shownPath: model.path });
    const graph = new GraphTensors(card, session);
    let done = 0;
    for await (const { audio } of readSounds(utterances, options.manifest, options)) {
      const feeds = graph.feeds([frontEnd.compute(audio)]);
      const shown = tensors.filter((name) => !Object.hasOwn(feeds, name));
      const all: Record<string, Tensor | undefined> = {
        ...feeds,
        ...(shown.length > 0 && (await session.run(feeds, shown))),
      };
      yield Object.fromEntries(tensors.map((name) => [name, floats(name, ownValue(all, name))]));
      options.onProgress?.(++done, utterances.length);
    }
  } finally {
    await session?.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Time that a model spends in each node, by the runtime's own profile, on the utterance of middle length.
 *
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 */
export async function profileOnSpeech(model: OnnxModel, card: ModelCard, options: SpeechOptions): Promise<NodeTimes> {
  const utterances = [...(await utterancesOf(options))].sort((a, b) => a.durationS - b.durationS);
  const middle = utterances.slice(Math.floor(utterances.length / 2));
  const frontEnd = await createFrontEnd(card.frontEnd);
  const { value: sound } = await readSounds(middle, options.manifest, options).next();
  const features = frontEnd.compute((sound as HeardSound).audio);
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-profile-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(model, path);
    const profilePrefix = join(folder, 'profile');
    const session = await openSession(path, { ...threadsOf(options), profilePrefix, shownPath: model.path });
    const feeds = new GraphTensors(card, session).feeds([features]);
    for (let run = 0; run < WARM_UP_RUNS + PROFILED_RUNS; run++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const file = (await readdir(folder)).find((name) => name.startsWith('profile'));
    if (file === undefined) throw new InputError('profile: a file of the runtime was required, got none');
    return nodeTimes(await readFile(join(folder, file), 'utf8'), WARM_UP_RUNS);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function threadsOf({ threads }: SpeechOptions): { readonly threads?: number } {
  return threads === undefined ? {} : { threads };
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
