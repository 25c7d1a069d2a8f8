import { type BigIntStats, constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { describeFileError, sha256OfBytes, sha256OfFile, writeFileAtomic } from '../../files.js';

/** A file as it was when its checksum was computed. */
interface Remembered {
  readonly path: string;
  /** Size, inode, and times of the last change of content and of the entry, in nanoseconds. */
  readonly stamp: string;
  readonly sha256: string;
}

const rememberedSchema: z.ZodType<Remembered> = z.strictObject({
  path: z.string(),
  stamp: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * A file that changed less than this long ago, in milliseconds, may change again within the grain of the file system's clock: its
 * stamp proves nothing yet (git's "racily clean" entries).
 */
const GRAIN_MS = 100;

/**
 * SHA-256 of a file, computed once and remembered for as long as size, inode and times of the file stay what they were, as git does
 * with its index. Reading a model of 350 MB again to prove that it did not change takes longer than loading it.
 *
 * @param path - the file
 * @param folder - where checksums are remembered; one that cannot be written remembers nothing
 * @param now - milliseconds since 1970
 * @returns 64 hexadecimal digits
 * @throws {InputError} when the file cannot be read
 */
export async function rememberedSha256(path: string, folder: string, now: () => number = Date.now): Promise<string> {
  const whole = resolve(path);
  const note = join(folder, `${sha256OfBytes(whole).slice(0, 32)}.json`);
  const before = await stampOf(path);
  const remembered = await readNote(note);
  if (remembered?.path === whole && remembered.stamp === before.stamp) return remembered.sha256;
  const sha256 = await sha256OfFile(path);
  const after = await stampOf(path);
  if (after.stamp === before.stamp && now() - after.changedMs > GRAIN_MS) {
    const text = JSON.stringify({ path: whole, stamp: after.stamp, sha256 } satisfies Remembered);
    await writeFileAtomic(note, text).catch(() => undefined);
  }
  return sha256;
}

async function stampOf(path: string): Promise<{ readonly stamp: string; readonly changedMs: number }> {
  let stats: BigIntStats;
  try {
    await access(path, constants.R_OK);
    stats = await stat(path, { bigint: true });
  } catch (error) {
    throw describeFileError(path, error);
  }
  const { size, ino, mtimeNs, ctimeNs } = stats;
  return { stamp: [size, ino, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeNs / 1_000_000n) };
}

async function readNote(path: string): Promise<Remembered | undefined> {
  try {
    return rememberedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
