import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { parseJson, readJson } from '../../files.js';
import type { ModelCard } from './card.js';
import { cardSchema } from './cardSchema.js';
import { readLabelFile } from './labelFile.js';

/**
 * Reads a model card (`model.json`), and the file of its labels where it names one.
 *
 * @throws {InputError} when a file is missing or no JSON, or fields are missing, misspelt or out of range; the message names all of them
 * @example (await readCard('data/models/deepspeech2-lstm/model.json')).timeStride // 4
 */
export async function readCard(path: string): Promise<ModelCard> {
  const { labels, blank, ...card } = await readJson(path, cardSchema);
  if (typeof labels !== 'string') return { ...card, labels, blank: blank as number };
  const held = await readLabelFile(join(dirname(path), labels));
  const found = blank ?? held.blank;
  if (found === undefined || found >= held.labels.length) {
    const came = found === undefined ? 'none, and none that is called so in the file' : `${found}`;
    throw new InputError(
      `${path}: the index of the blank among the ${held.labels.length} labels of ${labels} was required, got ${came}; write it into the card`,
    );
  }
  return { ...card, labels: held.labels.with(found, ''), blank: found };
}

/**
 * Parses the text of a model card that lists its labels.
 *
 * @param where - the file that the text is for: it begins the error
 * @throws {InputError} when the text is no JSON, or fields are missing, misspelt or out of range; the message names all of them
 */
export function parseCard(text: string, where: string): ModelCard {
  const { labels, blank, ...card } = parseJson(text, cardSchema, where);
  if (typeof labels === 'string') {
    throw new InputError(`${where}: a list of labels was required, got the name of a file; list them`);
  }
  return { ...card, labels, blank: blank as number };
}
