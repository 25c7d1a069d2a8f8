import { type FileHandle, open, stat } from 'node:fs/promises';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';

/**
 * Opens a plain file to read. It is looked at first: to open a pipe that nobody writes to never returns, and what is read
 * from one to tell its kind is gone for who reads it afterwards.
 *
 * @throws {InputError} when there is none, or it is a folder, a device or a pipe
 */
export async function openPlainFile(path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new InputError(`${path}: a file was required, got a folder; name a file in it`);
    if (!found.isFile()) {
      throw new InputError(`${path}: a file was required, got a device or pipe; save its content to a file first`);
    }
    return await open(path, 'r');
  } catch (error) {
    throw error instanceof InputError ? error : describeFileError(path, error);
  }
}

/**
 * The first bytes of a file, by which its kind is told.
 *
 * @param length - how many; fewer come where the file is shorter
 * @throws {InputError} when the file cannot be read
 */
export async function readStart(path: string, length: number): Promise<Uint8Array> {
  const file = await openPlainFile(path);
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw describeFileError(path, error);
  } finally {
    await file.close();
  }
}

/** Whether a file begins as gzip does: RFC 1952, section 2.3.1, a member begins with 1f 8b. */
export function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}
