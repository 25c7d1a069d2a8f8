import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256OfFile, writeFileAtomic } from '../../files.js';
import type { CardFile, ModelCard } from './card.js';

/**
 * Writes the card of a variant beside it, `X.json` for `X.onnx`, so that the variant runs like any other model.
 *
 * Front end, labels and tensors are those of the model it was made from; the figures are left out, since they were not
 * measured on the variant.
 *
 * @param card - of the model that the variant was made from
 * @param path - the variant, an `.onnx` file that loads as it is
 * @param recipe - how it was made, for its id and title
 * @returns the path of the card
 */
export async function writeVariantCard(card: ModelCard, path: string, recipe: string): Promise<string> {
  const file: CardFile = { path: basename(path), sha256: await sha256OfFile(path), sizeBytes: (await stat(path)).size };
  const variant: ModelCard = {
    ...card,
    id: `${card.id}.${recipe}`,
    title: `${card.title}, ${recipe}`,
    files: { stored: file, float: file },
    figures: [],
  };
  const cardPath = path.replace(/\.onnx$/, '.json');
  await writeFileAtomic(cardPath, `${JSON.stringify(variant, null, 2)}\n`);
  return cardPath;
}
