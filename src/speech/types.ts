/** Mono sound. */
export interface Audio {
  /** Samples in −1…1. */
  readonly samples: Float32Array;
  /** Samples a second, in hertz. */
  readonly sampleRateHz: number;
}

/** A recording, or a part of one. */
export interface Recording {
  /** Unique among those that are heard together. */
  readonly id: string;
  /** Path of the file, already resolved against its manifest's folder. */
  readonly audioPath: string;
  /** Where the part begins in the file, in seconds. Default: the whole file is meant. */
  readonly startS?: number | undefined;
  /** Length in seconds: of the part, or of the file. Default: it is not known. */
  readonly durationS?: number | undefined;
}

/** One line of a manifest: a recording and what is said in it. */
export interface Utterance extends Recording {
  /** Length in seconds. */
  readonly durationS: number;
  /** Transcript as it is written; who scores brings it, and what was heard, to one form. */
  readonly text: string;
  /** Who speaks. */
  readonly speaker: string;
}

/**
 * How sound becomes what the network reads: a log-magnitude spectrogram, normalised over the utterance.
 * Numbers in samples refer to {@link LogSpectrogramFrontEnd.sampleRateHz}.
 */
export interface LogSpectrogramFrontEnd {
  readonly kind: 'log-spectrogram';
  readonly sampleRateHz: number;
  /** Length of a frame, in samples; the FFT has the same length. */
  readonly windowSamples: number;
  /** Distance between frames, in samples. */
  readonly hopSamples: number;
  /** Shape of the window; both are symmetric (`numpy.hamming`, `numpy.hanning`). */
  readonly window: 'hamming' | 'hann';
  /** Samples reflected at both ends before framing. */
  readonly padSamples: number;
  /** Spectrum lines a frame: windowSamples / 2 + 1. */
  readonly bins: number;
  /** `utterance`: minus the mean, over the population standard deviation, of all values of the utterance. */
  readonly normalisation: 'utterance' | 'none';
}

/** How the logarithms of bands are scaled. */
export interface FeatureScale {
  /**
   * `utterance`: over all values, as in {@link LogSpectrogramFrontEnd}; `per-feature`: each band less its mean, over its sample standard
   * deviation plus 1e-5 (NeMo); `mean`: each band less its mean (Kaldi's `apply-cmvn`); `mean-variance`: and over its population standard
   * deviation (`--norm-vars`); `global`: less the card's `mean`, over its `deviation`; `whisper`: no lower than the highest less 8, plus 4,
   * over 4, of decimal logarithms.
   */
  readonly normalisation: 'utterance' | 'per-feature' | 'mean' | 'mean-variance' | 'global' | 'whisper' | 'none';
  /** Of each band, over what the network was trained on; for `global`. */
  readonly mean?: readonly number[] | undefined;
  /** Standard deviation of each band; for `global`. */
  readonly deviation?: readonly number[] | undefined;
}

/**
 * How sound becomes what the network reads: logarithms of the energy in bands of the mel scale, as librosa, torchaudio,
 * NeMo and Whisper compute them. Numbers in samples refer to {@link LogMelFrontEnd.sampleRateHz}.
 */
export interface LogMelFrontEnd extends FeatureScale {
  readonly kind: 'log-mel';
  readonly sampleRateHz: number;
  /** Length of the FFT, in samples: the window's or longer. */
  readonly fftSamples: number;
  /** Length of the window, in samples; it stands in the middle of the FFT. */
  readonly windowSamples: number;
  /** Distance between frames, in samples. */
  readonly hopSamples: number;
  /** Shape of the window: symmetric (NeMo), or one period of a longer wave (librosa and torchaudio). */
  readonly window: 'hann' | 'hamming' | 'hann-periodic' | 'hamming-periodic';
  /** Mel bands. */
  readonly bins: number;
  readonly melScale: 'slaney' | 'htk';
  /** Keeps the logarithm from minus infinity: 2⁻²⁴ in NeMo. */
  readonly logGuard: number;
  /** What half an FFT at both ends is filled with before framing. Default `zeros`. */
  readonly padding?: 'zeros' | 'reflect' | 'none' | undefined;
  /** Each sample less this part of the one before it: 0.97 in NeMo. Default 0: none. */
  readonly preemphasis?: number | undefined;
  /** Lower end of the first band, in hertz. Default 0. */
  readonly lowHz?: number | undefined;
  /** Upper end of the last band, in hertz. Default half the sample rate. */
  readonly highHz?: number | undefined;
  /** `slaney`: each band has area 1; `none`: height 1. Default `slaney`. */
  readonly melNormalisation?: 'slaney' | 'none' | undefined;
  /** Bands of the magnitude (1) or of the power (2). Default 2. */
  readonly power?: 1 | 2 | undefined;
  /** Whether the guard is added, or smaller values are raised to it. Default `add`. */
  readonly logGuardMode?: 'add' | 'clamp' | undefined;
  /** Default `natural`; Whisper's are `decimal`. */
  readonly logarithm?: 'natural' | 'decimal' | undefined;
  /** Leaves out the last frame, as NeMo since 2.0 and Whisper. Default false. */
  readonly dropLastFrame?: boolean | undefined;
}

