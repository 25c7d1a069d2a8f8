import { resample } from '../audio/resample.js';
import { createRealFft, type RealFft } from '../features/fft.js';
import type { Audio } from '../types.js';

/**
 * What a recording sounds like, such that it is nearly the same in another encoding, at another volume, and with silence around it:
 * 32 bits for each step of time.
 */
export interface Fingerprint {
  /** For each step from the first that is not silent to the last: how the energies of neighbouring bands changed. */
  readonly words: Uint32Array;
  /** 1 for each step that is not silent, else 0. */
  readonly loud: Uint8Array;
  /** When its first step is in the recording, in seconds. */
  readonly startS: number;
}

/** Seconds from a step to the next. */
export const STEP_S = 0.016;

const RATE_HZ = 8000;
const STEP = RATE_HZ * STEP_S;
/** A window is long beside a step, so that it matters little where in a step a recording begins. */
const WINDOW = 2048;
/** Bands of like width in the logarithm; speech on the telephone has all of them. */
const BANDS = 33;
const LOWEST_HZ = 300;
const HIGHEST_HZ = 2000;
/** Power of a step that counts as silent, beside the loudest. */
const SILENCE = 10 ** -3.5;

/** Makes fingerprints, by Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002), with steps as speech needs them. */
export class Fingerprinter {
  readonly #fft: RealFft;
  readonly #window: Float32Array = Float32Array.from(
    { length: WINDOW },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW),
  );
  /** First line of each band, and the end of the last. */
  readonly #edges: readonly number[] = Array.from({ length: BANDS + 1 }, (_, band) =>
    Math.round(((LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (band / BANDS)) / RATE_HZ) * WINDOW),
  );
  readonly #powers: Float32Array = new Float32Array(WINDOW / 2 + 1);

  private constructor(fft: RealFft) {
    this.#fft = fft;
  }

  /** Prepares what all fingerprints need. */
  static async create(): Promise<Fingerprinter> {
    return new Fingerprinter(await createRealFft(WINDOW));
  }

  /** Hears what a recording sounds like. */
  of({ samples, sampleRateHz }: Audio): Fingerprint {
    const sound = sampleRateHz === RATE_HZ ? samples : resample(samples, sampleRateHz, RATE_HZ);
    // Windows hang over both ends, so that each sample is in as many.
    const steps = Math.ceil((sound.length + WINDOW) / STEP);
    const energies = new Float32Array(BANDS);
    let before = new Float32Array(BANDS);
    const words = new Uint32Array(steps);
    const powers = new Float32Array(steps);
    for (let step = 0; step < steps; step++) {
      powers[step] = this.#energies(sound, step * STEP - WINDOW, energies);
      let word = 0;
      for (let band = 0; band < BANDS - 1; band++) {
        const now = (energies[band] as number) - (energies[band + 1] as number);
        const then = (before[band] as number) - (before[band + 1] as number);
        word = (word << 1) | (now > then ? 1 : 0);
      }
      words[step] = word;
      before = Float32Array.from(energies);
    }
    const limit = SILENCE * powers.reduce((most, power) => Math.max(most, power), 0);
    const loud = Uint8Array.from(powers, (power) => (power > limit ? 1 : 0));
    const first = Math.max(0, loud.indexOf(1));
    const end = loud.lastIndexOf(1) + 1;
    return { words: words.slice(first, end), loud: loud.slice(first, end), startS: first * STEP_S };
  }

  /** Power of each band in a window; the sum of all. */
  #energies(sound: Float32Array, begin: number, into: Float32Array): number {
    const { heap, input } = this.#fft;
    for (let i = 0; i < WINDOW; i++) heap[input + i] = (sound[begin + i] ?? 0) * (this.#window[i] as number);
    this.#fft.transform();
    this.#fft.readPowers(this.#powers);
    let whole = 0;
    for (let band = 0; band < BANDS; band++) {
      let power = 0;
      for (let line = this.#edges[band] as number; line < (this.#edges[band + 1] as number); line++) {
        power += this.#powers[line] as number;
      }
      into[band] = power;
      whole += power;
    }
    return whole;
  }
}
