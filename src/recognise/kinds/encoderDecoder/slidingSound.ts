import { InputError } from '../../../errors.js';
import type { Audio } from '../../../speech/types.js';

/** Sound that comes in pieces, heard through a window that moves forward: what lies before it is forgotten. */
export class SlidingSound {
  readonly #chunks: AsyncIterator<Audio> | Iterator<Audio>;
  #held: Float32Array[] = [];
  /** Samples that lie before the held ones. */
  #forgotten = 0;
  #heldLength = 0;
  #sampleRateHz = 0;
  #ended = false;

  /** @param chunks - pieces of one recording, in order, at one rate */
  constructor(chunks: AsyncIterable<Audio> | Iterable<Audio>) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** Length of the recording, in seconds; known when its end has been seen. */
  get lengthS(): number {
    return this.#sampleRateHz === 0 ? 0 : (this.#forgotten + this.#heldLength) / this.#sampleRateHz;
  }

  /**
   * The sound in a window.
   *
   * @param startS - where it begins; not before the last window's beginning
   * @returns up to `lengthS` seconds; `null` behind the end
   * @throws {InputError} when a piece has another rate than the first
   */
  async window(startS: number, lengthS: number): Promise<Audio | null> {
    if (this.#sampleRateHz === 0) await this.#read();
    const start = Math.round(startS * this.#sampleRateHz);
    const end = start + Math.round(lengthS * this.#sampleRateHz);
    while (!this.#ended && this.#forgotten + this.#heldLength < end) await this.#read();
    this.#forget(start);
    const from = start - this.#forgotten;
    const length = Math.min(end - this.#forgotten, this.#heldLength) - from;
    if (length <= 0) return null;
    const samples = new Float32Array(length);
    let at = -from;
    for (const held of this.#held) {
      const part = held.subarray(Math.max(0, -at), Math.max(0, length - at));
      samples.set(part, Math.max(0, at));
      at += held.length;
      if (at >= length) break;
    }
    return { samples, sampleRateHz: this.#sampleRateHz };
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      this.#ended = true;
      return;
    }
    const { samples, sampleRateHz } = value as Audio;
    if (this.#sampleRateHz !== 0 && sampleRateHz !== this.#sampleRateHz) {
      throw new InputError(
        `sound: one sample rate was required, got ${this.#sampleRateHz} Hz and then ${sampleRateHz} Hz; resample it first`,
      );
    }
    this.#sampleRateHz = sampleRateHz;
    this.#held.push(samples);
    this.#heldLength += samples.length;
  }

  #forget(start: number): void {
    let [first] = this.#held;
    while (first !== undefined && this.#forgotten + first.length <= start) {
      this.#held.shift();
      this.#forgotten += first.length;
      this.#heldLength -= first.length;
      [first] = this.#held;
    }
  }
}
