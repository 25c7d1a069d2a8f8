import { isUtf8 } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { InputError, QuantlabError, UnavailableError } from './errors.js';

/** Says in one sentence why the file system refused, and what to do. */
export function describeFileError(path: string, error: unknown): InputError | UnavailableError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const cause = { cause: error };
  switch (code) {
    case 'ENOENT':
      return new InputError(`${path}: a file was required, got nothing; check the path`, cause);
    case 'EISDIR':
      return new InputError(`${path}: a file was required, got a folder; name a file in it`, cause);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UnavailableError(
        `${path}: permission was required, got ${code}; choose another place or its rights`,
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new UnavailableError(
        `${path}: room on the disk was required, got ${code}; free some and run again`,
        cause,
      );
    default:
      return new InputError(
        `${path}: a readable and writable place was required, got ${String(error)}; check the path`,
        cause,
      );
  }
}

/**
 * Makes a folder, and those above it that are missing.
 *
 * Not `mkdir` with `recursive`: where a file system lets nobody make folders (`/proc`), Node 20's never returns.
 *
 * @throws {InputError | UnavailableError} when it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  const kind = await stat(path).catch(() => null);
  if (kind?.isDirectory()) return;
  if (kind !== null) throw new InputError(`${path}: a folder was required, got a file; choose another place`);
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile.
    if (error.code === 'ENOENT') {
      throw new InputError(`${path}: a place for a folder was required, got one that takes none; choose another`);
    }
    if (error.code !== 'EEXIST') throw describeFileError(path, error);
  });
}

/**
 * Writes a file as a whole or not at all: into a temporary file beside it, flushed to the disk, then renamed over it.
 *
 * @param path - file to write; missing folders are made
 * @param data - text (UTF-8), bytes, or chunks of bytes written one after another
 * @throws {UnavailableError} when the place cannot be written or the disk is full; the old file is then untouched
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await makeFolder(dirname(path));
    const file = await open(temporary, 'wx');
    try {
      const chunks = typeof data === 'string' || data instanceof Uint8Array ? [data] : data;
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error instanceof QuantlabError ? error : describeFileError(path, error);
  }
}

/**
 * Removes a file, where there is one.
 *
 * @throws {UnavailableError} when it cannot be removed
 */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error: unknown) => {
    throw describeFileError(path, error);
  });
}

/** SHA-256 of bytes, 64 hexadecimal digits. */
export function sha256OfBytes(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * SHA-256 of a file, read as a stream, 64 hexadecimal digits.
 *
 * @throws {InputError} when the file cannot be read
 */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw describeFileError(path, error);
  }
  return hash.digest('hex');
}

/** Cards, plans, recipes and results are far smaller. */
const MOST_JSON_BYTES = 64 * 2 ** 20;

/**
 * Reads a JSON file and checks it against a schema.
 *
 * @throws {InputError} when the file is missing, is no JSON, or is not of the schema; the message names each field that is wrong
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MOST_JSON_BYTES) {
      throw new InputError(
        `${path}: at most ${MOST_JSON_BYTES / 2 ** 20} MiB of JSON were required, got ${Math.ceil(size / 2 ** 20)}; name another file`,
      );
    }
    text = await readText(path);
  } catch (error) {
    throw error instanceof InputError ? error : describeFileError(path, error);
  }
  return parseJson(text, schema, path);
}

/**
 * Reads a text, without the mark that some editors begin it with. Bytes that are no UTF-8 would turn into letters that nobody wrote.
 *
 * @throws {InputError} when the file cannot be read, or is not in UTF-8
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw describeFileError(path, error);
  });
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(/^\uFEFF/, '');
  throw new InputError(`${path}: UTF-8 was required, got other bytes; convert the file`);
}

/** Faults that are named at once. */
const MOST_ISSUES = 20;

/**
 * Parses JSON text and checks it against a schema.
 *
 * @param where - the file, or the file and line, that the text came from: it begins the error
 * @throws {InputError} when the text is no JSON or is not of the schema
 */
export function parseJson<T>(text: string, schema: z.ZodType<T>, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: JSON was required, got ${(error as Error).message}; mend or restore the file`, {
      cause: error,
    });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => {
    return { field: path.length > 0 ? `field ${path.join('.')}` : 'the whole', message };
  });
  const [first] = issues;
  if (issues.length === 1 && first !== undefined) {
    throw new InputError(`${where}: ${first.field} was required to be valid, got: ${first.message}; mend that field`);
  }
  const named = issues.slice(0, MOST_ISSUES).map(({ field, message }) => `${field}: ${message}`);
  const more = issues.length > MOST_ISSUES ? `; and ${issues.length - MOST_ISSUES} more` : '';
  throw new InputError(
    `${where}: valid fields were required, got ${issues.length} others: ${named.join('; ')}${more}; mend them`,
  );
}
