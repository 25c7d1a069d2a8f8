import type { FrontEnd } from '../speech/types.js';

/** A file of a model, named relative to its card. */
export interface CardFile {
  readonly path: string;
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Which tensors of the graph carry what, for models that name them otherwise. */
export interface CardTensors {
  /** float32 [N, T, F]. */
  readonly features: string;
  /** int64 [N]. */
  readonly lengths: string;
  /** float32 [N, T′, V]. */
  readonly logProbabilities: string;
  /** int64 [N]. */
  readonly outputLengths: string;
}

/** Accuracy of a model on a named set, as measured once and written down. */
export interface CardFigure {
  readonly set: string;
  readonly utterances: number;
  readonly words: number;
  /** Word error rate, a fraction. */
  readonly wer: number;
  /** Character error rate, a fraction. */
  readonly cer: number;
  /** How it was decoded and computed. */
  readonly method: string;
}

/** `model.json`: everything that is needed to run a model and to judge it. */
export interface ModelCard {
  readonly schema: 'quantlab.model-card/1';
  readonly id: string;
  readonly title: string;
  /** The network in one sentence. */
  readonly network: string;
  readonly parameters: number;
  readonly files: {
    /** What is shipped: float16 initializers and `Cast`, loadable as it is. */
    readonly half: CardFile;
    /** What everything is measured from; written to the cache at first use. */
    readonly float: CardFile;
  };
  readonly frontEnd: FrontEnd;
  readonly tensors: CardTensors;
  /** Output classes in order; the blank is an empty string. */
  readonly labels: readonly string[];
  /** Index of the CTC blank in {@link ModelCard.labels}. */
  readonly blank: number;
  /** Feature frames for each output step. */
  readonly timeStride: number;
  readonly licence: string;
  readonly trainingData: readonly string[];
  readonly intendedUse: string;
  readonly limits: string;
  readonly figures: readonly CardFigure[];
}
