import type { Pffft } from '@echogarden/pffft-wasm/simd';
import { ChirpFft } from './chirpFft.js';
import { LibraryBuffers, type RealFft } from './fftLibrary.js';

export type { RealFft } from './fftLibrary.js';

/** Longest frame that is transformed. */
export const LONGEST_FFT: number = 1 << 16;

/** A frame is filled up with zeros to at most this many times its length where PFFFT does not take it as it is. */
const MOST_FILLING = 8;

/**
 * Makes a transform of frames of any length: by PFFFT where it takes the length, or a small multiple of it: every so many lines of the
 * frame filled up with zeros are those of the frame; else by Bluestein's chirps.
 *
 * @param length - 1…{@link LONGEST_FFT}
 */
export async function createRealFft(length: number): Promise<RealFft> {
  const library = await loadLibrary();
  for (let times = 1; times <= MOST_FILLING; times++) {
    if (isServedLength(times * length)) return new FilledFft(length, times, library);
  }
  return new ChirpFft(length, library);
}

let library: Promise<Pffft> | undefined;

/** The FFT library, loaded once in a process: 39 kB of WebAssembly with vector instructions. */
function loadLibrary(): Promise<Pffft> {
  library ??= import('@echogarden/pffft-wasm/simd').then((module) => module.default());
  return library;
}

/** Whether PFFFT's vector code takes real transforms of a length. */
function isServedLength(length: number): boolean {
  if (length % 32 !== 0 || length > LONGEST_FFT) return false;
  let rest = length;
  for (const factor of [2, 3, 5]) while (rest % factor === 0) rest /= factor;
  return rest === 1;
}

/** A transform of frames that are filled up with zeros to a multiple of their length, or not at all. */
class FilledFft implements RealFft {
  readonly #buffers: LibraryBuffers;
  readonly #lines: number;
  readonly #times: number;
  readonly #isEven: boolean;

  constructor(length: number, times: number, library: Pffft) {
    // A frame, its spectrum, and room to work in.
    this.#buffers = new LibraryBuffers(library, 0, times * length, 3);
    this.#lines = Math.floor(length / 2) + 1;
    this.#times = times;
    this.#isEven = length % 2 === 0;
  }

  get heap(): Float32Array {
    return this.#buffers.heap;
  }

  get input(): number {
    return this.#buffers.index(0);
  }

  transform(): void {
    this.#buffers.transform(0, 1, 2, 0);
  }

  readPowers(into: Float32Array | Float64Array): void {
    const heap = this.heap;
    const output = this.#buffers.index(1);
    const last = this.#lines - 1;
    const step = 2 * this.#times;
    // The two real lines share the first place: the constant one, and the one at half the sample rate.
    into[0] = (heap[output] as number) ** 2;
    const paired = this.#isEven ? last - 1 : last;
    for (let line = 1, at = output + step; line <= paired; line++, at += step) {
      into[line] = (heap[at] as number) ** 2 + (heap[at + 1] as number) ** 2;
    }
    if (!this.#isEven) return;
    into[last] = (heap[output + 1] as number) ** 2;
  }
}
