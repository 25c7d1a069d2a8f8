import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { describeFileError, makeFolder } from '../../files.js';
import { type Checksum, verifyChecksum } from './checksum.js';
import { type DownloadOptions, downloadFile } from './download.js';

/** A file that lies at one place and is wanted at another. */
export interface WantedFile {
  /** Below the place where it comes from, with `/` between folders. */
  readonly path: string;
  /** `null` where none is known. */
  readonly checksum: Checksum | null;
  readonly sizeBytes?: number | undefined;
}

/**
 * Gets a file from a server (whole or not at all, going on where it was stopped) or from a folder.
 *
 * @param from - address or path of a folder
 * @param file - below it
 * @param target - where to write; a file that is there with the right bytes stays, one with others is replaced
 * @throws {InputError} when the bytes are not those of the checksum, or the folder has no such file
 * @throws {UnavailableError} when the server does not answer or the disk is full; run again to go on
 */
export async function getFile(
  from: string,
  file: WantedFile,
  target: string,
  options: Pick<DownloadOptions, 'progress' | 'signal' | 'retryPauseMs'> = {},
): Promise<void> {
  const { checksum, sizeBytes } = file;
  if (checksum && (await isRight(target, checksum))) return;
  await rm(target, { force: true });
  if (/^https?:/.test(from)) {
    const address = new URL(file.path, from.endsWith('/') ? from : `${from}/`).href;
    await downloadFile([address], target, { ...options, checksum, expectedBytes: sizeBytes ?? null });
    return;
  }
  const source = join(from, file.path);
  const partial = `${target}.partial`;
  await makeFolder(dirname(target));
  await copyFile(source, partial).catch((error: unknown) => {
    throw describeFileError(source, error);
  });
  try {
    if (checksum) await verifyChecksum(partial, checksum, options.signal);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`${source}${error.message.slice(partial.length).replace(/;.*$/, '')}; get it from elsewhere`, {
      cause: error,
    });
  }
}

async function isRight(path: string, checksum: Checksum): Promise<boolean> {
  if (!(await stat(path).catch(() => null))?.isFile()) return false;
  return await verifyChecksum(path, checksum).then(
    () => true,
    () => false,
  );
}
