import { InputError } from '../../errors.js';
import { resample } from '../audio/resample.js';
import type { Audio, FeatureExtractor, Features, LogMelFrontEnd } from '../types.js';
import { scaleFeatures } from './featureScale.js';
import { createRealFft, type RealFft } from './fft.js';
import { cosineWindow, reflectEnds, zeroEnds } from './framing.js';
import { LogBands } from './logBands.js';
import { melFilters } from './melFilters.js';

/**
 * Makes the log-mel front end that a model card describes.
 *
 * Equal within 1e-4 to librosa's, torchaudio's, NeMo's and Whisper's recipes (test/fixtures/speech/frontEnds), but for bands that hold
 * next to nothing, as those above the band of a telephone: there the float32 transform's own rounding shows (4e-3 was seen).
 * NeMo's dither, which is for training, is left out.
 *
 * @param frontEnd - with numbers that fit each other: see `findFrontEndFaults`
 */
export async function createLogMel(frontEnd: LogMelFrontEnd): Promise<FeatureExtractor> {
  const settings = withDefaults(frontEnd);
  return new LogMel(frontEnd, settings, await createRealFft(settings.fftSamples));
}

type Defaulted = Required<Omit<LogMelFrontEnd, 'mean' | 'deviation'>>;
type Settings = { readonly [Key in keyof Defaulted]: Exclude<LogMelFrontEnd[Key], undefined> };

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
    logarithm: frontEnd.logarithm ?? 'natural',
    dropLastFrame: frontEnd.dropLastFrame ?? false,
  };
}

class LogMel implements FeatureExtractor {
  readonly frontEnd: LogMelFrontEnd;
  readonly #settings: Settings;
  readonly #fft: RealFft;
  readonly #window: Float32Array;
  readonly #bands: LogBands;

  constructor(frontEnd: LogMelFrontEnd, settings: Settings, fft: RealFft) {
    this.frontEnd = frontEnd;
    this.#settings = settings;
    this.#fft = fft;
    const shape = settings.window.startsWith('hann') ? 'hann' : 'hamming';
    this.#window = cosineWindow(shape, settings.windowSamples, settings.window.endsWith('-periodic'));
    this.#bands = new LogBands(melFilters({ ...settings, straightOver: 'hertz' }), settings);
  }

  compute(audio: Audio): Features {
    const { sampleRateHz, fftSamples, hopSamples, padding, preemphasis, bins, dropLastFrame } = this.#settings;
    const same = audio.sampleRateHz === sampleRateHz;
    const resampled = same ? audio.samples : resample(audio.samples, audio.sampleRateHz, sampleRateHz);
    const half = Math.floor(fftSamples / 2);
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
    scaleFeatures(data, frames, bins, this.frontEnd);
    return { data, frames, bins };
  }

  /** Writes the logarithms of the bands of the frame that begins at `from` to `data` at `to`. */
  #bandsOf(samples: Float32Array, from: number, data: Float32Array, to: number): void {
    const { fftSamples, windowSamples } = this.#settings;
    const { heap, input } = this.#fft;
    const margin = Math.floor((fftSamples - windowSamples) / 2);
    heap.fill(0, input, input + fftSamples);
    for (let i = 0; i < windowSamples; i++) {
      heap[input + margin + i] = (samples[from + margin + i] as number) * (this.#window[i] as number);
    }
    this.#fft.transform();
    this.#bands.write(this.#fft, data, to);
  }
}

/** Each sample less a part of the one before it; the first stays. */
function emphasise(samples: Float32Array, part: number): Float32Array {
  return samples.map((sample, i) => (i === 0 ? sample : sample - part * (samples[i - 1] as number)));
}
