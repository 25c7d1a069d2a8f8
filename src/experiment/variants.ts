import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { quantizeDynamic } from '../compress/dynamic.js';
import { sha256OfFile } from '../files.js';
import { cacheFolder, type ResolvedModel, resolveModel } from '../model/registry.js';
import { readModel } from '../onnx/read.js';
import { writeModel } from '../onnx/write.js';
import type { RecipeName } from './schema.js';

/** A variant of a model, ready to be loaded. */
export interface Variant {
  readonly model: ResolvedModel;
  /** Size of the file that is loaded. */
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Makes a variant of a model. It is made anew each time, so that it is always that of the present code; the file lies in the
 * cache, named after the model's checksum and the recipe.
 *
 * @param idOrPath - the model
 * @param recipe - how it is compressed
 * @param folder - where to write. Default: `variants` in the cache
 * @throws {InputError} when the model is missing or damaged
 * @throws {UnavailableError} when the cache cannot be written
 */
export async function makeVariant(
  idOrPath: string,
  recipe: RecipeName,
  folder: string = join(cacheFolder(), 'variants'),
): Promise<Variant> {
  const model = await resolveModel(idOrPath);
  const sha256 = await sha256OfFile(model.path);
  if (recipe === 'none') return await describe(model, model.path);
  const path = join(folder, `${model.card.id}-${sha256.slice(0, 16)}-${recipe}.onnx`);
  await writeModel(quantizeDynamic(await readModel(model.path)).model, path);
  return await describe(model, path);
}

async function describe({ card }: ResolvedModel, path: string): Promise<Variant> {
  return { model: { card, path }, sizeBytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
}
