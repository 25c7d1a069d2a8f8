import { copyModel } from '../onnx/copy.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { ranksOf } from '../onnx/ranks.js';
import { applyRecipe, type RecipeResources } from './applyRecipe.js';
import type { CalibrationSample } from './calibrate.js';
import { LAYER_CHOICES, type Layer, type LayerChoice, layersOf, recipeOf } from './layers.js';
import { prepare } from './prepare.js';
import { floatValue } from './staticPlan.js';

/** Runs a model on the same utterances each time: sample after sample the values of the tensors asked for. */
export type SampleRunner = (
  model: OnnxModel,
  tensors: readonly string[],
) => AsyncIterable<CalibrationSample> | Iterable<CalibrationSample>;

/** What measuring needs from outside: `compress` runs no model itself. */
export interface SensitivityResources extends RecipeResources {
  readonly run: SampleRunner;
  /** Milliseconds that a run spends in each node, by a name that tells float from compressed; leave it out where time does not matter. */
  readonly profile?: (model: OnnxModel) => Promise<ReadonlyMap<string, number>>;
}

/** What happens when one layer alone is compressed. Signals to error are in decibels; `null` where nothing was lost. */
export interface LayerSensitivity {
  readonly layer: Layer;
  readonly choice: LayerChoice;
  /** Of the layer's weights: the worst of them. */
  readonly weightsDb: number | null;
  /** Of what the layer gives. */
  readonly activationDb: number | null;
  /** Of the model's output. */
  readonly outputDb: number | null;
  /** Bytes of the layer's weights before and after. */
  readonly weightBytesBefore: number;
  readonly weightBytesAfter: number;
  /** Time that a run needs less than with the layer in float, in milliseconds; `null` without a profile. */
  readonly savedMs: number | null;
}

/** Options of {@link measureSensitivity}. */
export interface SensitivityOptions {
  /** The model's output that is judged. */
  readonly output: string;
  /** Names of the only layers to measure. Default: all. */
  readonly nodes?: readonly string[];
  /** Told after each layer and choice. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compresses one layer at a time, in each way that there is, and measures what it costs and what it gains.
 *
 * @param original - left as it is
 * @returns the most harmful first, by the effect on the output
 * @throws {InputError} when the model cannot be run or calibrated
 */
export async function measureSensitivity(
  original: OnnxModel,
  resources: SensitivityResources,
  options: SensitivityOptions,
): Promise<readonly LayerSensitivity[]> {
  const { model } = prepare(original);
  const layers = layersOf(model);
  const watched = [...new Set([...layers.map(({ output }) => output), options.output])];
  const reference: CalibrationSample[] = [];
  for await (const sample of resources.run(showing(model, watched), watched)) reference.push(sample);
  const floatTimes = await resources.profile?.(model);
  const candidates = layers
    .filter(({ node }) => options.nodes === undefined || options.nodes.includes(node))
    .flatMap((layer) => LAYER_CHOICES[layer.opType].map((choice) => ({ layer, choice })));
  const measured: LayerSensitivity[] = [];
  for (const { layer, choice } of candidates) {
    const recipe = recipeOf('one-layer', '', layers, new Map([[layer.node, choice]]));
    const { model: changed, report } = await applyRecipe(model, recipe, resources);
    if (report.compressed.length > 0) {
      const names = [...new Set([layer.output, options.output])];
      const [activationDb = null, outputDb = activationDb] = await compare(changed, names, reference, resources.run);
      const times = await resources.profile?.(changed);
      const decibels = report.compressed.map((weight) => weight.signalToErrorDb ?? Number.POSITIVE_INFINITY);
      const sum = (key: 'sizeBytesBefore' | 'sizeBytesAfter'): number =>
        report.compressed.reduce((total, weight) => total + weight[key], 0);
      measured.push({
        layer,
        choice,
        weightsDb: finite(Math.min(...decibels)),
        activationDb,
        outputDb,
        weightBytesBefore: sum('sizeBytesBefore'),
        weightBytesAfter: sum('sizeBytesAfter'),
        savedMs: floatTimes && times ? without(floatTimes, times) - without(times, floatTimes) : null,
      });
    }
    options.onProgress?.(
      candidates.findIndex((one) => one.layer === layer && one.choice === choice) + 1,
      candidates.length,
    );
  }
  const loss = (one: LayerSensitivity): number => one.outputDb ?? Number.POSITIVE_INFINITY;
  return measured.sort((a, b) => loss(a) - loss(b));
}

/** Time of the nodes that only one of two models has: what both have is noise. */
function without(times: ReadonlyMap<string, number>, others: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [name, ms] of times) if (!others.has(name)) sum += ms;
  return sum;
}

async function compare(
  model: OnnxModel,
  names: readonly string[],
  reference: readonly CalibrationSample[],
  run: SampleRunner,
): Promise<(number | null)[]> {
  const signal = names.map(() => 0);
  const error = names.map(() => 0);
  let index = 0;
  for await (const sample of run(showing(model, names), names)) {
    const before = reference[index++];
    for (const [at, name] of names.entries()) {
      const [was, is] = [before?.[name], sample[name]];
      if (was === undefined || is === undefined) continue;
      for (let i = 0; i < was.length; i++) {
        const value = was[i] ?? 0;
        const lost = value - (is[i] ?? 0);
        signal[at] = (signal[at] ?? 0) + value * value;
        error[at] = (error[at] ?? 0) + lost * lost;
      }
    }
  }
  return names.map((_, at) => (error[at] === 0 ? null : finite(10 * Math.log10((signal[at] ?? 0) / (error[at] ?? 1)))));
}

function finite(decibels: number): number | null {
  return Number.isFinite(decibels) ? decibels : null;
}

/** The model with values among its outputs. */
export function showing(model: OnnxModel, names: readonly string[]): OnnxModel {
  const { output } = mainGraph(model);
  const shown = new Set(output.map(({ name }) => name));
  const ranks = ranksOf(mainGraph(model));
  const added = names.filter((name) => !shown.has(name)).map((name) => floatValue(name, ranks.get(name)));
  return copyModel(model, { output: [...output, ...added] });
}
