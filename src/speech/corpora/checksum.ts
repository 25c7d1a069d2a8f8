import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';

/** What the publisher says about the content of a file. */
export interface Checksum {
  readonly algorithm: 'md5' | 'sha256';
  /** Hexadecimal digits, lower case. */
  readonly value: string;
}

/**
 * Checks a file against its published checksum, reading it as a stream.
 *
 * @throws {InputError} when it differs
 */
export async function verifyChecksum(path: string, checksum: Checksum, signal?: AbortSignal): Promise<void> {
  const hash = createHash(checksum.algorithm);
  try {
    for await (const chunk of createReadStream(path)) {
      signal?.throwIfAborted();
      hash.update(chunk as Uint8Array);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw describeFileError(path, error);
  }
  const came = hash.digest('hex');
  if (came === checksum.value) return;
  throw new InputError(
    `${path}: ${checksum.algorithm} ${checksum.value} was required, got ${came}; delete it and download it again`,
  );
}
