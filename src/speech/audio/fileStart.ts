import { type FileHandle, open } from 'node:fs/promises';
import { describeFileError } from '../../files.js';

/**
 * The first bytes of a file, by which its kind is told.
 *
 * @param length - how many; fewer come where the file is shorter
 * @throws {InputError} when the file cannot be read
 */
export async function readStart(path: string, length: number): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw describeFileError(path, error);
  } finally {
    await file?.close();
  }
}

/** Whether a file begins as gzip does: RFC 1952, section 2.3.1, a member begins with 1f 8b. */
export function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}
