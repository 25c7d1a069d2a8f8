import { basename } from 'node:path';
import { type ResolvedModel, resolveModel } from '../recognise/registry/registry.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { quantize } from '../study/variants.js';

/** A model to be measured, and what it is called in tables. */
export interface NamedModel {
  readonly title: string;
  readonly model: ResolvedModel;
}

/**
 * The models that were named; where none was, the shipped one in float32 and quantized dynamically.
 *
 * @throws {InputError} when one is missing or damaged
 */
export async function namedModels(given: readonly string[] | undefined): Promise<readonly NamedModel[]> {
  if (given !== undefined) {
    return await Promise.all(
      given.map(async (name) => {
        const model = await resolveModel(name);
        return { title: name.endsWith('.onnx') ? basename(name, '.onnx') : model.card.id, model };
      }),
    );
  }
  const [float, quantized] = await Promise.all([quantize(DEFAULT_MODEL, 'none'), quantize(DEFAULT_MODEL, 'dynamic')]);
  return [
    { title: `${DEFAULT_MODEL} float32`, model: float.model },
    { title: `${DEFAULT_MODEL} int8`, model: quantized.model },
  ];
}
