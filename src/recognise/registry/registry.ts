import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean, InputError, UnavailableError } from '../../errors.js';
import { describeFileError, sha256OfFile } from '../../files.js';
import { writeModel } from '../../onnx/file/write.js';
import type { CardFile, CardGraph, ModelCard } from '../card/card.js';
import { readCard } from '../card/readCard.js';
import type { ResolvedModel } from '../model.js';
import { unpackWeights } from '../weights/packedWeights.js';

/** Where to look and where to write. */
export interface RegistryOptions {
  /** Folder with a folder for each model. Default: the package's own `data/models`. */
  readonly folder?: string;
  /** Folder for unpacked models. Default: `QUANTLAB_CACHE`, else `quantlab` below `XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheFolder?: string;
}

/** The package's own models. Sources and build lie equally deep below the package. */
function packageModels(): string {
  return fileURLToPath(new URL('../../../data/models', import.meta.url));
}

/**
 * Folder for files that can be made again: `QUANTLAB_CACHE`, else `quantlab` below `XDG_CACHE_HOME` or `~/.cache`.
 *
 * @param env - environment variables
 */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = env['QUANTLAB_CACHE'];
  if (own !== undefined && own !== '') return own;
  const general = env['XDG_CACHE_HOME'];
  return join(general !== undefined && general !== '' ? general : join(homedir(), '.cache'), 'quantlab');
}

/** Whether a name can be that of a model: it becomes the name of a folder. */
export function isModelId(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name);
}

/** The weights of a model are not in the package and were not got. */
export class MissingWeightsError extends UnavailableError {
  override readonly name: string = 'MissingWeightsError';
}

/** Where weights lie that were got. */
export function weightsFolder(cache: string, id: string): string {
  return join(cache, 'weights', id);
}

/**
 * The card that the package has of a model.
 *
 * @returns `null` where it has none
 */
export async function packageCard(id: string): Promise<ModelCard | null> {
  const path = join(packageModels(), id, 'model.json');
  return (await exists(path)) ? await readCard(path) : null;
}

/**
 * The cards of all models of a folder, in the order of their ids.
 *
 * @param folder - folder with a folder for each model; default: the package's own
 * @throws {InputError} when the folder or one of its cards cannot be read
 */
