import { type LayerSensitivity, measureSensitivity, type Way } from '../../compress/choose/sensitivity.js';
import { Memory, type RecipeResources, type SampleRunner } from '../../compress/pass.js';
import { calibrateRanges } from '../../compress/static/calibrate.js';
import { InputError } from '../../errors.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { dtypeOf } from '../../onnx/tensor/dtype.js';
import { toTensors } from '../../recognise/session/graphArrays.js';
import { remembering } from '../calibrate.js';
import { type FeedsOf, profileModel, runModel } from '../runModel.js';
import { type ArrayOptions, samplesFor } from './samples.js';

/** Feeds a graph with arrays: the same ones each time. */
export function arrayFeeds(options: ArrayOptions, onOrigin?: (origin: string) => void): FeedsOf {
  return async function* (session) {
    const { samples, origin } = await samplesFor(session, options);
    onOrigin?.(origin);
    for (const sample of samples) yield toTensors(sample);
  };
}

/**
 * Calibration on a person's own arrays, for models without a card: `samplesOfFile` tells of the form of the file.
 *
 * @returns the resource that `applyRecipe` takes
 * @throws {InputError} when the file cannot be read, or an array does not fit its input; file and input are named
 * @example
 * const { model } = await applyRecipe(float, PRESETS.static, { calibrate: calibratorOnArrays({ inputs: 'samples.npz' }) });
 */
export function calibratorOnArrays(options: ArrayOptions): NonNullable<RecipeResources['calibrate']> {
  const samples = samplerOnArrays(options);
  return async (plan, calibration) =>
    await calibrateRanges(plan.tensors, samples(plan.model, plan.tensors), calibration, 'leave');
}

/**
 * What values are on a person's own arrays.
 *
 * @returns the resource `samples` that `applyRecipe` takes
 * @throws {InputError} as {@link calibratorOnArrays}
 */
export function samplerOnArrays(options: ArrayOptions): SampleRunner {
  return (model, tensors) => runModel(model, tensors, arrayFeeds(options), options);
}

/** How layers are measured on arrays. */
export interface ArraySensitivityOptions extends ArrayOptions {
  /** The output that is judged. Default: the first of float32. */
  readonly output?: string | undefined;
  /** Names of the only layers to measure. Default: all. */
  readonly nodes?: readonly string[] | undefined;
  /** What is done to each layer. Default: each form in fewer bits that its operator has. */
  readonly ways?: readonly Way[] | undefined;
  /** Told after each layer and choice. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told what the model is fed with. */
  readonly onOrigin?: (origin: string) => void;
}

/**
 * Measures for each layer and each way of compressing it what it does to weights, to what the layer gives and to an output
 * of a model without a card, and the time that it saves on this machine.
 *
 * @returns the most harmful first
 * @throws {InputError} when the arrays do not fit the model, or it has no float32 output
 */
export async function sensitivityOnArrays(
  model: OnnxModel,
  options: ArraySensitivityOptions = {},
): Promise<readonly LayerSensitivity[]> {
  const { nodes, ways, onProgress, onOrigin } = options;
  const outputs = floatOutputs(model);
  const output = options.output ?? outputs[0];
  if (output === undefined) {
    throw new InputError(`${model.path}: an output of float32 was required to judge layers by, got none; convert it`);
  }
  let said = false;
  const feeds = arrayFeeds(options, (origin) => {
    if (!said) onOrigin?.(origin);
    said = true;
  });
  return await measureSensitivity(
    model,
    {
      calibrate: remembering(calibratorOnArrays(options)),
      samples: samplerOnArrays(options),
      memory: new Memory(),
      run: (changed, tensors) => runModel(changed, tensors, feeds, options),
      profile: (changed) => profileModel(changed, firstOf(feeds), options),
    },
    { output, ...(nodes && { nodes }), ...(ways && { ways }), ...(onProgress && { onProgress }) },
  );
}

/** Feeds a graph once. */
function firstOf(feedsOf: FeedsOf): FeedsOf {
  return async function* (session) {
    for await (const feeds of feedsOf(session)) {
      yield feeds;
      return;
    }
  };
}

/** Names of the outputs of a model that are float32, or whose type its file does not say. */
export function floatOutputs(model: OnnxModel): readonly string[] {
  return mainGraph(model)
    .output.filter(({ type }) => {
      const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
      return tensor !== undefined && (dtypeOf(tensor.elemType) ?? 'float32') === 'float32';
    })
    .map(({ name }) => name);
}
