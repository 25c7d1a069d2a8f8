import { basename } from 'node:path';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { describedModel } from '../recognise/registry/describedModel.js';
import { resolveModel } from '../recognise/registry/registry.js';
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
 * The file of a model that has one graph, with or without a card.
 *
 * @throws {InputError} when there is neither such a file nor such a model, or it has several
 */
export async function modelFile(name: string): Promise<string> {
  return name.endsWith('.onnx') ? name : graphOf(await describedModel(name)).path;
}