export async function listModels(folder: string = packageModels()): Promise<readonly ModelCard[]> {
  const cards: ModelCard[] = [];
  for (const name of await modelFolders(folder)) cards.push(await readCard(join(folder, name, 'model.json')));
  return cards.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function modelFolders(folder: string): Promise<string[]> {
  let entries: string[];
  try {
    entries = await readdir(folder);
  } catch (error) {
    throw describeFileError(folder, error);
  }
  const found: string[] = [];
  for (const entry of entries) if (await exists(join(folder, entry, 'model.json'))) found.push(entry);
  return found;
}

/**
 * Finds a model and makes it ready to load.
 *
 * @param idOrPath - id of a model of the registry; a folder with a card (`model.json`), or the card; or, of a model of one graph, an
 *   `X.onnx` that has a card beside it, `X.json` or `model.json`
 * @returns the card and the files to load. For an id and a card this is the float32 model: shipped weights are
 *   checked, unpacked into the cache at first use, and checked against the card again.
 * @throws {InputError} when there is no such model, or a file is missing, cut or not the one the card describes
 * @throws {MissingWeightsError} when the weights are not in the package and were not got
 */
export async function resolveModel(idOrPath: string, options: RegistryOptions = {}): Promise<ResolvedModel> {
  if (idOrPath.endsWith('.onnx')) return await resolveOnnx(idOrPath);
  const cache = options.cacheFolder ?? cacheFolder();
  if (idOrPath.endsWith('.json')) return await resolveCard(idOrPath, cache);
  const folder = options.folder ?? packageModels();
  const own = join(folder, idOrPath, 'model.json');
  const got = join(weightsFolder(cache, idOrPath), 'model.json');
  const cardPath = !(await exists(own)) && (await exists(got)) ? got : own;
  if (!isModelId(idOrPath) || !(await exists(cardPath))) {
    const inFolder = join(idOrPath, 'model.json');
    if (await exists(inFolder)) return await resolveCard(inFolder, cache);
    const known = (await modelFolders(folder)).sort();
    throw new InputError(
      `model ${idOrPath}: the id of a model, the path of an .onnx file or of a folder with a model.json was required, got none of them; known ids: ${known.join(', ') || 'none'} ${didYouMean(idOrPath, known)}`.trimEnd(),
    );
  }
  return await resolveCard(cardPath, cache);
}

/** Whether a model is in the package, was got, or lies where its name says. */
export async function isModelHere(idOrPath: string, options: RegistryOptions = {}): Promise<boolean> {
  const { folder = packageModels(), cacheFolder: cache = cacheFolder() } = options;
  const places = [join(folder, idOrPath, 'model.json'), join(weightsFolder(cache, idOrPath), 'model.json'), idOrPath];
  return (await Promise.all(places.map(exists))).includes(true);
}

function ownCard(path: string): string {
  return `${path.slice(0, -'.onnx'.length)}.json`;
}

/**
 * The card beside an `.onnx` file: `X.json` for `X.onnx`, else `model.json`.
 *
 * @returns its path; `undefined` where there is none
 */
export async function findCard(path: string): Promise<string | undefined> {
  for (const card of [ownCard(path), join(dirname(path), 'model.json')]) if (await exists(card)) return card;
  return undefined;
}

async function resolveOnnx(path: string): Promise<ResolvedModel> {
  if (!(await exists(path))) {
    throw new InputError(`${path}: a model was required, got nothing; check the path`);
  }
  const cardPath = await findCard(path);
  if (cardPath === undefined) {
    throw new InputError(
      `${path}: a model card was required beside it, got neither ${basename(ownCard(path))} nor model.json; copy the card of the model that it was made from, or write one by \`quantlab card init ${path}\`: it says how sound becomes the input and the output text. inspect, quantize, simplify and code need none`,
    );
  }
  const card = await readCard(cardPath);
  const [[name, graph] = ['model', undefined], ...others] = Object.entries(card.graphs);
  if (others.length > 0) {
    throw new InputError(
      `${path}: a model of one graph was required, got one of the ${others.length + 1} of ${card.id}; name their folder: ${dirname(path)}`,
    );
  }
  if (graph?.file.path === basename(path)) await verify(path, graph.file, 'restore the file');
  return { card, path, graphs: { [name]: path } };
}

async function resolveCard(cardPath: string, cache: string): Promise<ResolvedModel> {
  const card = await readCard(cardPath);
  const graphs: Record<string, string> = {};
  for (const [name, graph] of Object.entries(card.graphs)) {
    if (graph !== undefined) graphs[name] = await resolveGraph(card, graph, cardPath, cache);
  }
  const files: Record<string, string> = {};
  for (const [name, file] of Object.entries(card.files ?? {})) {
    files[name] = join(dirname(cardPath), file.path);
    await verify(files[name], file, 'restore the file');
  }
  const [only, ...others] = Object.values(graphs);
  const path = only !== undefined && others.length === 0 ? only : dirname(cardPath);
  return { card, path, graphs, ...(card.files && { files }) };
}

/** The `.onnx` file of a graph: beside its card, or unpacked into the cache. */
async function resolveGraph(card: ModelCard, graph: CardGraph, cardPath: string, cache: string): Promise<string> {
  const { file, packed = file } = graph;
  const beside = join(dirname(cardPath), file.path);
  if (await exists(beside)) {
    await verify(beside, file, 'restore the file');
    return beside;
  }
  if (file.sha256 === undefined) {
    throw new InputError(`${beside}: the model of ${basename(cardPath)} was required, got nothing; restore the file`);
  }
  // The checksum in the name: another version of a model is another file.
  const path = join(cache, 'models', `${card.id}-${file.sha256.slice(0, 16)}.onnx`);
  if ((await exists(path)) && (await sha256OfFile(path)) === file.sha256) return path;
  const shipped = join(dirname(cardPath), packed.path);
  const got = join(weightsFolder(cache, card.id), packed.path);
  const packedPath = !(await exists(shipped)) && (await exists(got)) ? got : shipped;
  if (cardPath.startsWith(packageModels()) && !(await exists(packedPath))) {
    const size = packed.sizeBytes === undefined ? '' : ` (${(packed.sizeBytes / 1e6).toFixed(1)} MB)`;
    throw new MissingWeightsError(
      `model ${card.id}: its weights${size} were required, got none, for the package from npm carries those of ` +
        `the default model alone; run \`quantlab model get ${card.id} --from\` with the folder or address of data/models of the repository`,
    );
  }
  await verify(
    packedPath,
    packed,
    'restore it from the repository (`git checkout`), get it or install the package again',
  );
  // Written aside and renamed: of two processes that do this at once, each ends with a whole file.
  await writeModel(unpackWeights(await readFile(packedPath), packedPath), path);
  try {
    await verify(path, file, `the card and ${packed.path} do not belong together: pack the model again`);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return path;
}

async function verify(path: string, file: CardFile, remedy: string): Promise<void> {
  if (file.sha256 === undefined) return;
  const sha256 = await sha256OfFile(path);
  if (sha256 === file.sha256) return;
  const { size } = await stat(path);
  const came = size === file.sizeBytes ? `SHA-256 ${sha256}` : `${size} bytes instead of ${file.sizeBytes}`;
  throw new InputError(`${path}: the file with SHA-256 ${file.sha256} was required, got ${came}; ${remedy}`);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
