import { InputError } from '../../errors.js';
import type { RealFft } from './fft.js';
import type { MelBand } from './melFilters.js';

/** How the energies of bands become features. */
export interface LogBandSettings {
  readonly fftSamples: number;
  /** Of the magnitude (1) or of the power (2). */
  readonly power: 1 | 2;
  readonly logGuard: number;
  /** Whether the guard is added, or smaller values are raised to it. */
  readonly logGuardMode: 'add' | 'clamp';
  readonly logarithm: 'natural' | 'decimal';
}

/** Logarithms of the energies in bands of a spectrum. */
export class LogBands {
  readonly #bands: readonly MelBand[];
  readonly #settings: LogBandSettings;
  readonly #spectrum: Float32Array;

  /** @param bands - over the lines of the spectrum */
  constructor(bands: readonly MelBand[], settings: LogBandSettings) {
    this.#bands = bands;
    this.#settings = settings;
    this.#spectrum = new Float32Array(Math.floor(settings.fftSamples / 2) + 1);
  }

  /**
   * Writes the logarithms of the frame that was transformed last to `data` at `to`.
   *
   * @throws {InputError} when the sound was not finite
   */
  write(fft: RealFft, data: Float32Array, to: number): void {
    const { power, logGuard, logGuardMode, logarithm } = this.#settings;
    const spectrum = this.#spectrum;
    const logarithmOf = logarithm === 'natural' ? Math.log : Math.log10;
    fft.readPowers(spectrum);
    if (power === 1) {
      for (let line = 0; line < spectrum.length; line++) spectrum[line] = Math.sqrt(spectrum[line] as number);
    }
    for (const [band, { first, weights }] of this.#bands.entries()) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (spectrum[first + i] as number);
      if (!Number.isFinite(sum)) {
        throw new InputError(
          'sound: finite samples were required, got NaN or infinity; check where the sound comes from',
        );
      }
      data[to + band] = logarithmOf(logGuardMode === 'add' ? sum + logGuard : Math.max(sum, logGuard));
    }
  }
}
