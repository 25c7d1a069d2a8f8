import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Headers } from 'tar-stream';
import { InputError, QuantlabError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { isGzip, readStart } from '../audio/fileStart.js';

/** Options of {@link unpackTar}. */
export interface UnpackOptions {
  /** Bytes that all files together may have; 100 GB by default. */
  readonly maxBytes?: number;
  /** Files and folders that the archive may have; a million by default. */
  readonly maxEntries?: number;
  /** Called with the bytes of the archive read so far. */
  readonly progress?: (readBytes: number) => void;
  /** Stops the unpacking. */
  readonly signal?: AbortSignal;
}

const defaults = { maxBytes: 100e9, maxEntries: 1_000_000 } as const;

/** The path of an entry below the target, or the reason why it is refused. */
function placeOf({ name, type }: Headers): { readonly parts: readonly string[] } | { readonly refusal: string } {
  const shown = JSON.stringify(name);
  if (type !== 'file' && type !== 'directory' && type !== 'contiguous-file') {
    return { refusal: `${shown}, a ${type}` };
  }
  if (/^[/\\]|^[a-zA-Z]:|\\|\0/.test(name)) return { refusal: `the path ${shown}` };
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return { refusal: `the path ${shown}` };
  return { parts };
}

/**
 * Unpacks a `.tar.gz` or a plain `.tar` (told apart by content) into a folder as a stream. The archive is not trusted: absolute paths, `..`, backslashes, links
 * of every kind, devices, and more bytes or entries than allowed are refused. Rights and owners are not taken over.
 *
 * @param archive - the file to unpack
 * @param folder - an empty folder that nobody else writes to; after an error it holds a part and is to be deleted
 * @throws {InputError} when the archive is damaged, truncated or refused
 * @throws {UnavailableError} when the disk is full or the folder cannot be written
 * @throws the signal's reason when stopped
 */
export async function unpackTar(archive: string, folder: string, options: UnpackOptions = {}): Promise<void> {
  const { maxBytes, maxEntries } = { ...defaults, ...options };
  const { progress, signal } = options;
  const refuse = (what: string): InputError =>
    new InputError(
      `${archive}: an archive of plain files below one folder was required, got ${what}; do not use it, get it anew`,
    );
  const entries = extract();
  let bytes = 0;
  let count = 0;

  async function writeEntries(): Promise<void> {
    for await (const entry of entries) {
      signal?.throwIfAborted();
      const place = placeOf(entry.header);
      if ('refusal' in place) throw refuse(place.refusal);
      count += 1;
      bytes += entry.header.size ?? 0;
      if (count > maxEntries) throw refuse(`more than ${maxEntries} entries (maxEntries)`);
      if (bytes > maxBytes) throw refuse(`more than ${maxBytes} bytes of files (maxBytes)`);
      const target = join(folder, ...place.parts);
      try {
        await mkdir(entry.header.type === 'directory' ? target : dirname(target), { recursive: true });
        if (entry.header.type === 'directory') {
          entry.resume();
          continue;
        }
        const file = await open(target, 'w');
        try {
          for await (const chunk of entry) await file.writeFile(chunk as Uint8Array);
        } finally {
          await file.close();
        }
      } catch (error) {
        // Only the file system's errors have a code and a path or a system call; the stream's are handled below.
        const failure = error as NodeJS.ErrnoException;
        throw failure.syscall ? describeFileError(target, error) : error;
      }
    }
  }

  async function* readArchive(): AsyncGenerator<Uint8Array> {
    let readBytes = 0;
    for await (const chunk of createReadStream(archive)) {
      readBytes += (chunk as Uint8Array).length;
      progress?.(readBytes);
      yield chunk as Uint8Array;
    }
  }

  const decoder = isGzip(await readStart(archive, 2)) ? createGunzip() : new PassThrough();
  const feeding = pipeline(readArchive, decoder, entries, signal ? { signal } : {});
  try {
    await Promise.all([feeding, writeEntries()]);
  } catch (error) {
    signal?.throwIfAborted();
    entries.destroy();
    await feeding.catch(() => undefined);
    if (error instanceof QuantlabError) throw error;
    if ((error as NodeJS.ErrnoException).syscall) throw describeFileError(archive, error);
    throw new InputError(
      `${archive}: a whole .tar or .tar.gz was required, got ${(error as Error).message}; delete it and get it anew`,
      { cause: error },
    );
  }
}
