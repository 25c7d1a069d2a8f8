import type { Pffft } from '@echogarden/pffft-wasm/simd';
import { LibraryBuffers, type RealFft } from './fftLibrary.js';

/**
 * A Fourier transform of any length as a convolution with a chirp, whose transforms have a length that PFFFT takes.
 *
 * With φ(n) = π n² / N, line k is exp(−iφ(k)) Σ x(n) exp(−iφ(n)) exp(iφ(k − n)).
 *
 * @see Bluestein 1970, "A linear filtering approach to the computation of discrete Fourier transform"
 */
export class ChirpFft implements RealFft {
  readonly #length: number;
  readonly #size: number;
  /** The frame times the chirp, its transform, room to work in, and the convolution. */
  readonly #buffers: LibraryBuffers;
  readonly #frame: Float32Array;
  /** exp(iφ(n)), real and imaginary parts. */
  readonly #chirp: Float64Array;
  /** Transform of the chirp, over the size. */
  readonly #filter: Float32Array;

  constructor(length: number, library: Pffft) {
    this.#length = length;
    this.#size = servedSize(2 * length - 1);
    this.#buffers = new LibraryBuffers(library, 1, this.#size, 4);
    this.#frame = new Float32Array(length);
    this.#chirp = new Float64Array(2 * length);
    for (let n = 0; n < length; n++) {
      // Whole turns taken away in whole numbers: the phase stays exact.
      const phase = (Math.PI * ((n * n) % (2 * length))) / length;
      this.#chirp[2 * n] = Math.cos(phase);
      this.#chirp[2 * n + 1] = Math.sin(phase);
    }
    this.#filter = this.#transformChirp();
  }

  get heap(): Float32Array {
    return this.#frame;
  }

  readonly input = 0;

  transform(): void {
    const buffers = this.#buffers;
    const chirp = this.#chirp;
    const from = buffers.index(0);
    for (let n = 0; n < this.#length; n++) {
      const sample = this.#frame[n] as number;
      buffers.heap[from + 2 * n] = sample * (chirp[2 * n] as number);
      buffers.heap[from + 2 * n + 1] = -sample * (chirp[2 * n + 1] as number);
    }
    buffers.transform(0, 1, 2, 0);
    const heap = buffers.heap;
    const filter = this.#filter;
    for (let i = 0, at = buffers.index(1); i < filter.length; i += 2, at += 2) {
      const [a, b] = [heap[at] as number, heap[at + 1] as number];
      const [c, d] = [filter[i] as number, filter[i + 1] as number];
      heap[at] = a * c - b * d;
      heap[at + 1] = a * d + b * c;
    }
    buffers.transform(1, 3, 2, 1);
  }

  readPowers(into: Float32Array | Float64Array): void {
    const heap = this.#buffers.heap;
    const lines = Math.floor(this.#length / 2) + 1;
    // The last factor, exp(−iφ(k)), has magnitude 1.
    for (let line = 0, at = this.#buffers.index(3); line < lines; line++, at += 2) {
      into[line] = (heap[at] as number) ** 2 + (heap[at + 1] as number) ** 2;
    }
  }

  #transformChirp(): Float32Array {
    const buffers = this.#buffers;
    const from = buffers.index(0);
    for (let n = 0; n < this.#length; n++) {
      for (const place of n === 0 ? [0] : [n, this.#size - n]) {
        buffers.heap[from + 2 * place] = this.#chirp[2 * n] as number;
        buffers.heap[from + 2 * place + 1] = this.#chirp[2 * n + 1] as number;
      }
    }
    buffers.transform(0, 1, 2, 0);
    const to = buffers.index(1);
    const filter = buffers.heap.slice(to, to + 2 * this.#size).map((value) => value / this.#size);
    buffers.heap.fill(0, from, from + 2 * this.#size);
    return filter;
  }
}

/** The shortest length of complex transforms from `least` on that PFFFT's vector code takes. */
function servedSize(least: number): number {
  for (let size = Math.ceil(least / 16) * 16; ; size += 16) {
    let rest = size;
    for (const factor of [2, 3, 5]) while (rest % factor === 0) rest /= factor;
    if (rest === 1) return size;
  }
}