/**
 * How sound becomes what the network reads: Kaldi's filter bank without dither (`compute-fbank-feats`), as icefall, WeNet, FunASR and
 * torchaudio's `compliance.kaldi.fbank` compute it. Of each frame the mean is taken, then it is emphasised, windowed, and filled up with
 * zeros to a power of two; bands are triangles on HTK's mel scale. Numbers in samples refer to {@link KaldiFilterBankFrontEnd.sampleRateHz}.
 */
export interface KaldiFilterBankFrontEnd extends FeatureScale {
  readonly kind: 'kaldi-fbank';
  readonly sampleRateHz: number;
  /** Length of a frame, in samples: 25 ms in Kaldi. */
  readonly windowSamples: number;
  /** Distance between frames, in samples: 10 ms in Kaldi. */
  readonly hopSamples: number;
  /** Bands: 80 in most recipes. */
  readonly bins: number;
  /** Default `povey`: Hann's to the power of 0.85. */
  readonly window?: 'povey' | 'hamming' | 'hann' | 'rectangular' | undefined;
  /** Samples of ±1 are multiplied by it: 32768 in Kaldi, 1 where a recipe leaves them (icefall). Default 32768. */
  readonly sampleScale?: number | undefined;
  /** Default 0.97. */
  readonly preemphasis?: number | undefined;
  /** Whether the mean of each frame is taken from it. Default true. */
  readonly removeOffset?: boolean | undefined;
  /** Whether only frames are taken that lie in the sound; else one for each hop, the ends reflected. Default true. */
  readonly snipEdges?: boolean | undefined;
  /** Lower end of the first band, in hertz. Default 20. */
  readonly lowHz?: number | undefined;
  /** Upper end of the last band, in hertz. Default half the sample rate. */
  readonly highHz?: number | undefined;
  /** Energies below it are raised to it. Default 2⁻²³: Kaldi's. */
  readonly logGuard?: number | undefined;
}

/** The samples themselves are what the network reads: wav2vec 2.0 and its kin. A frame is a sample. */
export interface WaveformFrontEnd {
  readonly kind: 'waveform';
  readonly sampleRateHz: number;
  /** `utterance`: minus the mean, over the square root of the variance plus 1e-7. */
  readonly normalisation: 'utterance' | 'none';
}

/** Front ends that a card can name. */
export type FrontEnd = LogSpectrogramFrontEnd | LogMelFrontEnd | KaldiFilterBankFrontEnd | WaveformFrontEnd;

/** What the network reads for one utterance. */
export interface Features {
  /** Row-major, shape [frames, bins]. */
  readonly data: Float32Array;
  readonly frames: number;
  /** Of one frame; 1 where the samples themselves are read. */
  readonly bins: number;
}

/** Turns sound into what the network reads. One serves any number of utterances, one at a time. */
export interface FeatureExtractor {
  readonly frontEnd: FrontEnd;
  /**
   * Computes the features of one utterance.
   *
   * @param audio - sound at any rate; it is resampled to the front end's
   * @throws {InputError} when the sound is too short for one frame, or not finite
   */
  compute(audio: Audio): Features;
}

/** A decoded utterance. */
export interface Decoding {
  readonly text: string;
  /** Natural logarithm: of the best path, its steps summed; of a beam search, all paths of the text that it followed. */
  readonly logProbability: number;
  /** Of a beam search: the text's share among all that were found, 0…1. */
  readonly confidence?: number;
  /** When each word was said, where that was asked for. */
  readonly words?: readonly WordTime[];
}

/** A word of a text, and when it was said. */
export interface WordTime {
  readonly word: string;
  /** Begin of the step in which its first letter appears, in seconds. */
  readonly startS: number;
  /** End of the step in which its last letter was seen last, in seconds. */
  readonly endS: number;
  /** Geometric mean of the network's probabilities along the word, 0…1. */
  readonly confidence: number;
}

/** A text that best path decoding found. */
export interface GreedyDecoding extends Decoding {
  /** Classes of the text, repeats joined and blanks dropped. */
  readonly sequence: readonly number[];
}

/** Edits between a reference and a hypothesis, counted in words (or in characters). */
export interface EditCounts {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Units that are equal. */
  readonly hits: number;
}
