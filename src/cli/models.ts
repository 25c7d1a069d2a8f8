import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ModelCard } from '../recognise/card/card.js';
import { findCard, type ResolvedModel, resolveModel } from '../recognise/registry/registry.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { quantize } from '../study/variants.js';

/**
 * The models that were named, each with an id of its own: a variant has the id of the model that it was made from, and tables,
 * figures and records tell models apart by it. Where none was named, the shipped one in float32 and quantized dynamically.
 *
 * @throws {InputError} when one is missing, damaged or without a card
 */
export async function namedModels(given: readonly string[]): Promise<readonly ResolvedModel[]> {
  if (given.length === 0) {
    const variants = await Promise.all(['none', 'dynamic'].map((recipe) => quantize(DEFAULT_MODEL, recipe)));
    return variants.map(({ model }, index) => withId(model, `${DEFAULT_MODEL} ${index === 0 ? 'float32' : 'int8'}`));
  }
  const short = given.map((name) => basename(name, '.onnx'));
  return await Promise.all(
    given.map(async (name, index) => {
      const isAlone = short.filter((other) => other === short[index]).length === 1;
      return withId(await resolveModel(name), isAlone ? (short[index] ?? name) : name);
    }),
  );
}

function withId(model: ResolvedModel, id: string): ResolvedModel {
  return { ...model, card: { ...model.card, id } };
}

/**
 * The file of a model that is not heard with: any ONNX file, with or without a card, or the float32 one of a shipped model.
 *
 * @throws {InputError} when there is neither such a file nor such a model
 */
export async function modelFile(model: string): Promise<string> {
  const isFile =
    model.endsWith('.onnx') ||
    (await stat(model).then(
      (found) => found.isFile(),
      () => false,
    ));
  return isFile ? model : (await resolveModel(model)).path;
}

/** As {@link modelFile}, with the card where there is one, against which the file is then checked. */
export async function describedFile(
  model: string,
): Promise<{ readonly path: string; readonly card: ModelCard | null }> {
  if (model.endsWith('.onnx') && (await findCard(model)) === undefined) return { path: model, card: null };
  return await resolveModel(model);
}
