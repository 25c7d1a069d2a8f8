/** Mono sound. */
export interface Audio {
  /** Samples in −1…1. */
  readonly samples: Float32Array;
  /** Samples a second, in hertz. */
  readonly sampleRateHz: number;
}

/** One line of a manifest: a recording and what is said in it. */
export interface Utterance {
  /** Unique within its manifest. */
  readonly id: string;
  /** Path of the recording, already resolved against the manifest's folder. */
  readonly audioPath: string;
  /** Length in seconds. */
  readonly durationS: number;
  /** Transcript in the form that its normaliser gives: by default lower case, a–z, apostrophe and space. */
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

/** Front ends that a card can name. */
export type FrontEnd = LogSpectrogramFrontEnd;

/** What the network reads for one utterance. */
export interface Features {
  /** Row-major, shape [frames, bins]. */
  readonly data: Float32Array;
  readonly frames: number;
  readonly bins: number;
}

/** A decoded utterance. */
export interface Decoding {
  readonly text: string;
  /** Sum of the chosen log-probabilities, natural logarithm. */
  readonly logProbability: number;
}

/** Edits between a reference and a hypothesis, counted in words (or in characters). */
export interface EditCounts {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Units that are equal. */
  readonly hits: number;
}
