import { didYouMean, InputError } from '../../errors.js';
import { copyModel } from '../../onnx/graph/copy.js';
import { producersOf } from '../../onnx/graph/graph.js';
import { ranksOf } from '../../onnx/graph/ranks.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { operatorSetsOf } from '../../onnx/types/signature.js';
import { valueTypes } from '../../onnx/types/valueTypes.js';
import { ownValue } from '../../ownValue.js';
import { applyRecipe } from '../applyRecipe.js';
import { type CalibrationSample, LAYER_OPS, type RecipeResources, type SampleRunner } from '../pass.js';
import type { Recipe, RecipeStep } from '../recipe.js';
import { checkNodeNames } from '../rewrite/nodeNames.js';
import { NormalGraph } from '../rewrite/normalGraph.js';
import { SignalToError } from '../rewrite/signalToError.js';
import { alignedForIntegers } from '../static/aligned.js';
import { floatValue } from '../static/staticPlan.js';
import { choicesFor, type Layer, type LayerChoice, layersOfGraph, recipeOf } from './layers.js';

/** What measuring needs from outside: `compress` runs no model itself. */
export interface SensitivityResources extends RecipeResources {
  readonly run: SampleRunner;
  /** Milliseconds that a run spends in each node, by a name that tells float from compressed; leave it out where time does not matter. */
  readonly profile?: (model: OnnxModel) => Promise<ReadonlyMap<string, number>>;
}

/**
 * What happens when one layer alone is compressed. Signals to error are in decibels: `null` where nothing was lost, minus
 * infinity where the answer is no number any more.
 */
export interface LayerSensitivity {
  readonly layer: Layer;
  readonly choice: LayerChoice;
  /** Of the layer's weights: the worst of them. */
  readonly weightsDb: number | null;
  /** Share of zeros in what the layer gives in float, after its rectifier: near 1, most of its units hardly ever fire. */
  readonly zeros: number;
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

/** A way of making a layer smaller. */
export interface Way {
  /** What it is called. */
  readonly choice: LayerChoice;
  /** The step of a recipe that does it to the nodes named. */
  stepFor(nodes: readonly string[]): RecipeStep;
}

/** Options of {@link measureSensitivity}. */
export interface SensitivityOptions {
  /** The model's output that is judged. */
  readonly output: string;
  /** Names of the only layers to measure. Default: all. */
  readonly nodes?: readonly string[];
  /** What is done to each layer. Default: each form in fewer bits that its operator has. */
  readonly ways?: readonly Way[];
  /** Told before the first layer and choice, and after each. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Compresses one layer at a time, in each way that there is, and measures what it costs and what it gains.
 *
 * @param original - left as it is
 * @returns the most harmful first, by the effect on the output
 * @throws {InputError} when the model cannot be run or calibrated, has no layer that is asked for, or no answer in numbers
 */
export async function measureSensitivity(
  original: OnnxModel,
  resources: SensitivityResources,
  options: SensitivityOptions,
): Promise<readonly LayerSensitivity[]> {
  const entered = NormalGraph.enter(original);
  const graph = options.ways === undefined ? alignedForIntegers(entered) : entered;
  const { model } = graph;
  const layers = layersOfGraph(graph);
  if (layers.length === 0) {
    throw new InputError(
      `${model.path}: named nodes of ${LAYER_OPS.join(', ')} with constant float32 weights were required, got none; see what the model holds with \`quantlab inspect\``,
    );
  }
  checkNodeNames(
    'nodes',
    options.nodes ?? [],
    layers.map(({ node }) => node),
  );
  const watched = [...new Set([...layers.map(({ output }) => output), options.output])];
  const reference: CalibrationSample[] = [];
  for await (const sample of resources.run(withOutputs(model, watched), watched)) reference.push(sample);
  requireFinite(model, options.output, reference);
  const floatTimes = await resources.profile?.(model);
  const candidates = layers
    .filter(({ node }) => options.nodes === undefined || options.nodes.includes(node))
    .flatMap((layer) => recipesFor(layer, layers, options.ways).map((recipe) => ({ layer, recipe })));
  const measured: LayerSensitivity[] = [];
  options.onProgress?.(0, candidates.length);
  for (const [index, { layer, recipe }] of candidates.entries()) {
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
        choice: recipe.name,
        weightsDb: lossless(Math.min(...decibels)),
        zeros: zerosIn(reference, layer.output),
        activationDb,
        outputDb,
        weightBytesBefore: sum('sizeBytesBefore'),
        weightBytesAfter: sum('sizeBytesAfter'),
        savedMs: floatTimes && times ? without(floatTimes, times) - without(times, floatTimes) : null,
      });
    }
    options.onProgress?.(index + 1, candidates.length);
  }
  if (measured.length === 0) {
    const names = [...new Set(candidates.map(({ layer }) => layer.node))].join(', ');
    throw new InputError(
      `${model.path}: a layer that can be made smaller was required, got none among ${names}; \`quantlab quantize\` says why`,
    );
  }
  const loss = (one: LayerSensitivity): number => one.outputDb ?? Number.POSITIVE_INFINITY;
  return measured.sort((a, b) => loss(a) - loss(b));
}

