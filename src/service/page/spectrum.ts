/** Samples of one window: 32 ms at 16 kHz, as fine in frequency as voices need. A power of two. */
const WINDOW = 512;
/** What lies further below the loudest is drawn as silence, in decibels. */
const RANGE_DB = 70;

/** Loudness by time and frequency. */
export interface Spectrogram {
  readonly columns: number;
  /** Frequencies, from 0 to half the sample rate. */
  readonly rows: number;
  /** 0 (silence) to 1 (the loudest), column by column. */
  readonly levels: Float32Array;
}

/**
 * Power spectra of Hann windows, evenly over the recording, in decibels below the loudest.
 *
 * @param samples - mono
 * @param columns - how many windows
 */
export function spectrogramOf(samples: Float32Array, columns: number): Spectrogram {
  const rows = WINDOW / 2;
  const levels = new Float32Array(columns * rows);
  const [real, imaginary] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  const step = Math.max(0, samples.length - WINDOW) / Math.max(1, columns - 1);
  let most = Number.MIN_VALUE;
  for (let column = 0; column < columns; column++) {
    const begin = Math.round(column * step);
    for (let at = 0; at < WINDOW; at++) {
      real[at] = (samples[begin + at] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * at) / WINDOW));
    }
    imaginary.fill(0);
    transform(real, imaginary);
    for (let row = 0; row < rows; row++) {
      const power = (real[row] as number) ** 2 + (imaginary[row] as number) ** 2;
      levels[column * rows + row] = power;
      most = Math.max(most, power);
    }
  }
  for (const [at, power] of levels.entries()) {
    levels[at] = Math.max(0, 1 + (10 * Math.log10(power / most)) / RANGE_DB);
  }
  return { columns, rows, levels };
}

/** Fast Fourier transform in place, radix 2 (Cooley and Tukey 1965). */
export function transform(real: Float64Array, imaginary: Float64Array): void {
  const count = real.length;
  for (let at = 1, mirrored = 0; at < count; at++) {
    let bit = count >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored ^= bit;
    if (at >= mirrored) continue;
    for (const values of [real, imaginary]) {
      [values[at], values[mirrored]] = [values[mirrored] as number, values[at] as number];
    }
  }
  for (let size = 2; size <= count; size *= 2) {
    for (let half = size / 2, place = 0; place < half; place++) {
      const angle = (-2 * Math.PI * place) / size;
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      for (let low = place; low < count; low += size) {
        const high = low + half;
        const [a, b] = [real[high] as number, imaginary[high] as number];
        const [re, im] = [a * cosine - b * sine, a * sine + b * cosine];
        real[high] = (real[low] as number) - re;
        imaginary[high] = (imaginary[low] as number) - im;
        real[low] = (real[low] as number) + re;
        imaginary[low] = (imaginary[low] as number) + im;
      }
    }
  }
}
