import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.js';
import { describeFileError, sha256OfFile } from '../files.js';

/** Name of the file of checksums in a folder of results, in the form that `sha256sum --check` reads. */
export const CHECKSUMS_FILE = 'SHA256SUMS';

/** A line of {@link CHECKSUMS_FILE}. */
export function checksumLine(sha256: string, name: string): string {
  return `${sha256}  ${name}\n`;
}

/**
 * Holds files of results against their checksums.
 *
 * @param folder - where they lie, and {@link CHECKSUMS_FILE}
 * @param names - of the files
 * @throws {InputError} when there are no checksums, or a file is not as it was written
 */
export async function verifyFiles(folder: string, names: readonly string[]): Promise<void> {
  const path = join(folder, CHECKSUMS_FILE);
  const text = await readFile(path, 'utf8').catch((error) => {
    throw describeFileError(path, error);
  });
  const lines = new Set(text.split('\n'));
  for (const name of names) {
    const sum = await sha256OfFile(join(folder, name));
    if (lines.has(checksumLine(sum, name).trimEnd())) continue;
    throw new InputError(
      `${join(folder, name)}: the file as it was written was required, got one that ${path} does not know (SHA-256 ${sum.slice(0, 16)}…); restore it, or measure again`,
    );
  }
}