/** What is tried of a layer, each recipe by the name of what it does. */
function recipesFor(layer: Layer, layers: readonly Layer[], ways: readonly Way[] | undefined): readonly Recipe[] {
  if (ways === undefined) {
    return choicesFor(layer.opType).map((choice) => recipeOf(choice, '', layers, new Map([[layer.node, choice]])));
  }
  return ways.map(({ choice, stepFor }) => {
    return { schema: 'quantlab.recipe/1', name: choice, description: '', steps: [stepFor([layer.node])] };
  });
}

/** Share of a value's numbers that are zero. */
function zerosIn(samples: readonly CalibrationSample[], name: string): number {
  let [zeros, all] = [0, 0];
  for (const sample of samples) {
    const values = ownValue(sample, name) ?? new Float32Array();
    all += values.length;
    for (const value of values) if (value === 0) zeros++;
  }
  return all === 0 ? 0 : zeros / all;
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
  const sums = names.map(() => new SignalToError());
  let index = 0;
  for await (const sample of run(withOutputs(model, names), names)) {
    const before = reference[index++];
    for (const [at, name] of names.entries()) {
      sums[at]?.add(ownValue(before, name) ?? new Float32Array(), ownValue(sample, name) ?? new Float32Array());
    }
  }
  return sums.map(({ lossDb }) => lossDb);
}

/** `null` for a signal to error that is infinite. */
function lossless(decibels: number): number | null {
  return decibels === Number.POSITIVE_INFINITY ? null : decibels;
}

/** What is compared with has to be numbers, and there has to be something. */
function requireFinite(model: OnnxModel, output: string, samples: readonly CalibrationSample[]): void {
  const values = samples.map((sample) => sample[output] ?? new Float32Array());
  if (values.some(({ length }) => length > 0) && values.every((one) => one.every(Number.isFinite))) return;
  const what = values.some(({ length }) => length > 0) ? 'NaN or an infinity' : 'none';
  throw new InputError(
    `${model.path}: finite values of ${output} were required, got ${what}; check that the float model transcribes at all`,
  );
}

/**
 * The model with values among its outputs: values of its main graph, or of what its functions do, by the names that
 * {@link layersOf} gives.
 *
 * @throws {InputError} when the main graph has no such value, or it is not float32
 */
export function withOutputs(original: OnnxModel, names: readonly string[]): OnnxModel {
  const there = producersOf(mainGraph(original));
  const model = names.every((name) => there.has(name)) ? original : NormalGraph.enter(original).model;
  const graph = mainGraph(model);
  const shown = new Set(graph.output.map(({ name }) => name));
  const types = valueTypes(graph, operatorSetsOf(model.proto));
  const made = producersOf(graph);
  const known = [...graph.input.map(({ name }) => name), ...made.keys()];
  for (const name of names) {
    const type = types.get(name) ?? 'float32';
    if (known.includes(name) && type === 'float32') continue;
    const [got, todo] = known.includes(name) ? [type, 'name another'] : ['none', didYouMean(name, known)];
    throw new InputError(
      `${model.path}: a float32 value named ${name} was required, got ${got}; ${todo || 'see `quantlab inspect`'}`,
    );
  }
  const ranks = ranksOf(graph);
  const added = names.filter((name) => !shown.has(name)).map((name) => floatValue(name, ranks.get(name)));
  return copyModel(model, { output: [...graph.output, ...added] });
}
