import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { InputError } from '../../errors.js';
import { ransDecode, ransEncode } from './rans.js';

/** How a stream's bytes stand in the file. */
const AS_THEY_ARE = 0;
const DEFLATED = 1;
const RANS = 2;

/** Deflated bytes come back several times as fast: {@link RANS} has to be shorter than this share of them. */
const WORTH_ITS_TIME = 0.985;

/** Kind of a stream and the length of its bytes in the file, little-endian. */
const HEAD_BYTES = 5;

/**
 * Writes bytes as one stream of a file, in whichever form is shortest: as they are, deflated (RFC 1951), deflated by Huffman's code
 * alone, which serves bytes best that differ in frequency and do not repeat, or by {@link ransEncode}, where one byte is so frequent that
 * Huffman's code cannot follow.
 *
 * @returns head and bytes, to be written one after the other
 */
export function writeStream(bytes: Uint8Array): readonly [head: Uint8Array, body: Uint8Array] {
  let [kind, body] = [AS_THEY_ARE, bytes];
  for (const strategy of [constants.Z_HUFFMAN_ONLY, constants.Z_DEFAULT_STRATEGY]) {
    const deflated = deflateRawSync(bytes, { level: 9, memLevel: 9, strategy });
    if (deflated.length < body.length) [kind, body] = [DEFLATED, deflated];
  }
  const coded = ransEncode(bytes);
  if (coded.length < WORTH_ITS_TIME * body.length) [kind, body] = [RANS, coded];
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(body.length, 1);
  return [head, body];
}

/** Reads a file of streams from its beginning to its end. */
export class StreamReader {
  readonly #bytes: Buffer;
  readonly #where: string;
  #at = 0;

  /**
   * @param bytes - the whole file
   * @param where - its name, for errors
   */
  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  /** Whether all is read. */
  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /**
   * The next bytes as they are.
   *
   * @throws {InputError} when fewer are left
   */
  take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length !== length) throw this.damaged(`${length} bytes`, `${taken.length}`);
    this.#at += length;
    return taken;
  }

  /**
   * The content of the next stream.
   *
   * @param length - bytes that it must hold
   * @throws {InputError} when it is cut, damaged, or holds another number of bytes
   */
  stream(length: number): Buffer {
    const head = this.take(HEAD_BYTES);
    const body = this.take(head.readUInt32LE(1));
    const kind = head.readUInt8(0);
    const bytes = kind === AS_THEY_ARE ? body : this.#decode(kind, body, length);
    if (bytes.length !== length) throw this.damaged(`a stream of ${length} bytes`, `${bytes.length}`);
    return bytes;
  }

  #decode(kind: number, body: Uint8Array, length: number): Buffer {
    try {
      if (kind === RANS) return ransDecode(body, length);
      return inflateRawSync(body, { maxOutputLength: Math.max(1, length) });
    } catch (error) {
      throw this.damaged(`a stream of ${length} bytes`, String(error));
    }
  }

  /** The error for a file that is not what it should be. */
  damaged(required: string, came: string): InputError {
    return new InputError(`${this.#where}: ${required} were required, got ${came}; restore the file or pack it again`);
  }
}
