import { InputError } from '../errors.js';
import { isServedLength, RealFft } from './fft.js';
import { cosineWindow, reflectEnds, zeroEnds } from './framing.js';
import { type MelBand, melFilters } from './melFilters.js';
import { resample } from './resample.js';
import type { Audio, FeatureExtractor, Features, LogMelFrontEnd } from './types.js';

/** Added to a band's deviation: NeMo's constant. */
const DEVIATION_GUARD = 1e-5;
/** A variance below this part of the mean square is rounding: then all values are 0. */
const MINIMUM_VARIANCE = 1e-12;

/**
 * Makes the log-mel front end that a model card describes.
 *
 * Equal within 1e-4 to librosa's, torchaudio's and NeMo's recipes (test/fixtures/speech/frontEnds), but for bands that hold
 * next to nothing, as those above the band of a telephone: there the float32 transform's own rounding shows (4e-3 was seen).
 * NeMo's dither, which is for training, is left out.
 *
 * @throws {InputError} when the numbers do not fit each other, or the FFT does not serve its length
 */
export async function createLogMel(frontEnd: LogMelFrontEnd): Promise<FeatureExtractor> {
  const settings = withDefaults(frontEnd);
  check(settings);
  return new LogMel(frontEnd, settings, await RealFft.create(settings.fftSamples));
}

type Settings = { readonly [Key in keyof Required<LogMelFrontEnd>]: Exclude<LogMelFrontEnd[Key], undefined> };

function withDefaults(frontEnd: LogMelFrontEnd): Settings {
  return {
    ...frontEnd,
    padding: frontEnd.padding ?? 'zeros',
    preemphasis: frontEnd.preemphasis ?? 0,
    lowHz: frontEnd.lowHz ?? 0,
    highHz: frontEnd.highHz ?? frontEnd.sampleRateHz / 2,
    melNormalisation: frontEnd.melNormalisation ?? 'slaney',
    power: frontEnd.power ?? 2,
    logGuardMode: frontEnd.logGuardMode ?? 'add',
    dropLastFrame: frontEnd.dropLastFrame ?? false,
  };
}

function check(settings: Settings): void {
  const { sampleRateHz, windowSamples, fftSamples, hopSamples, bins, lowHz, highHz, logGuard } = settings;
  for (const [name, value] of Object.entries({ sampleRateHz, windowSamples, hopSamples, bins })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new InputError(
        `front end: a whole number above 0 was required of ${name}, got ${value}; mend the model card`,
      );
    }
  }
  if (!isServedLength(fftSamples) || fftSamples < windowSamples) {
    throw new InputError(
      `front end: an FFT of 32 × 2^a × 3^b × 5^c samples, the window's ${windowSamples} or more, was required, got ${fftSamples}; use a model with such an FFT`,
    );
  }
  if (!(lowHz >= 0 && highHz > lowHz && highHz <= sampleRateHz / 2)) {
    throw new InputError(
      `front end: bands within 0…${sampleRateHz / 2} Hz were required, got ${lowHz}…${highHz}; mend the model card`,
    );
  }
  if (!(logGuard > 0)) {
    throw new InputError(`front end: a logGuard above 0 was required, got ${logGuard}; mend the model card`);
  }
}

class LogMel implements FeatureExtractor {
  readonly frontEnd: LogMelFrontEnd;
  readonly #settings: Settings;
  readonly #fft: RealFft;
  readonly #window: Float32Array;
  readonly #bands: readonly MelBand[];
  readonly #spectrum: Float32Array;

  constructor(frontEnd: LogMelFrontEnd, settings: Settings, fft: RealFft) {
    this.frontEnd = frontEnd;
    this.#settings = settings;
    this.#fft = fft;
    const shape = settings.window.startsWith('hann') ? 'hann' : 'hamming';
    this.#window = cosineWindow(shape, settings.windowSamples, settings.window.endsWith('-periodic'));
    this.#bands = melFilters(settings);
    this.#spectrum = new Float32Array(settings.fftSamples / 2 + 1);
  }

