import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { getFile } from '../../speech/corpora/getFile.js';
import type { ModelCard } from '../card/card.js';
import type { GetModelOptions } from '../registry/getModel.js';
import { cacheFolder, resolveModel, weightsFolder } from '../registry/registry.js';
import { importModel } from './importModel.js';
import type { PublishedWhisper } from './publishedWhispers.js';

const HUGGING_FACE = 'https://huggingface.co';

/** How a Whisper is got. */
export interface GetWhisperOptions extends GetModelOptions {
  /** Address or folder that has the files as Hugging Face has them, a mirror. Default: Hugging Face itself. */
  readonly from?: string | undefined;
}

/**
 * Gets a Whisper of OpenAI's from Hugging Face, by commit and SHA-256, and makes a model of it. What was downloaded goes when the
 * model is whole; what came of an interrupted download is gone on with.
 *
 * One that is there and whole stays.
 *
 * @param id - by which `resolveModel` finds it from then on
 * @returns its card
 * @throws {InputError} when the bytes are not those that are known
 * @throws {UnavailableError} when the server does not answer or the disk is full; run again to go on
 */
export async function getWhisper(
  id: string,
  { repository, revision, files }: PublishedWhisper,
  { from = HUGGING_FACE, cacheFolder: cache = cacheFolder(), ...options }: GetWhisperOptions = {},
): Promise<ModelCard> {
  const there = await resolveModel(id, { cacheFolder: cache }).catch((error: unknown) => {
    if (error instanceof InputError) return undefined;
    throw error;
  });
  if (there !== undefined) return there.card;
  const folder = join(cache, 'downloads', repository, revision);
  const place = /^https?:/.test(from)
    ? `${from.replace(/\/$/, '')}/${repository}/resolve/${revision}/`
    : join(from, repository, 'resolve', revision);
  for (const file of files) await getFile(place, file, join(folder, file.path), options);
  options.signal?.throwIfAborted();
  const card = await importModel(folder, weightsFolder(cache, id));
  await rm(folder, { recursive: true, force: true });
  return card;
}
