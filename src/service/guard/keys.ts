import { createHash, timingSafeEqual } from 'node:crypto';
import { InputError } from '../../errors.js';
import { readText } from '../../files.js';
import { RequestError } from '../answers/refusal.js';

/** Fewer letters could be tried one after the other. */
const SHORTEST_KEY = 16;

/**
 * Reads keys, one a line; empty lines and those that begin with `#` are left out.
 *
 * @throws {InputError} when the file cannot be read, has no key, or one that is too short
 */
export async function readKeys(path: string): Promise<readonly string[]> {
  const lines = (await readText(path)).split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw new InputError(`${path}: a key was required, got an empty file; write one in a line`);
  const short = keys.find((key) => key.length < SHORTEST_KEY);
  if (short === undefined) return keys;
  throw new InputError(
    `${path}: keys of at least ${SHORTEST_KEY} letters were required, got one of ${short.length}; make one by \`openssl rand -hex 32\``,
  );
}

/** The keys that a service takes; of none, everybody may ask. */
export class Keys {
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digestOf);
  }

  /** Whether one is asked for. */
  get asked(): boolean {
    return this.#digests.length > 0;
  }

  /**
   * Tells who asks.
   *
   * @param authorization - header `Authorization`
   * @param address - who is told by, where no key is asked for
   * @returns a name for the queue: the same for all requests of one client
   * @throws {RequestError} when the key is missing or unknown
   */
  clientOf(authorization: string | undefined, address: string): string {
    if (!this.asked) return address;
    const [, key = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    const digest = digestOf(key);
    // All are compared, so that the time tells nothing.
    const found = this.#digests.filter((known) => timingSafeEqual(known, digest));
    if (found.length > 0) return digest.toString('hex').slice(0, 16);
    const got = key === '' ? 'none' : 'another';
    throw new RequestError(
      `key: a key of this service was required, got ${got}; send it as \`Authorization: Bearer KEY\``,
      {
        status: 401,
        code: 'invalid_api_key',
        headers: { 'www-authenticate': 'Bearer' },
      },
    );
  }
}

/** Of equal length, as the comparison needs them. */
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
