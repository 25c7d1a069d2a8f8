import { copyFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, sha256OfFile } from '../../files.js';
import { graphsOf, type ResolvedModel } from '../model.js';
import type { CardGraph, CheckedFile, ModelCard } from './card.js';
import { writeCard } from './readCard.js';

/** Whether a model is a folder: it has several graphs, or other files. */
export function isFolder({ graphs, files }: Pick<ResolvedModel, 'graphs' | 'files'>): boolean {
  return files !== undefined || Object.keys(graphs).length > 1;
}

/**
 * Where the files of a variant are written: of a model of one graph `out` itself, an `.onnx` file; of one of several, in the folder
 * `out`, called as in the card.
 *
 * @param model - of which the variant is made
 * @returns for each graph a path
 */
export function variantPaths(
  model: Pick<ResolvedModel, 'graphs' | 'files'>,
  out: string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    graphsOf(model).map(({ name }) => [name, isFolder(model) ? join(out, `${name}.onnx`) : out]),
  );
}

/**
 * Writes the card of a variant beside it, `X.json` for `X.onnx` and `model.json` in a folder, with the other files that the model needs,
 * so that the variant runs like any other model.
 *
 * Whatever else the card says is that of the model it was made from; the figures are left out, since they were not
 * measured on the variant.
 *
 * @param model - that the variant was made from
 * @param graphs - the variant's own: `.onnx` files that load as they are
 * @param recipe - how it was made, for its id and title
 * @returns the path of the card
 */
export async function writeVariantCard(
  { card, files }: Pick<ResolvedModel, 'card' | 'files'>,
  graphs: Readonly<Record<string, string>>,
  recipe: string,
): Promise<string> {
  const described: Record<string, CardGraph> = {};
  for (const { name, path } of graphsOf({ graphs })) described[name] = { file: await cardFile(path) };
  const [path = ''] = Object.values(graphs);
  const folder = dirname(path);
  await makeFolder(folder);
  for (const [name, from] of Object.entries(files ?? {})) {
    const to = join(folder, card.files?.[name]?.path ?? basename(from));
    if (to !== from) await copyFile(from, to);
  }
  const { figures: _, ...kept } = card;
  const variant: ModelCard = {
    ...kept,
    id: `${card.id}.${recipe}`,
    title: `${card.title}, ${recipe}`,
    graphs: described,
  };
  const cardPath = isFolder({ graphs, files }) ? join(folder, 'model.json') : path.replace(/\.onnx$/, '.json');
  await writeCard(variant, cardPath);
  return cardPath;
}

/** What a card says of a file. */
export async function cardFile(path: string): Promise<CheckedFile> {
  return { path: basename(path), sha256: await sha256OfFile(path), sizeBytes: (await stat(path)).size };
}
