import type { Pffft } from '@echogarden/pffft-wasm/simd';

/** A Fourier transform of frames of real numbers of one length, in float32. */
export interface RealFft {
  /** The memory that a frame is written to; ask again for each frame, since it may be replaced when it grows. */
  readonly heap: Float32Array;
  /** Index in the memory of the first number of a frame. */
  readonly input: number;
  /** Transforms the frame; what it was may be lost. */
  transform(): void;
  /**
   * Squared magnitudes of the transform's lines, from the constant one to that of half the sample rate.
   *
   * @param into - room for ⌊length / 2⌋ + 1 numbers
   */
  readPowers(into: Float32Array | Float64Array): void;
}

interface Held {
  readonly library: Pffft;
  readonly setup: number;
  readonly buffers: readonly number[];
}

/** Gives the library's memory back when a transform is no longer reachable. */
const finalizers: FinalizationRegistry<Held> = new FinalizationRegistry<Held>(({ library, setup, buffers }) => {
  for (const buffer of buffers) library._pffft_aligned_free(buffer);
  library._pffft_destroy_setup(setup);
});

/** A plan of PFFFT's, and buffers in its memory that are empty at first. */
export class LibraryBuffers {
  readonly #library: Pffft;
  readonly #setup: number;
  /** Addresses, in bytes. */
  readonly #buffers: readonly number[];

  /**
   * @param kind - real (0) or complex (1)
   * @param length - numbers of one transform: real ones divisible by 32, complex ones by 16, otherwise products of 2, 3 and 5
   * @param count - buffers, each for one frame
   */
  constructor(library: Pffft, kind: 0 | 1, length: number, count: number) {
    const numbers = kind === 0 ? length : 2 * length;
    this.#library = library;
    this.#setup = library._pffft_new_setup(length, kind);
    this.#buffers = Array.from({ length: count }, () => library._pffft_aligned_malloc(numbers * 4));
    for (const buffer of this.#buffers) this.heap.fill(0, buffer >> 2, (buffer >> 2) + numbers);
    // It is small and lives as long as its recognizer, but a notebook may make many.
    finalizers.register(this, { library, setup: this.#setup, buffers: this.#buffers } satisfies Held);
  }

  /** The library's memory; ask again for each frame, since it may be replaced when it grows. */
  get heap(): Float32Array {
    return this.#library.HEAPF32;
  }

  /** Index in the memory of the first number of a buffer. */
  index(buffer: number): number {
    return (this.#buffers[buffer] as number) >> 2;
  }

  /**
   * Transforms one buffer into another, using a third, in order: real ones to the constant line, that of half the sample rate, then
   * real and imaginary parts.
   *
   * @param direction - forward (0), or back (1) and multiplied by the length
   */
  transform(from: number, to: number, work: number, direction: 0 | 1): void {
    const [input, output, room] = [from, to, work].map((buffer) => this.#buffers[buffer] as number);
    this.#library._pffft_transform_ordered(this.#setup, input as number, output as number, room as number, direction);
  }
}