  compute(audio: Audio): Features {
    const { sampleRateHz, fftSamples, hopSamples, padding, preemphasis, bins, dropLastFrame } = this.#settings;
    const same = audio.sampleRateHz === sampleRateHz;
    const resampled = same ? audio.samples : resample(audio.samples, audio.sampleRateHz, sampleRateHz);
    const half = fftSamples / 2;
    const least = { reflect: half + 1, none: fftSamples, zeros: 1 }[padding];
    const shortest = Math.max(least, dropLastFrame ? hopSamples : 1);
    if (resampled.length < shortest) {
      throw new InputError(
        `sound: at least ${shortest} samples at ${sampleRateHz} Hz (${shortest / sampleRateHz} s) were required, got ${resampled.length}; record a longer piece`,
      );
    }
    const sound = preemphasis === 0 ? resampled : emphasise(resampled, preemphasis);
    const padded = padding === 'reflect' ? reflectEnds(sound, half) : zeroEnds(sound, padding === 'zeros' ? half : 0);
    const all = 1 + Math.floor((padded.length - fftSamples) / hopSamples);
    const frames = dropLastFrame ? Math.max(1, all - 1) : all;
    const data = new Float32Array(frames * bins);
    for (let frame = 0; frame < frames; frame++) this.#bandsOf(padded, frame * hopSamples, data, frame * bins);
    this.#normalise(data, frames);
    return { data, frames, bins };
  }

  /** Writes the logarithms of the bands of the frame that begins at `from` to `data` at `to`. */
  #bandsOf(samples: Float32Array, from: number, data: Float32Array, to: number): void {
    const { fftSamples, windowSamples, logGuard, logGuardMode } = this.#settings;
    const { heap, input } = this.#fft;
    const margin = Math.floor((fftSamples - windowSamples) / 2);
    heap.fill(0, input, input + fftSamples);
    for (let i = 0; i < windowSamples; i++) {
      heap[input + margin + i] = (samples[from + margin + i] as number) * (this.#window[i] as number);
    }
    this.#fft.transform();
    this.#readSpectrum();
    const spectrum = this.#spectrum;
    for (const [band, { first, weights }] of this.#bands.entries()) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (spectrum[first + i] as number);
      if (!Number.isFinite(sum)) {
        throw new InputError(
          'sound: finite samples were required, got NaN or infinity; check where the sound comes from',
        );
      }
      data[to + band] = Math.log(logGuardMode === 'add' ? sum + logGuard : Math.max(sum, logGuard));
    }
  }

  /** Powers or magnitudes of the lines. */
  #readSpectrum(): void {
    const spectrum = this.#spectrum;
    const { heap, output } = this.#fft;
    const last = spectrum.length - 1;
    spectrum[0] = (heap[output] as number) ** 2;
    spectrum[last] = (heap[output + 1] as number) ** 2;
    for (let line = 1, at = output + 2; line < last; line++, at += 2) {
      spectrum[line] = (heap[at] as number) ** 2 + (heap[at + 1] as number) ** 2;
    }
    if (this.#settings.power === 1) {
      for (let line = 0; line <= last; line++) spectrum[line] = Math.sqrt(spectrum[line] as number);
    }
  }

  #normalise(data: Float32Array, frames: number): void {
    const { normalisation, bins } = this.#settings;
    if (normalisation === 'utterance') standardise(data, 0, 1, data.length, utteranceScale);
    if (normalisation === 'per-feature') {
      for (let bin = 0; bin < bins; bin++) standardise(data, bin, bins, frames, featureScale);
    }
  }
}

/** Each sample less a part of the one before it; the first stays. */
function emphasise(samples: Float32Array, part: number): Float32Array {
  return samples.map((sample, i) => (i === 0 ? sample : sample - part * (samples[i - 1] as number)));
}

/** Takes the mean from `count` values, `step` apart, and multiplies by a scale of their squares' sum. */
function standardise(
  data: Float32Array,
  from: number,
  step: number,
  count: number,
  scaleOf: (squares: number, count: number, mean: number) => number,
): void {
  let sum = 0;
  for (let i = 0, at = from; i < count; i++, at += step) sum += data[at] as number;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0, at = from; i < count; i++, at += step) squares += ((data[at] as number) - mean) ** 2;
  const scale = scaleOf(squares, count, mean);
  for (let i = 0, at = from; i < count; i++, at += step) data[at] = ((data[at] as number) - mean) * scale;
}

function utteranceScale(squares: number, count: number, mean: number): number {
  const variance = squares / count;
  return variance <= MINIMUM_VARIANCE * (variance + mean * mean) ? 0 : 1 / Math.sqrt(variance);
}

/** NeMo's `normalize_batch('per_feature')`; a single frame has no deviation. */
function featureScale(squares: number, count: number): number {
  return 1 / (Math.sqrt(squares / Math.max(1, count - 1)) + DEVIATION_GUARD);
}
