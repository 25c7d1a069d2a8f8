import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { TensorProto_DataLocation } from 'onnx-buf';
import { z } from 'zod';
import { QuantlabError } from '../../errors.js';
import { makeFolder, sha256OfBytes, sha256OfFile, writeFileAtomic } from '../../files.js';
import { readModel } from '../../onnx/file/read.js';
import { modelTensors } from '../../onnx/graph/subgraphs.js';
import { env } from '../../runtime.js';
import { rememberedSha256 } from '../registry/rememberedChecksum.js';
import { openSession, type SessionOptions } from './session.js';

/** What an optimised model depends on besides the model; as arguments for tests. */
export interface OptimizedSurroundings {
  /** Version of ONNX Runtime. */
  readonly runtimeVersion?: string;
  /** What tells processors apart: the optimised graph and the layout of its weights fit one kind only. */
  readonly processor?: string;
}

/** Where the optimised form of a model is. */
export interface OptimizedModel {
  /** `found`: it was there and whole. `made`: it was not. `mended`: it was damaged. `not kept`: load the model itself. */
  readonly state: 'found' | 'made' | 'mended' | 'not kept';
  /** File to load, with `graphOptimizationLevel: 'disabled'`; the model's own where it is not kept. */
  readonly path: string;
  /** Why it was made, mended or not kept. */
  readonly reason: string;
}

interface EntryFile {
  readonly name: string;
  readonly sha256: string;
}

/** `entry.json` of an optimised model. */
interface Entry {
  readonly schema: typeof ENTRY_SCHEMA;
  readonly model: string;
  readonly runtimeVersion: string;
  readonly executionProvider: string;
  readonly processor: string;
  readonly files: readonly EntryFile[];
}

const ENTRY_SCHEMA = 'quantlab.optimized-model/1';
const ENTRY_NAME = 'entry.json';
const MODEL_NAME = 'model.onnx';

