import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import { describeFileError, makeFolder, sha256OfBytes } from '../../files.js';

/** First bytes of a kept result: the format and its version. */
const MAGIC = 'qlresult1\n';
const DIGEST_BYTES = 64;

/** Part of the room after whose writing the folder is looked through again: other processes write there too. */
const LOOK_AFTER = 1 / 16;

/** Part of the room that is left used after making room. */
const KEEP = 7 / 8;

/** A file that was being written when its process ended is removed after this long, in milliseconds. */
const ABANDONED_MS = 60 * 60_000;

/**
 * Results in files, the least recently used removed first. Any number of processes may share a folder: a file appears as a whole
 * (written aside, then renamed) and carries a checksum, so that a torn or damaged one is found, removed, and is no result.
 */
export class ResultStore {
  readonly #folder: string;
  readonly #maximumBytes: number;
  readonly #now: () => number;
  #writtenBytes = 0;
  #pruning: Promise<void> | undefined;

  /**
   * @param folder - where files are; made when it is not there
   * @param maximumBytes - room for all of them; exceeded by a sixteenth for each process that writes, at most
   * @param now - milliseconds since 1970
   * @throws {InputError} when the room is not above 0
   */
  constructor(folder: string, maximumBytes: number, now: () => number = Date.now) {
    if (!(maximumBytes > 0)) {
      throw new InputError(`result cache: room above 0 bytes was required, got ${maximumBytes}; give more`);
    }
    this.#folder = folder;
    this.#maximumBytes = maximumBytes;
    this.#now = now;
  }

  /** Makes the folder and removes what is too much. @throws {UnavailableError} when that is not permitted */
  async open(): Promise<void> {
    await makeFolder(this.#folder);
    const probe = join(this.#folder, `${randomUUID()}.partial`);
    await writeFile(probe, '').catch((error: unknown) => {
      throw describeFileError(probe, error);
    });
    await rm(probe, { force: true });
    await this.#prune();
  }

  /**
   * Finds a result.
   *
   * @param key - hexadecimal
   * @returns its bytes; `damaged` when there was one that cannot be used
   */
  async get(key: string): Promise<Uint8Array | 'damaged' | undefined> {
    const path = this.#pathOf(key);
    let file: Buffer;
    try {
      file = await readFile(path);
    } catch {
      return undefined;
    }
    const start = MAGIC.length + DIGEST_BYTES;
    // Copied to its own memory: a view would begin at an offset that 4-byte numbers cannot be read from.
    const bytes = Uint8Array.from(file.subarray(start));
    const digest = file.subarray(MAGIC.length, start).toString('latin1');
    const isWhole = file.subarray(0, MAGIC.length).toString('latin1') === MAGIC && digest === sha256OfBytes(bytes);
    if (!isWhole) {
      await rm(path, { force: true });
      return 'damaged';
    }
    const used = this.#now() / 1000;
    await utimes(path, used, used).catch(() => undefined);
    return bytes;
  }

  /**
   * Keeps a result; one that alone is larger than the room is not kept.
   *
   * @throws {UnavailableError} when the disk is full or may not be written
   */
  async set(key: string, bytes: Uint8Array): Promise<void> {
    const size = MAGIC.length + DIGEST_BYTES + bytes.byteLength;
    if (size > this.#maximumBytes) return;
    const path = this.#pathOf(key);
    const temporary = `${path}.${randomUUID().slice(0, 8)}.partial`;
    try {
      await makeFolder(dirname(path));
      // Not flushed: what a power cut tears, the checksum finds.
      await writeFile(temporary, Buffer.concat([Buffer.from(MAGIC + sha256OfBytes(bytes), 'latin1'), bytes]));
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw describeFileError(path, error);
    }
    this.#writtenBytes += size;
    if (this.#writtenBytes <= this.#maximumBytes * LOOK_AFTER) return;
    this.#pruning ??= this.#prune().finally(() => {
      this.#pruning = undefined;
    });
    await this.#pruning;
  }

  #pathOf(key: string): string {
    return join(this.#folder, key.slice(0, 2), key);
  }

  /** Removes the least recently used files until the room suffices, and what was left half written. */
  async #prune(): Promise<void> {
    this.#writtenBytes = 0;
    const files: { readonly path: string; readonly size: number; readonly usedMs: number }[] = [];
    for (const name of await readdir(this.#folder, { recursive: true }).catch(() => [])) {
      const path = join(this.#folder, name);
      // Another process may have removed it meanwhile.
      const found = await stat(path).catch(() => null);
      if (!found?.isFile()) continue;
      if (!name.endsWith('.partial')) files.push({ path, size: found.size, usedMs: found.mtimeMs });
      else if (this.#now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
    let total = files.reduce((sum, { size }) => sum + size, 0);
    if (total <= this.#maximumBytes) return;
    for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#maximumBytes * KEEP) break;
      await rm(path, { force: true }).catch(() => undefined);
      total -= size;
    }
  }
}
