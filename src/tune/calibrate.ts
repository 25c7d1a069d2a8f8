import type { RecipeResources, SampleRunner } from '../compress/pass.js';
import { calibrateRanges } from '../compress/static/calibrate.js';
import type { ResolvedModel } from '../recognise/model.js';
import { runOverSpeech, type SpeechOptions } from './speechRunner.js';

/** How a model is calibrated. */
export interface CalibrateOptions extends Omit<SpeechOptions, 'manifest'> {
  /** `calibration`, `dev` or `holdout` of this package, or a path. Default: calibration. */
  readonly manifest?: string;
}

/**
 * Calibration on speech: reads a manifest through the recognizer's front end, runs the model on one utterance after the
 * other, and gives the ranges. No utterance is kept: memory does not grow with their number.
 *
 * @param model - the recogniser; `options.graph` says which of its graphs is calibrated
 * @returns the resource that `applyRecipe` takes
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 * @example
 * const { model: small } = await applyRecipe(float, PRESETS.hybrid, { calibrate: calibrator(model) });
 */
export function calibrator(
  model: ResolvedModel,
  options: CalibrateOptions = {},
): NonNullable<RecipeResources['calibrate']> {
  const samples = sampler(model, options);
  return async (plan, calibration) =>
    await calibrateRanges(plan.tensors, samples(plan.model, plan.tensors), calibration, 'leave');
}

/**
 * What values are on speech: runs forms of a model's graph over a manifest, one utterance after the other.
 *
 * @param model - the recogniser; `options.graph` says which of its graphs is run
 * @returns the resource `samples` that `applyRecipe` takes
 * @throws {InputError} when the manifest is missing or empty, or a recording cannot be read
 */
export function sampler(model: ResolvedModel, options: CalibrateOptions = {}): SampleRunner {
  return (graph, tensors) => runOverSpeech(graph, tensors, model, { manifest: 'calibration', ...options });
}

/**
 * A calibrator that remembers: tensors whose ranges were found once are not measured again for the same options. For
 * trying many recipes on one model; ranges do not depend on what else is compressed.
 */
export function remembering(
  calibrate: NonNullable<RecipeResources['calibrate']>,
): NonNullable<RecipeResources['calibrate']> {
  const known = new Map<string, Awaited<ReturnType<typeof calibrate>>>();
  return async (plan, options) => {
    const key = JSON.stringify(options);
    const ranges = known.get(key);
    if (ranges !== undefined && plan.tensors.every((name) => ranges.has(name))) return ranges;
    const found = new Map([...(ranges ?? []), ...(await calibrate(plan, options))]);
    known.set(key, found);
    return found;
  };
}
