import type { CalibrationSample } from '../compress/pass.js';
import { InputError } from '../errors.js';
import type { OnnxModel } from '../onnx/model.js';
import { kindOf } from '../recognise/kinds/kinds.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { parseManifest } from '../speech/corpora/manifest.js';
import { type HeardSound, type LeftOut, readSounds } from '../speech/corpora/recordings.js';
import type { Utterance } from '../speech/types.js';
import type { NodeTimes } from './profile.js';
import { type FeedsOf, profileModel, type RunOptions, runModel } from './runModel.js';

/** Which utterances go through a model, and how. */
export interface SpeechOptions extends RunOptions {
  /** `calibration`, `dev` or `holdout` of this package, or a path. */
  readonly manifest: string;
  /** Utterances to use, evenly spread over the manifest. Default: all. */
  readonly utterances?: number;
  /** Of which graph of the model the given one is a form. Default: its only one. */
  readonly graph?: string | undefined;
  /** Told after each utterance. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of each recording that cannot be read: the others are used. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
}

/**
 * Runs a graph over the utterances of a manifest, one after the other, with the inputs that its model gives it.
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
  const sounds = readSounds(utterances, options.manifest, options);
  yield* runModel(graph, tensors, feedsOf(model, sounds, options, utterances.length), options);
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
  return await profileModel(graph, await middleFeeds(model, options), options);
}

/**
 * What a graph of a model is fed with when it transcribes the utterance of middle length.
 *
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 */
export async function middleFeeds(model: ResolvedModel, options: SpeechOptions): Promise<FeedsOf> {
  const utterances = [...(await utterancesOf(options))].sort((a, b) => a.durationS - b.durationS);
  const middle = utterances.slice(Math.floor(utterances.length / 2));
  const { value: sound } = await readSounds(middle, options.manifest, options).next();
  const { onProgress: _, ...quiet } = options;
  return feedsOf(model, [sound as HeardSound], quiet, 1);
}

/** The inputs of a graph when its model transcribes recordings, one after the other. */
function feedsOf(
  model: ResolvedModel,
  sounds: AsyncIterable<HeardSound> | Iterable<HeardSound>,
  { graph, onProgress }: SpeechOptions,
  total: number,
): FeedsOf {
  return async function* (session) {
    const feeds = await kindOf(model.card).openFeeds(model, graphOf(model, graph).name, session);
    try {
      let done = 0;
      for await (const { audio } of sounds) {
        yield* feeds.of(audio);
        onProgress?.(++done, total);
      }
    } finally {
      await feeds.release();
    }
  };
}

/**
 * What a graph of a model is fed with when it transcribes the utterances that the options name.
 *
 * @throws {InputError} when the manifest is missing or empty
 */
export async function speechFeeds(model: ResolvedModel, options: SpeechOptions): Promise<FeedsOf> {
  const utterances = await utterancesOf(options);
  return (session) =>
    feedsOf(model, readSounds(utterances, options.manifest, options), options, utterances.length)(session);
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
