import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BusyError, RequestError } from '../answers/refusal.js';

/** A recording that was sent, in a file. */
export interface SavedBody {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Bytes that are written at a time: each write waits for its turn among others' work. */
const WRITE_BYTES = 2 ** 20;

/** What the file system says when there is no room. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

/**
 * Writes what a client sends into a file as it comes, so that memory does not grow with it.
 *
 * @param chunks - bytes, in order; not destroyed when they are too many: an answer has to go out on the same connection
 * @param path - a file that is not there yet
 * @param maximumBytes - largest recording
 * @throws {RequestError} when there is more or nothing, or the client went away
 * @throws {BusyError} when this machine has no room for it
 */
export async function saveBody(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  maximumBytes: number,
): Promise<SavedBody> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx').catch(noRoom);
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const write = async (): Promise<void> => {
    for (const bytes of held.length > 1 ? [Buffer.concat(held)] : held) await file.writeFile(bytes).catch(noRoom);
    [held, heldBytes] = [[], 0];
  };
  try {
    for await (const bytes of chunks) {
      sizeBytes += bytes.byteLength;
      if (sizeBytes > maximumBytes) throw tooLarge(maximumBytes);
      hash.update(bytes);
      held.push(bytes);
      heldBytes += bytes.byteLength;
      if (heldBytes >= WRITE_BYTES) await write();
    }
    await write();
  } catch (error) {
    if (error instanceof RequestError || error instanceof BusyError) throw error;
    throw new RequestError(
      `body: all of it was required, got ${sizeBytes} bytes and then nothing; send it again`,
      { status: 400, code: 'incomplete_body' },
      { cause: error },
    );
  } finally {
    await file.close();
  }
  if (sizeBytes === 0) {
    const wrong = { status: 400, code: 'empty_body' };
    throw new RequestError('body: a sound file was required, got nothing; send its bytes', wrong);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** Refuses a body that says beforehand that it is too large. */
export function checkLength(contentLength: string | undefined, maximumBytes: number): void {
  if (Number(contentLength ?? 0) > maximumBytes) throw tooLarge(maximumBytes);
}

function tooLarge(maximumBytes: number): RequestError {
  return new RequestError(
    `body: at most ${maximumBytes} bytes were required, got more; send a compressed format or a piece of the recording`,
    { status: 413, code: 'body_too_large' },
  );
}

function noRoom(error: NodeJS.ErrnoException): never {
  if (!NO_ROOM.has(error.code ?? '')) throw new BusyError(...noFile(error, 503));
  throw new BusyError(...noFile(error, 507));
}

function noFile(cause: Error, status: number): ConstructorParameters<typeof BusyError> {
  const message =
    'service: room for the recording was required, got none on this machine; tell whoever runs it, and come back later';
  return [message, { status, code: 'no_room', retryAfterS: 30 }, { cause }];
}
