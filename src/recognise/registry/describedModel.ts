import { stat } from 'node:fs/promises';
import type { ModelCard } from '../card/card.js';
import type { ResolvedModel } from '../model.js';
import { findCard, resolveModel } from './registry.js';

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
