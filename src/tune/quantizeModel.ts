import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { applyRecipe } from '../compress/applyRecipe.js';
import { nothingDone } from '../compress/nothingDone.js';
import type { RecipeResources } from '../compress/pass.js';
import type { Recipe } from '../compress/recipe.js';
import type { CompressionReport } from '../compress/rewrite/report.js';
import { InputError } from '../errors.js';
import { makeFolder } from '../files.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { isFolder, variantPaths, writeVariantCard } from '../recognise/card/variantCard.js';
import {
  transformersJsPaths,
  withTransformersJsGraphs,
  writeTransformersJsFiles,
} from '../recognise/export/transformersJs.js';
import { graphsOf, type ModelGraph } from '../recognise/model.js';
import type { DescribedModel } from '../recognise/registry/describedModel.js';
import { calibratorOnArrays, samplerOnArrays } from './arrays/onArrays.js';
import { type CalibrateOptions, calibrator, sampler } from './calibrate.js';

/** Whose folder a model becomes. */
export type ModelLayout = 'quantlab' | 'transformers.js';

/** Where a smaller model is written, and what its static steps calibrate on. */
export interface QuantizeOptions extends Pick<CalibrateOptions, 'manifest' | 'onProgress' | 'onLeftOut' | 'signal'> {
  /** An `.onnx` file; a folder for a model of several graphs. The card of a model that has one is written there, too. */
  readonly out: string;
  /** Arrays to calibrate on instead of speech, `.npz` or `.npy`: a model without a card has no speech. */
  readonly inputs?: string | undefined;
  /** Who loads the folder: quantlab, or transformers.js, whose names and files it then has. Default: quantlab. */
  readonly layout?: ModelLayout | undefined;
  /** Whether a model is written that the recipe made nothing of smaller, as it is. Default: an error. */
  readonly allowsNothing?: boolean | undefined;
  /** The recipe of a graph. Default: the one that was given. */
  readonly recipeFor?: ((float: OnnxModel, graph: ModelGraph) => Promise<Recipe>) | undefined;
}

/** What became of one graph of a model. */
export interface QuantizedGraph {
  /** Its name in the model. */
  readonly graph: string;
  /** The `.onnx` file that was written. */
  readonly path: string;
  /** Of its file, with weights that lie beside it. */
  readonly sizeBytes: { readonly before: number; readonly after: number };
  readonly recipe: Recipe;
  /** What was done to each weight, and why the rest was left. */
  readonly report: CompressionReport;
}

/**
 * Applies a recipe to each graph of a model, with or without a card, and writes what comes of it.
 *
 * @returns the graphs, in the order of the model
 * @throws {InputError} when the recipe makes no graph smaller, a step is not possible, or the place is of the wrong kind
 */
export async function quantizeModel(
  model: DescribedModel,
  recipe: Recipe,
  options: QuantizeOptions,
): Promise<readonly QuantizedGraph[]> {
  requireOut(model, options.out);
  if (options.layout === 'transformers.js') return await quantizeForTransformersJs(model, recipe, options);
  const graphs = await writeGraphs(model, recipe, options, variantPaths(model, options.out));
  const { card, files } = model;
  const outs = Object.fromEntries(graphs.map(({ graph, path }) => [graph, path]));
  if (card) await writeVariantCard({ card, files }, outs, recipe.name);
  return graphs;
}

/** The folder that transformers.js loads; the graphs to quantize lie beside it while this runs. */
async function quantizeForTransformersJs(
  model: DescribedModel,
  recipe: Recipe,
  options: QuantizeOptions,
): Promise<readonly QuantizedGraph[]> {
  const { card } = model;
  if (card === null) {
    throw new InputError(
      `${model.path}: a Whisper was required for the layout of transformers.js, got a model without a card; leave --layout out`,
    );
  }
  const { out } = options;
  const float = `${resolve(out)}.float32`;
  try {
    const source = await withTransformersJsGraphs({ ...model, card }, float);
    const graphs = await writeGraphs(source, recipe, options, transformersJsPaths(out));
    await writeTransformersJsFiles(source, out);
    return graphs;
  } finally {
    await rm(float, { recursive: true, force: true });
  }
}

async function writeGraphs(
  model: DescribedModel,
  recipe: Recipe,
  options: QuantizeOptions,
  outs: Readonly<Record<string, string>>,
): Promise<readonly QuantizedGraph[]> {
  const made: MadeGraph[] = [];
  // All before anything is written: the output may be the input.
  for (const graph of graphsOf(model)) made.push(await makeGraph(model, graph, recipe, options));
  const isNothing = made.every(({ reason }) => reason !== null);
  if (isNothing && options.allowsNothing !== true) throw new InputError(made.map(({ reason }) => reason).join('; '));
  const graphs: QuantizedGraph[] = [];
  for (const { onnx, before, reason: _, ...one } of made) {
    const path = outs[one.graph] as string;
    await makeFolder(dirname(path));
    await writeModel(onnx, path);
    graphs.push({ ...one, path, sizeBytes: { before, after: await modelFileSize(await readModel(path)) } });
  }
  return graphs;
}

/** A model of one file becomes a file, a folder a folder. */
function requireOut(model: DescribedModel, out: string): void {
  if (isFolder(model) === !out.endsWith('.onnx')) return;
  const wanted = isFolder(model) ? `a folder, since ${model.path} has several files,` : 'a name ending in .onnx';
  throw new InputError(`${out}: ${wanted} was required, got another name; write to another place`);
}

/** A graph before it is written. */
interface MadeGraph extends Omit<QuantizedGraph, 'path' | 'sizeBytes'> {
  readonly onnx: OnnxModel;
  /** Size of its file before, in bytes. */
  readonly before: number;
  /** Why nothing was made smaller; `null` where something was. */
  readonly reason: string | null;
}

async function makeGraph(
  model: DescribedModel,
  graph: ModelGraph,
  given: Recipe,
  options: QuantizeOptions,
): Promise<MadeGraph> {
  const { path, name } = graph;
  const float = await readModel(path);
  const before = await modelFileSize(float);
  const recipe = (await options.recipeFor?.(float, graph)) ?? given;
  const { model: onnx, report } = await applyRecipe(float, recipe, resourcesOf(model, name, options));
  // A recipe may rewrite nodes in float: there nothing is smaller, yet what was asked for was done.
  const isNothing = report.compressed.length === 0 && Object.keys(report.replacedNodes).length === 0;
  const reason = isNothing
    ? `${path}: weights that the recipe ${recipe.name} makes smaller were required, got ${nothingDone(float, recipe, report)}`
    : null;
  return { graph: name, recipe, onnx, report, before, reason };
}

function resourcesOf({ card, ...model }: DescribedModel, graph: string, options: QuantizeOptions): RecipeResources {
  if (options.inputs !== undefined) {
    const arrays = { inputs: options.inputs, signal: options.signal };
    return { calibrate: calibratorOnArrays(arrays), samples: samplerOnArrays(arrays) };
  }
  if (card === null) return {};
  const [resolved, speech] = [
    { ...model, card },
    { ...options, graph },
  ];
  return { calibrate: calibrator(resolved, speech), samples: sampler(resolved, speech) };
}
