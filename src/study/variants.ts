import { join } from 'node:path';
import { applyRecipe } from '../compress/applyRecipe.js';
import { type Recipe, readRecipe } from '../compress/recipe.js';
import { sha256OfBytes } from '../files.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { isFolder, variantPaths } from '../recognise/card/variantCard.js';
import { graphsOf, modelSha256, modelSizeBytes, type ResolvedModel } from '../recognise/model.js';
import { cacheFolder, resolveModel } from '../recognise/registry/registry.js';
import { calibrator } from '../tune/calibrate.js';
import { type ConditionInputs, NO_RECIPE } from './schema.js';

/** A variant of a model, ready to be loaded. */
export interface Variant {
  readonly model: ResolvedModel;
  /** Size of the files that are loaded. */
  readonly sizeBytes: number;
  readonly sha256: string;
  /** What it was made from. */
  readonly inputs: ConditionInputs;
  /** Made by the results of float arithmetic, so that another processor may make another file of the same sources. */
  readonly isCalibrated: boolean;
}

/**
 * Makes a variant of a model. It is made anew each time, so that it is always that of the present code; its files lie in the
 * cache, named after the checksums of the model and the recipe. Static steps calibrate on the embedded `calibration` set.
 *
 * @param idOrPath - the model
 * @param recipe - how it is compressed: `none`, the name of a preset, a recipe file, or a recipe
 * @param folder - where to write. Default: `variants` in the cache
 * @throws {InputError} when the model or the recipe is missing or damaged
 * @throws {UnavailableError} when the cache cannot be written
 * @example
 * const { model } = await quantize('deepspeech2-lstm', 'hybrid');
 */
export async function quantize(
  idOrPath: string,
  recipe: string | Recipe,
  folder: string = join(cacheFolder(), 'variants'),
): Promise<Variant> {
  const model = await resolveModel(idOrPath);
  const sha256 = await modelSha256(model);
  if (recipe === NO_RECIPE) return { ...(await describe(model, sha256, null)), isCalibrated: false };
  const steps = typeof recipe === 'string' ? await readRecipe(recipe) : recipe;
  // The steps alone: a recipe that is called or described otherwise makes the same model.
  const recipeSha256 = sha256OfBytes(Buffer.from(JSON.stringify(steps.steps)));
  const id = `${model.card.id}.${steps.name}`;
  const place = join(folder, `${id}-${sha256.slice(0, 16)}-${recipeSha256.slice(0, 8)}`);
  const path = isFolder(model) ? place : `${place}.onnx`;
  const graphs = variantPaths(model, path);
  for (const { name, path: from } of graphsOf(model)) {
    const calibrate = calibrator(model, { graph: name });
    await writeModel((await applyRecipe(await readModel(from), steps, { calibrate })).model, graphs[name] as string);
  }
  const isCalibrated = steps.steps.some(({ transform }) => transform === 'static');
  const made = { ...model, card: { ...model.card, id }, path, graphs };
  return { ...(await describe(made, sha256, recipeSha256)), isCalibrated };
}

async function describe(
  model: ResolvedModel,
  sourceSha256: string,
  recipeSha256: string | null,
): Promise<Omit<Variant, 'isCalibrated'>> {
  const sha256 = recipeSha256 === null ? sourceSha256 : await modelSha256(model);
  const inputs = { modelSha256: sourceSha256, recipeSha256, variantSha256: sha256 };
  return { model, sizeBytes: await modelSizeBytes(model), sha256, inputs };
}