const entrySchema: z.ZodType<Entry> = z.strictObject({
  schema: z.literal(ENTRY_SCHEMA),
  model: z.string(),
  runtimeVersion: z.string(),
  executionProvider: z.string(),
  processor: z.string(),
  files: z
    .array(z.strictObject({ name: z.string().regex(/^[\w][\w.-]*$/), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .min(1),
});

/**
 * Keeps the optimised form of a model on disk: the graph as ONNX Runtime rewrote it, and the weights as its operators lay them out in
 * memory. Loading that leaves out the rewriting, the parsing of the weights and their packing: the file is mapped, and processes that
 * load the same share its pages. Results are the same, bit by bit.
 *
 * Keyed by SHA-256 of the model, version of the runtime, execution provider and processor. Threads, arena and spinning change nothing
 * in it. It takes about twice the room of the model. An entry appears as a whole or not at all; each time it is used its checksums
 * are compared, and a damaged one is made again. Entries of the same model for another version of the runtime are removed.
 *
 * Not kept: models for other providers than `cpu`, and models with external data, whose checksum would not see all of them.
 *
 * @param path - the `.onnx` file
 * @param folder - where optimised models are
 * @param options - of the session that will load it
 * @throws {InputError} when the model cannot be loaded
 */
export async function keepOptimized(
  path: string,
  folder: string,
  options: SessionOptions = {},
  surroundings: OptimizedSurroundings = {},
): Promise<OptimizedModel> {
  const { executionProvider = 'cpu' } = options;
  if (executionProvider !== 'cpu') return notKept(path, `its weights are not on the processor (${executionProvider})`);
  const { runtimeVersion = env.versions.node ?? env.versions.common, processor = await describeProcessor() } =
    surroundings;
  const checksums = join(folder, 'checksums');
  const model = await rememberedSha256(path, checksums);
  const wanted = { schema: ENTRY_SCHEMA, model, runtimeVersion, executionProvider, processor } as const;
  const place = join(folder, sha256OfBytes(JSON.stringify(wanted)).slice(0, 32));
  const fault = await findFault(place, checksums);
  if (fault === null) return { state: 'found', path: join(place, MODEL_NAME), reason: '' };
  if (await hasExternalData(path)) return notKept(path, 'it has external data');
  try {
    await makeEntry(path, place, wanted, options);
    await removeOutdated(folder, wanted);
  } catch (error) {
    // A full disk or a folder without permission must not keep a model from being loaded.
    if (error instanceof QuantlabError) return notKept(path, error.message);
    throw error;
  }
  const state = fault === 'none yet' ? 'made' : 'mended';
  return { state, path: join(place, MODEL_NAME), reason: fault };
}

function notKept(path: string, reason: string): OptimizedModel {
  return { state: 'not kept', path, reason };
}

/** What is wrong with an entry; `null` where nothing is. */
async function findFault(place: string, checksums: string): Promise<string | null> {
  const entry = await readEntry(place);
  if (entry === 'none') return 'none yet';
  if (entry === 'damaged') return `${ENTRY_NAME} is damaged`;
  for (const { name, sha256 } of entry.files) {
    const found = await rememberedSha256(join(place, name), checksums).catch(() => 'missing');
    if (found !== sha256) return `${name} is ${found === 'missing' ? 'missing' : 'damaged'}`;
  }
  return null;
}

async function readEntry(place: string): Promise<Entry | 'none' | 'damaged'> {
  let text: string;
  try {
    text = await readFile(join(place, ENTRY_NAME), 'utf8');
  } catch {
    return (await stat(place).catch(() => null)) === null ? 'none' : 'damaged';
  }
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    return 'damaged';
  }
}

async function makeEntry(
  path: string,
  place: string,
  wanted: Omit<Entry, 'files'>,
  options: SessionOptions,
): Promise<void> {
  const temporary = `${place}.${randomUUID().slice(0, 8)}.partial`;
  await makeFolder(temporary);
  try {
    const optimizedModelFilePath = join(temporary, MODEL_NAME);
    const session = await openSession(path, { ...options, graphOptimizationLevel: 'all', optimizedModelFilePath });
    await session.release();
    const files: EntryFile[] = [];
    for (const name of (await readdir(temporary)).sort()) {
      files.push({ name, sha256: await sha256OfFile(join(temporary, name)) });
    }
    await writeFileAtomic(join(temporary, ENTRY_NAME), JSON.stringify({ ...wanted, files }, null, 2));
    // Whoever has the old files mapped keeps them until it ends.
    await rename(place, `${temporary}.old`).catch(() => undefined);
    // Where another process was quicker, its entry is as good.
    await rename(temporary, place).catch(async (error: unknown) => {
      if ((await stat(join(place, ENTRY_NAME)).catch(() => null)) === null) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(`${temporary}.old`, { recursive: true, force: true });
  }
}

/** Removes what no runtime of this machine will load again: the same model and processor, another version. */
async function removeOutdated(folder: string, wanted: Omit<Entry, 'files'>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{32}$/.test(name)) continue;
    const entry = await readEntry(join(folder, name));
    if (typeof entry === 'string' || entry.model !== wanted.model || entry.processor !== wanted.processor) continue;
    if (entry.runtimeVersion === wanted.runtimeVersion) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function hasExternalData(path: string): Promise<boolean> {
  for (const { dataLocation } of modelTensors((await readModel(path)).proto)) {
    if (dataLocation === TensorProto_DataLocation.EXTERNAL) return true;
  }
  return false;
}

/**
 * What tells one kind of processor from another: its name and, where the system lists them, a checksum of its instruction sets.
 *
 * @param cpuInfo - Linux's list
 */
export async function describeProcessor(cpuInfo = '/proc/cpuinfo'): Promise<string> {
  const text = await readFile(cpuInfo, 'utf8').catch(() => '');
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim() ?? '';
  return [arch(), cpus()[0]?.model.trim() ?? '', sha256OfBytes(flags).slice(0, 16)].join(' / ');
}
