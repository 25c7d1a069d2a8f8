import { existsSync, readFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnavailableError } from '../../errors.js';
import { makeFolder } from '../../files.js';
import type { DownloadOptions } from './download.js';
import { getFile } from './getFile.js';

/** Sets of utterances of this package. The repository has the recordings of all, the package from npm those of `calibration`. */
export const PACKAGE_SETS = ['holdout', 'dev', 'calibration'] as const;

/** One of {@link PACKAGE_SETS}. */
export type PackageSet = (typeof PACKAGE_SETS)[number];

/** Sources and build lie equally deep below the package. */
const PACKAGE_SPEECH: string = fileURLToPath(new URL('../../../data/speech', import.meta.url));

/** Whether a name is that of a set of this package. */
export function isPackageSet(name: string): name is PackageSet {
  return (PACKAGE_SETS as readonly string[]).includes(name);
}

/**
 * Finds the manifest of a set: in the package, or where {@link getPackageSet} has put it.
 *
 * @param cache - folder of what was got
 * @throws {UnavailableError} when its recordings are at neither place; the message says how to get them
 */
export function findPackageSet(set: PackageSet, cache: string, folder: string = PACKAGE_SPEECH): string {
  const own = join(folder, `${set}.jsonl`);
  // The manifests of all sets are always there, the recordings of a set all or none.
  if (hasRecordings(own)) return own;
  const got = join(cache, 'speech', `${set}.jsonl`);
  if (existsSync(got)) return got;
  throw new UnavailableError(
    `${set}: the recordings of the set were required, got none, for the package from npm carries those of calibration alone; ` +
      `run \`quantlab data get ${set} --from\` with the folder or address of data/speech of the repository, or name a manifest of your own`,
  );
}

function hasRecordings(manifest: string): boolean {
  if (!existsSync(manifest)) return false;
  const [first = ''] = readFileSync(manifest, 'utf8').split('\n', 1);
  return existsSync(join(dirname(manifest), (JSON.parse(first) as ManifestLine).audio_filepath));
}

interface ManifestLine {
  readonly audio_filepath: string;
}

/** How a set is got. */
export interface GetSetOptions extends Pick<DownloadOptions, 'signal' | 'retryPauseMs'> {
  /** Called after each recording. */
  readonly progress?: (done: number, total: number) => void;
  /** Folder with the manifests and their checksums. Default: the package's own. */
  readonly folder?: string;
}

/**
 * Gets the recordings of a set of this package, each checked against the checksum that the package carries.
 *
 * @param set - which
 * @param from - folder or address of `data/speech` of the repository
 * @param cache - where to put them, in `speech`
 * @returns path of the manifest
 * @throws {InputError} when a recording is not the one that was published
 * @throws {UnavailableError} when it cannot be got; run again to go on
 */
export async function getPackageSet(
  set: PackageSet,
  from: string,
  cache: string,
  options: GetSetOptions = {},
): Promise<string> {
  const { folder = PACKAGE_SPEECH, progress, ...rest } = options;
  const own = join(folder, `${set}.jsonl`);
  const lines = (await readFile(own, 'utf8')).trim().split('\n');
  const paths = lines.map((line) => (JSON.parse(line) as ManifestLine).audio_filepath);
  const sums = new Map(
    (await readFile(join(folder, 'SHA256SUMS'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const target = join(cache, 'speech');
  for (const [index, path] of paths.entries()) {
    const value = sums.get(path);
    const checksum = value === undefined ? null : ({ algorithm: 'sha256', value } as const);
    await getFile(from, { path, checksum }, join(target, path), rest);
    progress?.(index + 1, paths.length);
  }
  await makeFolder(target);
  // Last: a manifest that is there says that its recordings are.
  await copyFile(own, join(target, `${set}.jsonl`));
  return join(target, `${set}.jsonl`);
}
