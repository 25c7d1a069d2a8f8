import { basename, join } from 'node:path';
import { InputError } from '../../errors.js';
import type { DownloadOptions } from '../../speech/corpora/download.js';
import { getFile } from '../../speech/corpora/getFile.js';
import { type CardFile, type ModelCard, shippedFiles } from '../card/card.js';
import { filesBeside, readCard } from '../card/readCard.js';
import { cacheFolder, isModelId, packageCard, weightsFolder } from './registry.js';

/** How a model is got. */
export interface GetModelOptions extends Pick<DownloadOptions, 'progress' | 'signal' | 'retryPauseMs'> {
  /** Where it is put. Default: the cache. */
  readonly cacheFolder?: string;
}

/**
 * Gets the weights of a model, checked against the checksum in its card. The card is the package's own, where it has one of this
 * id; of another model it comes from the same place.
 *
 * @param id - of the model
 * @param from - folder or address of a folder with a folder for each model, as `data/models` of the repository is
 * @returns its card; `resolveModel` finds it by its id from then on
 * @throws {InputError} when there is no such model, its card is bad or the weights are not those of the card
 * @throws {UnavailableError} when the server does not answer or the disk is full; run again to go on
 */
export async function getModel(id: string, from: string, options: GetModelOptions = {}): Promise<ModelCard> {
  const { cacheFolder: cache = cacheFolder(), ...rest } = options;
  if (!isModelId(id)) {
    throw new InputError(`model ${id}: small letters, digits, dots and dashes were required, got others; check the id`);
  }
  const folder = weightsFolder(cache, id);
  const get = (file: CardFile): Promise<void> => {
    const checksum = file.sha256 === undefined ? null : ({ algorithm: 'sha256', value: file.sha256 } as const);
    return getFile(
      from,
      { path: `${id}/${file.path}`, checksum, sizeBytes: file.sizeBytes },
      join(folder, file.path),
      rest,
    );
  };
  const own = await packageCard(id);
  if (own !== null) {
    for (const file of shippedFiles(own)) await get(file);
    return own;
  }
  const cardPath = join(folder, 'model.json');
  await getFile(from, { path: `${id}/model.json`, checksum: null }, cardPath, rest);
  for (const path of await filesBeside(cardPath)) {
    await getFile(from, { path: `${id}/${basename(path)}`, checksum: null }, path, rest);
  }
  const card = await readCard(cardPath);
  if (card.id !== id) {
    throw new InputError(
      `${from}/${id}/model.json: the card of ${id} was required, got that of ${card.id}; check the id`,
    );
  }
  for (const file of shippedFiles(card)) await get(file);
  return card;
}
