import { readFile } from 'node:fs/promises';
import { UnavailableError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { encodeWav } from '../../speech/audio/encodeWav.js';
import { readRecording } from '../../speech/corpora/recordings.js';
import type { Utterance } from '../../speech/types.js';
import type { Server } from './load.js';

/**
 * A service that `quantlab serve` started, asked over HTTP. Recordings are read beforehand.
 *
 * @param url - its address
 * @param utterances - what it is asked
 * @throws {InputError} when a recording cannot be read
 */
export async function serviceAt(url: string, utterances: readonly Utterance[]): Promise<Server> {
  const address = new URL('/transcribe', url);
  const bodies: Buffer[] = [];
  for (const utterance of utterances) {
    const { audioPath, startS } = utterance;
    if (startS !== undefined) {
      bodies.push(Buffer.from(encodeWav(await readRecording(utterance))));
      continue;
    }
    bodies.push(
      await readFile(audioPath).catch((error: unknown) => {
        throw describeFileError(audioPath, error);
      }),
    );
  }
  return {
    waiting: () => null,
    send: async (index) => {
      const body = new Uint8Array(bodies[index] ?? []);
      const { ok, status, text } = await ask(address, body);
      if (!ok) throw new UnavailableError(`${address}: a transcript was required, got ${status} ${text}; look at it`);
    },
  };
}

async function ask(
  address: URL,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }> {
  try {
    const answer = await fetch(address, { method: 'POST', body });
    return { ok: answer.ok, status: answer.status, text: await answer.text() };
  } catch (error) {
    const why = (error as Error).cause instanceof Error ? ((error as Error).cause as Error).message : String(error);
    throw new UnavailableError(`${address}: a service that answers was required, got ${why}; start one`, {
      cause: error,
    });
  }
}
