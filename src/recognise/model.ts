import { stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { describeFileError, sha256OfBytes, sha256OfFile } from '../files.js';
import type { ModelCard } from './card/card.js';

/** A model that can be run: what is known of it, and the files to load. */
export interface ResolvedModel {
  readonly card: ModelCard;
  /** How errors and reports call it: the `.onnx` file of a model of one graph, the folder of one of several. */
  readonly path: string;
  /** The `.onnx` file of each graph, by its name; float32 for a model of the registry. */
  readonly graphs: Readonly<Record<string, string>>;
  /** Other files that the card names, by its names for them: a tokenizer. Default: none. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** One graph of a model: what is compressed and judged at a time. */
export interface ModelGraph {
  readonly name: string;
  readonly path: string;
}

/** The graphs of a model, in the order of its card. */
export function graphsOf({ graphs }: Pick<ResolvedModel, 'graphs'>): readonly ModelGraph[] {
  return Object.entries(graphs).map(([name, path]) => ({ name, path }));
}

/**
 * One graph of a model.
 *
 * @param name - of the graph. Default: the only one
 * @throws {InputError} when the model has no such graph, or none was named of several
 */
export function graphOf(model: Pick<ResolvedModel, 'path' | 'graphs'>, name?: string): ModelGraph {
  const graphs = graphsOf(model);
  const found = name === undefined && graphs.length === 1 ? graphs[0] : graphs.find((graph) => graph.name === name);
  if (found !== undefined) return found;
  const known = graphs.map((graph) => graph.name).join(', ');
  throw new InputError(`${model.path}: the name of a graph (${known}) was required, got ${name ?? 'none'}; name one`);
}

/**
 * Size of the files of a model's graphs.
 *
 * @returns bytes
 * @throws {InputError} when one is not there
 */
export async function modelSizeBytes(model: ResolvedModel): Promise<number> {
  let total = 0;
  for (const { path } of graphsOf(model)) {
    const found = await stat(path).catch((error: unknown) => {
      throw describeFileError(path, error);
    });
    total += found.size;
  }
  return total;
}

/**
 * Tells models apart whose files differ.
 *
 * @param digest - SHA-256 of one file. Default: computed
 * @returns SHA-256 of the file of a model of one graph; of several, of the list of their names and checksums
 * @throws {InputError} when a file cannot be read
 */
export async function modelSha256(
  model: ResolvedModel,
  digest: (path: string) => Promise<string> = sha256OfFile,
): Promise<string> {
  const files = [...graphsOf(model), ...graphsOf({ graphs: model.files ?? {} })];
  const [first, ...others] = await Promise.all(
    files.map(async ({ name, path }) => [name, await digest(path)] as const),
  );
  if (first !== undefined && others.length === 0) return first[1];
  return sha256OfBytes(JSON.stringify([first, ...others]));
}
