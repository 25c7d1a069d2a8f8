import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ModelCard } from '../recognise/card/card.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { findCard, resolveModel } from '../recognise/registry/registry.js';
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

/** A model of which perhaps nothing is known but its file. */
export type DescribedModel = Omit<ResolvedModel, 'card'> & { readonly card: ModelCard | null };

/**
 * A model that need not be heard with: any ONNX file, with or without a card, a folder with a card, or a shipped model in float32.
 *
 * @throws {InputError} when there is no such file, folder or model, or a file is not the one that its card describes
 */
export async function describedModel(name: string): Promise<DescribedModel> {
  const isFile = await stat(name).then(
    (found) => found.isFile(),
    () => false,
  );
  const isBare = name.endsWith('.onnx') ? (await findCard(name)) === undefined : isFile && !name.endsWith('.json');
  return isBare ? { card: null, path: name, graphs: { model: name } } : await resolveModel(name);
}

/**
 * The file of a model that is not heard with and has one graph.
 *
 * @throws {InputError} when there is neither such a file nor such a model, or it has several
 */
export async function modelFile(name: string): Promise<string> {
  return name.endsWith('.onnx') ? name : graphOf(await describedModel(name)).path;
}
