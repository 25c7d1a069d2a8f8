import type { FrontEnd } from '../types.js';

/** What a preset does not say itself. */
export interface FrontEndNumbers {
  readonly sampleRateHz: number;
  /** Values of a frame. */
  readonly bins: number;
}

/** A front end that many models share. */
export interface FrontEndPreset {
  /** Whose it is, in a few words. */
  readonly title: string;
  /** The only rate that it is used at; else the caller must know it. */
  readonly sampleRateHz?: number;
  /** Bins that it has where nobody says otherwise; else the caller must know them. */
  readonly bins?: (sampleRateHz: number) => number;
  readonly make: (numbers: FrontEndNumbers) => FrontEnd;
}

/** Samples of so many seconds. */
const samples = (seconds: number, sampleRateHz: number): number => Math.round(seconds * sampleRateHz);

/**
 * Front ends by name. Tests hold `whisper` and `kaldi` against openai-whisper and kaldi-native-fbank, `nemo`, `wav2vec2` and `deepspeech2`
 * against their recipes in NumPy and librosa.
 */
export const FRONT_END_PRESETS: Readonly<
  Record<'whisper' | 'kaldi' | 'nemo' | 'wav2vec2' | 'deepspeech2', FrontEndPreset>
> = {
  whisper: {
    title: "OpenAI's log-mel",
    sampleRateHz: 16_000,
    make: ({ sampleRateHz, bins }) => ({
      kind: 'log-mel',
      sampleRateHz,
      fftSamples: 400,
      windowSamples: 400,
      hopSamples: 160,
      window: 'hann-periodic',
      bins,
      melScale: 'slaney',
      padding: 'reflect',
      logGuard: 1e-10,
      logGuardMode: 'clamp',
      logarithm: 'decimal',
      dropLastFrame: true,
      normalisation: 'whisper',
    }),
  },
  kaldi: {
    title: 'Kaldi’s filter bank, 25 ms every 10 ms, of samples as 16-bit numbers',
    make: ({ sampleRateHz, bins }) => ({
      kind: 'kaldi-fbank',
      sampleRateHz,
      windowSamples: samples(0.025, sampleRateHz),
      hopSamples: samples(0.01, sampleRateHz),
      bins,
      normalisation: 'none',
    }),
  },
  nemo: {
    title: "NeMo's log-mel since 2.0, without dither",
    sampleRateHz: 16_000,
    make: ({ sampleRateHz, bins }) => ({
      kind: 'log-mel',
      sampleRateHz,
      fftSamples: 512,
      windowSamples: 400,
      hopSamples: 160,
      window: 'hann',
      bins,
      melScale: 'slaney',
      logGuard: 2 ** -24,
      preemphasis: 0.97,
      dropLastFrame: true,
      normalisation: 'per-feature',
    }),
  },
  wav2vec2: {
    title: 'the samples themselves, normalised over the utterance',
    bins: () => 1,
    make: ({ sampleRateHz }) => ({ kind: 'waveform', sampleRateHz, normalisation: 'utterance' }),
  },
  deepspeech2: {
    title: 'log spectrogram of 20 ms every 10 ms, as of the shipped models',
    bins: (sampleRateHz) => samples(0.01, sampleRateHz) + 1,
    make: ({ sampleRateHz, bins }) => ({
      kind: 'log-spectrogram',
      sampleRateHz,
      windowSamples: 2 * (bins - 1),
      hopSamples: samples(0.01, sampleRateHz),
      window: 'hamming',
      padSamples: bins - 1,
      bins,
      normalisation: 'utterance',
    }),
  },
};
