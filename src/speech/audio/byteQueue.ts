/** Bytes that come in blocks, looked at from the front. */
export class ByteQueue {
  readonly #blocks: AsyncIterator<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array(0);
  /** Bytes taken off the front so far. */
  position: number;

  constructor(blocks: AsyncIterable<Uint8Array>, position: number = 0) {
    this.#blocks = blocks[Symbol.asyncIterator]();
    this.position = position;
  }

  /** What lies at the front; only {@link fill} makes it longer. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Waits for more bytes.
   *
   * @returns whether as many lie at the front; `false` only at the end
   */
  async fill(length: number): Promise<boolean> {
    if (this.#bytes.length >= length) return true;
    const parts = [this.#bytes];
    let total = this.#bytes.length;
    while (total < length) {
      const { value, done } = await this.#blocks.next();
      if (done) break;
      parts.push(value);
      total += value.length;
    }
    if (parts.length > 1) this.#bytes = joinBytes(parts, total);
    return total >= length;
  }

  /** Takes bytes off the front, at most those that are there. */
  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    this.position += taken.length;
    return taken;
  }
}

/** Bytes one behind the other. */
export function joinBytes(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
