import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { InputError } from '../errors.js';

/** A body that is larger than is taken. */
export class TooLargeError extends InputError {
  override readonly name: string = 'TooLargeError';
}

/**
 * Writes the body of a request into a file as it comes, so that memory does not grow with it.
 *
 * @param request - whose
 * @param path - a file that is not there yet
 * @param maximumBytes - largest body
 * @returns SHA-256 of the body
 * @throws {TooLargeError} when there is more
 * @throws {InputError} when there is nothing, or the client went away
 */
export async function saveBody(request: IncomingMessage, path: string, maximumBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > maximumBytes) throw tooLarge(maximumBytes);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx');
  try {
    // Not to destroy the request when it is too large: an answer has to go out on the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Uint8Array;
      sizeBytes += bytes.byteLength;
      if (sizeBytes > maximumBytes) throw tooLarge(maximumBytes);
      hash.update(bytes);
      await file.writeFile(bytes);
    }
  } catch (error) {
    if (error instanceof TooLargeError) throw error;
    throw new InputError(`body: all of it was required, got ${sizeBytes} bytes and then nothing; send it again`, {
      cause: error,
    });
  } finally {
    await file.close();
  }
  if (sizeBytes === 0) throw new InputError('body: a sound file was required, got nothing; send its bytes');
  return hash.digest('hex');
}

function tooLarge(maximumBytes: number): TooLargeError {
  return new TooLargeError(
    `body: at most ${maximumBytes} bytes were required, got more; send a compressed format or a piece of the recording`,
  );
}
