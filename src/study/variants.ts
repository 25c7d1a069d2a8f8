import { join } from 'node:path';
import { parseRecipe, type Recipe, readRecipe } from '../compress/recipe.js';
import { sha256OfBytes } from '../files.js';
import { isFolder, variantPaths } from '../recognise/card/variantCard.js';
import { modelSha256, modelSizeBytes, type ResolvedModel } from '../recognise/model.js';
import { describedModel } from '../recognise/registry/describedModel.js';
import { cacheFolder, resolveModel } from '../recognise/registry/registry.js';
import { type QuantizedGraph, type QuantizeOptions, quantizeModel } from '../tune/quantizeModel.js';
import { type ConditionInputs, NO_RECIPE } from './schema.js';

/** A variant of a model, ready to be loaded. */
export interface Variant {
  readonly model: ResolvedModel;
  /** Size of the files that are loaded. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What was done to each of its graphs; none where it is the model as it is. */
  readonly quantized: readonly QuantizedGraph[];
  /** What it was made from. */
  readonly inputs: ConditionInputs;
  /** Made by the results of float arithmetic, so that another processor may make another file of the same sources. */
  readonly isCalibrated: boolean;
}

/**
 * Makes a model smaller, any ONNX file, with or without a card, and writes it where it is asked for.
 *
 * @param idOrPath - the model
 * @param recipe - how it is compressed: the name of a preset, a recipe file, or a recipe
 * @returns each of its graphs, with its file and what was done to it
 * @throws {InputError} when the model or the recipe is missing or damaged, or nothing gets smaller by it
 * @example
 * const [only] = await quantize('model.onnx', 'static', { out: 'small.onnx', inputs: 'samples.npz' });
 * console.log(only?.report.compressed.length);
 */
export async function quantize(
  idOrPath: string,
  recipe: string | Recipe,
  options: QuantizeOptions,
): Promise<readonly QuantizedGraph[]>;
/**
 * Makes a variant of a model that has a card. It is made again each time, so that it always comes from the present code; its files lie in the
 * cache, named after the checksums of the model and the recipe. Static steps calibrate on the embedded `calibration` set.
 * Where nothing gets smaller it is the model as it was, as the report says: experiments show that, too.
 *
 * @param idOrPath - the model
 * @param recipe - as above, or `none`: the model as it is
 * @param folder - where to write. Default: `variants` in the cache
 * @throws {InputError} when the model or the recipe is missing or damaged
 * @throws {UnavailableError} when the cache cannot be written
 * @example
 * const { model } = await quantize('deepspeech2-lstm', 'hybrid');
 */
export async function quantize(idOrPath: string, recipe: string | Recipe, folder?: string): Promise<Variant>;
export async function quantize(
  idOrPath: string,
  recipe: string | Recipe,
  place: string | QuantizeOptions = join(cacheFolder(), 'variants'),
): Promise<Variant | readonly QuantizedGraph[]> {
  if (typeof place !== 'string') return await quantizeModel(await describedModel(idOrPath), await read(recipe), place);
  const model = await resolveModel(idOrPath);
  const sha256 = await modelSha256(model);
  if (recipe === NO_RECIPE) return { ...(await describe(model, sha256, null)), quantized: [], isCalibrated: false };
  const steps = await read(recipe);
  // The steps alone: a recipe that is called or described otherwise makes the same model.
  const recipeSha256 = sha256OfBytes(Buffer.from(JSON.stringify(steps.steps)));
  const id = `${model.card.id}.${steps.name}`;
  const stem = join(place, `${id}-${sha256.slice(0, 16)}-${recipeSha256.slice(0, 8)}`);
  const path = isFolder(model) ? stem : `${stem}.onnx`;
  const quantized = await quantizeModel(model, steps, { out: path, allowsNothing: true });
  const made = { ...model, card: { ...model.card, id }, path, graphs: variantPaths(model, path) };
  const isCalibrated = steps.steps.some(
    ({ transform, options }) => transform === 'static' || (options && 'calibrated' in options && options.calibrated),
  );
  return { ...(await describe(made, sha256, recipeSha256)), quantized, isCalibrated };
}

/** A recipe, checked before anything is done: its name becomes part of an id. */
async function read(recipe: string | Recipe): Promise<Recipe> {
  return typeof recipe === 'string' ? await readRecipe(recipe) : parseRecipe(JSON.stringify(recipe));
}

async function describe(
  model: ResolvedModel,
  sourceSha256: string,
  recipeSha256: string | null,
): Promise<Omit<Variant, 'quantized' | 'isCalibrated'>> {
  const sha256 = recipeSha256 === null ? sourceSha256 : await modelSha256(model);
  const inputs = { modelSha256: sourceSha256, recipeSha256, variantSha256: sha256 };
  return { model, sizeBytes: await modelSizeBytes(model), sha256, inputs };
}
