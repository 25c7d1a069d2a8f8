import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../files.js';
import type { CardFile, CardGraph } from '../card/card.js';
import { writeCard } from '../card/readCard.js';
import { graphsOf, type ResolvedModel } from '../model.js';

/**
 * Writes a model as it is loaded, its graphs as `.onnx` files, with its card: for other tools.
 *
 * @param folder - where to write; made when missing
 * @returns the paths of what was written, last the card
 */
export async function unpackModel(
  { card, graphs, files = {} }: ResolvedModel,
  folder: string,
): Promise<readonly string[]> {
  await makeFolder(folder);
  const written: string[] = [];
  const copy = async (from: string, { path }: CardFile): Promise<void> => {
    await copyFile(from, join(folder, path));
    written.push(join(folder, path));
  };
  const described: Record<string, CardGraph> = {};
  for (const { name, path } of graphsOf({ graphs })) {
    const { file } = card.graphs[name] as CardGraph;
    await copy(path, file);
    described[name] = { file };
  }
  for (const [name, path] of Object.entries(files)) await copy(path, card.files?.[name] as CardFile);
  const cardPath = join(folder, 'model.json');
  await writeCard({ ...card, graphs: described }, cardPath);
  return [...written, cardPath];
}
