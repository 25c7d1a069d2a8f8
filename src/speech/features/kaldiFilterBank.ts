import { InputError } from '../../errors.js';
import { resample } from '../audio/resample.js';
import type { Audio, FeatureExtractor, Features, KaldiFilterBankFrontEnd } from '../types.js';
import { scaleFeatures } from './featureScale.js';
import { createRealFft, type RealFft } from './fft.js';
import { mirrorEnds } from './framing.js';
import { LogBands } from './logBands.js';
import { melFilters } from './melFilters.js';

/** Exponent of Povey's window. */
const POVEY = 0.85;

const DEFAULTS = {
  window: 'povey',
  sampleScale: 32_768,
  preemphasis: 0.97,
  removeOffset: true,
  snipEdges: true,
  lowHz: 20,
  logGuard: 2 ** -23,
} as const;

/**
 * Makes Kaldi's filter bank.
 *
 * Equal within 1e-3 to kaldi-native-fbank 1.23 (test/fixtures/speech/frontEnds) where a band holds anything.
 *
 * @param frontEnd - with numbers that fit each other: see `findFrontEndFaults`
 */
export async function createKaldiFilterBank(frontEnd: KaldiFilterBankFrontEnd): Promise<FeatureExtractor> {
  const fftSamples = 2 ** Math.ceil(Math.log2(frontEnd.windowSamples));
  return new KaldiFilterBank(frontEnd, fftSamples, await createRealFft(fftSamples));
}

class KaldiFilterBank implements FeatureExtractor {
  readonly frontEnd: KaldiFilterBankFrontEnd;
  readonly #fftSamples: number;
  readonly #fft: RealFft;
  readonly #window: Float64Array;
  readonly #bands: LogBands;
  readonly #frame: Float64Array;

  constructor(frontEnd: KaldiFilterBankFrontEnd, fftSamples: number, fft: RealFft) {
    const { sampleRateHz, windowSamples, bins, lowHz = DEFAULTS.lowHz, highHz = sampleRateHz / 2 } = frontEnd;
    const { window = DEFAULTS.window, logGuard = DEFAULTS.logGuard } = frontEnd;
    this.frontEnd = frontEnd;
    this.#fftSamples = fftSamples;
    this.#fft = fft;
    this.#window = windowOf(window, windowSamples);
    this.#frame = new Float64Array(windowSamples);
    const scale = { melScale: 'htk', melNormalisation: 'none', straightOver: 'mel' } as const;
    const bands = melFilters({ sampleRateHz, fftSamples, bins, lowHz, highHz, ...scale });
    this.#bands = new LogBands(bands, {
      fftSamples,
      power: 2,
      logGuard,
      logGuardMode: 'clamp',
      logarithm: 'natural',
    });
  }

  compute(audio: Audio): Features {
    const { sampleRateHz, windowSamples, hopSamples, bins, snipEdges = DEFAULTS.snipEdges } = this.frontEnd;
    const same = audio.sampleRateHz === sampleRateHz;
    const samples = same ? audio.samples : resample(audio.samples, audio.sampleRateHz, sampleRateHz);
    // Half a hop rounds to a frame.
    const shortest = snipEdges ? windowSamples : Math.ceil(hopSamples / 2);
    if (samples.length < shortest) {
      throw new InputError(
        `sound: at least ${shortest} samples at ${sampleRateHz} Hz (${shortest / sampleRateHz} s) were required, got ${samples.length}; record a longer piece`,
      );
    }
    const frames = snipEdges
      ? 1 + Math.floor((samples.length - windowSamples) / hopSamples)
      : Math.floor((samples.length + Math.floor(hopSamples / 2)) / hopSamples);
    const before = snipEdges ? 0 : Math.floor(windowSamples / 2) - Math.floor(hopSamples / 2);
    const after = Math.max(0, (frames - 1) * hopSamples + windowSamples - before - samples.length);
    const sound = snipEdges ? samples : mirrorEnds(samples, before, after);
    const data = new Float32Array(frames * bins);
    for (let frame = 0; frame < frames; frame++) this.#bandsOf(sound, frame * hopSamples, data, frame * bins);
    scaleFeatures(data, frames, bins, this.frontEnd);
    return { data, frames, bins };
  }

  /** Writes the logarithms of the bands of the frame that begins at `from` to `data` at `to`. */
  #bandsOf(samples: Float32Array, from: number, data: Float32Array, to: number): void {
    const { sampleScale = DEFAULTS.sampleScale, preemphasis = DEFAULTS.preemphasis } = this.frontEnd;
    const { removeOffset = DEFAULTS.removeOffset } = this.frontEnd;
    const frame = this.#frame;
    let sum = 0;
    for (let i = 0; i < frame.length; i++) {
      frame[i] = sampleScale * (samples[from + i] as number);
      sum += frame[i] as number;
    }
    const offset = removeOffset ? sum / frame.length : 0;
    const { heap, input } = this.#fft;
    heap.fill(0, input, input + this.#fftSamples);
    let last = (frame[0] as number) - offset;
    for (let i = 0; i < frame.length; i++) {
      const sample = (frame[i] as number) - offset;
      heap[input + i] = (sample - preemphasis * last) * (this.#window[i] as number);
      last = sample;
    }
    this.#fft.transform();
    this.#bands.write(this.#fft, data, to);
  }
}

/** Symmetric, in double precision: a band that holds little shows the window's rounding. */
function windowOf(shape: NonNullable<KaldiFilterBankFrontEnd['window']>, samples: number): Float64Array {
  return Float64Array.from({ length: samples }, (_, n) => {
    const wave = Math.cos((2 * Math.PI * n) / Math.max(1, samples - 1));
    if (shape === 'rectangular') return 1;
    if (shape === 'hamming') return 0.54 - 0.46 * wave;
    return (0.5 - 0.5 * wave) ** (shape === 'povey' ? POVEY : 1);
  });
}
