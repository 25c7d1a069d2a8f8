import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { RecipeResources } from '../compress/applyRecipe.js';
import { type CalibrationSample, calibrateRanges } from '../compress/calibrate.js';
import type { CalibrationPlan } from '../compress/staticPlan.js';
import { InputError } from '../errors.js';
import type { ModelCard } from '../model/card.js';
import { openSession } from '../model/session.js';
import { writeModel } from '../onnx/write.js';
import { readAudio } from '../speech/audio.js';
import { createFrontEnd } from '../speech/features.js';
import { readManifest } from '../speech/manifest.js';
import type { Utterance } from '../speech/types.js';
import { manifestPath } from './plan.js';

/** How a model is calibrated. */
export interface CalibrateOptions {
  /** `calibration`, `dev` or `holdout` of this package, or a path. Default: calibration. */
  readonly manifest?: string;
  /** Utterances to use, evenly spread over the manifest. Default: all. */
  readonly utterances?: number;
  /** Threads of one operator. */
  readonly threads?: number;
  /** Told after each utterance. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Calibration on speech: reads a manifest through the recognizer's front end, runs the model on one utterance after the
 * other, and gives the ranges. No utterance is kept: memory does not grow with their number.
 *
 * @param card - front end and names of the tensors
 * @returns the resource that `applyRecipe` takes
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 * @example
 * const { model } = await applyRecipe(float, PRESETS.hybrid, { calibrate: calibrator(card) });
 */
export function calibrator(card: ModelCard, options: CalibrateOptions = {}): NonNullable<RecipeResources['calibrate']> {
  return async (plan, calibration) => {
    const utterances = spread(await readManifest(manifestPath(options.manifest ?? 'calibration')), options.utterances);
    return await calibrateRanges(plan.tensors, samples(plan, card, utterances, options), calibration);
  };
}

/** As many as asked for, evenly spread. */
function spread<T>(all: readonly T[], count: number = all.length): readonly T[] {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new InputError(`calibration: 1 utterance or more was required, got ${count}; leave it out for all`);
  }
  if (count >= all.length) return all;
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}

async function* samples(
  plan: CalibrationPlan,
  card: ModelCard,
  utterances: readonly Utterance[],
  options: CalibrateOptions,
): AsyncGenerator<CalibrationSample> {
  const frontEnd = await createFrontEnd(card.frontEnd);
  // The runtime loads a file with less memory than bytes, and models above 2 GB from a file alone.
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-calibrate-'));
  let session: InferenceSession | undefined;
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(plan.model, path);
    session = await openSession(path, options.threads === undefined ? {} : { threads: options.threads });
    for (const [index, utterance] of utterances.entries()) {
      const { data, frames, bins } = frontEnd.compute(await readAudio(utterance.audioPath));
      const feeds = {
        [card.tensors.features]: new Tensor('float32', data, [1, frames, bins]),
        [card.tensors.lengths]: new Tensor('int64', BigInt64Array.of(BigInt(frames)), [1]),
      };
      const shown = plan.tensors.filter((name) => !(name in feeds));
      const outputs = await session.run(feeds, shown);
      const all = { ...feeds, ...outputs };
      yield Object.fromEntries(plan.tensors.map((name) => [name, floats(name, all[name])]));
      options.onProgress?.(index + 1, utterances.length);
    }
  } finally {
    await session?.release();
    await rm(folder, { recursive: true, force: true });
  }
}

function floats(name: string, tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new InputError(`calibration: float32 values of ${name} were required, got ${tensor?.type ?? 'none'}`);
}
