import type { Pffft } from '@echogarden/pffft-wasm/simd';

let library: Promise<Pffft> | undefined;

/** The FFT library, loaded once in a process: 39 kB of WebAssembly with vector instructions. */
function loadLibrary(): Promise<Pffft> {
  library ??= import('@echogarden/pffft-wasm/simd').then((module) => module.default());
  return library;
}

/** Whether PFFFT's vector code takes real transforms of a length. */
export function isServedLength(length: number): boolean {
  if (length % 32 !== 0 || length > 1 << 16) return false;
  let rest = length;
  for (const factor of [2, 3, 5]) while (rest % factor === 0) rest /= factor;
  return rest === 1;
}

interface Held {
  readonly fft: Pffft;
  readonly setup: number;
  readonly buffers: readonly number[];
}

/** Gives the library's memory back when a transform is no longer reachable. */
const finalizers: FinalizationRegistry<Held> = new FinalizationRegistry<Held>(({ fft, setup, buffers }) => {
  for (const buffer of buffers) fft._pffft_aligned_free(buffer);
  fft._pffft_destroy_setup(setup);
});

/** A Fourier transform of real numbers of one length, in float32, by PFFFT. */
export class RealFft {
  readonly #fft: Pffft;
  readonly #setup: number;
  /** Addresses in the library's memory, in bytes: a frame, its spectrum, and room to work in. */
  readonly #input: number;
  readonly #output: number;
  readonly #work: number;

  private constructor(length: number, fft: Pffft) {
    this.#fft = fft;
    this.#setup = fft._pffft_new_setup(length, 0);
    this.#input = fft._pffft_aligned_malloc(length * 4);
    this.#output = fft._pffft_aligned_malloc(length * 4);
    this.#work = fft._pffft_aligned_malloc(length * 4);
    // It is small and lives as long as its recognizer, but a notebook may make many.
    const held: Held = { fft, setup: this.#setup, buffers: [this.#input, this.#output, this.#work] };
    finalizers.register(this, held);
  }

  /** @param length - one that {@link isServedLength} */
  static async create(length: number): Promise<RealFft> {
    return new RealFft(length, await loadLibrary());
  }

  /** The library's memory; ask again for each frame, since it may be replaced when it grows. */
  get heap(): Float32Array {
    return this.#fft.HEAPF32;
  }

  /** Index in the heap of the first number of a frame. */
  get input(): number {
    return this.#input >> 2;
  }

  /** Index in the heap of the spectrum: the constant line, that of half the sample rate, then real and imaginary parts. */
  get output(): number {
    return this.#output >> 2;
  }

  /** Transforms the frame at {@link RealFft.input}. */
  transform(): void {
    this.#fft._pffft_transform_ordered(this.#setup, this.#input, this.#output, this.#work, 0);
  }
}
