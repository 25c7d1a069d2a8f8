import type { FrontEnd } from '../../speech/types.js';

/** A file of a model, named relative to its card. */
export interface CardFile {
  readonly path: string;
  /** SHA-256 of the file, 64 hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Which tensors of the graph carry what, and in which form, for models that name and shape them otherwise. */
export interface CardTensors {
  /** float32, float16 or float64 [N, T, F]; see {@link CardTensors.featuresLayout}. Another axis, of one place, may stand between them. */
  readonly features: string;
  /**
   * Order of the axes of `features`: recordings, frames, features (`ntf`), features before frames (`nft`, NeMo), or frames first
   * (`tnf`). For a `waveform`, [N, T] (`nt`). Default: `nt` for a `waveform`, else the one that the graph's fixed sizes tell, else `ntf`.
   */
  readonly featuresLayout?: 'ntf' | 'nft' | 'tnf' | 'nt' | undefined;
  /** Frames of each recording, [N]. A graph without them hears one recording at a time. */
  readonly lengths?: string | undefined;
  /** What a length is: whole frames, in the graph's type, or the part of the longest (`relative`, float32, SpeechBrain). */
  readonly lengthsType?: 'int64' | 'int32' | 'float32' | 'relative' | undefined;
  /**
   * 1 for each frame of a recording, 0 for each of its padding, [N, T]: int64, int32, float32 or bool. Default: the graph's
   * `attention_mask`, where it has one.
   */
  readonly mask?: string | undefined;
  /** float32, float16 or float64 [N, T′, V]; see {@link CardTensors.scoresLayout}. */
  readonly logProbabilities: string;
  /**
   * Order of the axes of the scores: recordings, steps, classes (`ntv`), steps first (`tnv`), or classes before steps (`nvt`). Default:
   * the one that the graph's sizes and names of axes tell, else `ntv`.
   */
  readonly scoresLayout?: 'ntv' | 'tnv' | 'nvt' | undefined;
  /**
   * Whether the graph ends in logarithms of probabilities, before the softmax, or in probabilities. Default: told from what it gives,
   * recording by recording.
   */
  readonly scores?: 'log-probabilities' | 'logits' | 'probabilities' | undefined;
  /** Steps of each recording, whole numbers of any type [N]. Without them: frames over the time stride, rounded up. */
  readonly outputLengths?: string | undefined;
}

/** Accuracy of a model on a named set, as measured once and written down. */
export interface CardFigure {
  readonly set: string;
  readonly utterances: number;
  readonly words: number;
  /** Arithmetic of the model that was measured. Default: `float32`. */
  readonly precision?: 'float32' | 'int8' | undefined;
  /** Best path (`greedy`), or beam search with the language model that `method` names (`beam`). Default: `greedy`. */
  readonly decoder?: 'greedy' | 'beam' | undefined;
  /** Word error rate, a fraction. */
  readonly wer: number;
  /** Bounds of the word error rate's 95 % interval, fractions; `method` says how they were found. */
  readonly interval95?: readonly [low: number, high: number] | undefined;
  /** Character error rate, a fraction. */
  readonly cer: number;
  /** How it was decoded and computed. */
  readonly method: string;
}

/** How the weights came to be, in numbers; the card's `trainingData` says it in words. */
export interface CardTraining {
  /** By the clock, this run alone. */
  readonly hours: number;
  /** Length of the recordings that were trained on, in hours. */
  readonly hoursOfSpeech: number;
  /** Hours of speech heard with augmentation, those before a continuation included. */
  readonly hoursHeard: number;
  /** Id of the model whose posteriors were targets. */
  readonly teacher?: string | undefined;
  /** Id of the model that this one continues. */
  readonly continues?: string | undefined;
}

/** A card as it is on disk, where a file may hold the labels. */
export type CardOnDisk = Omit<ModelCard, 'labels' | 'blank'> & {
  readonly labels: readonly string[] | string;
  readonly blank?: number | undefined;
};

/** `model.json`: everything that is needed to run a model and to judge it. */
export interface ModelCard {
  readonly schema: 'quantlab.model-card/1';
  readonly id: string;
  readonly title: string;
  /** The network in one sentence. */
  readonly network: string;
  readonly parameters: number;
  readonly files: {
    /** What is shipped: packed weights (`quantlab model pack`), or the float32 model itself. */
    readonly stored: CardFile;
    /** What everything is measured from; written to the cache at first use. */
    readonly float: CardFile;
  };
  readonly frontEnd: FrontEnd;
  readonly tensors: CardTensors;
  /**
   * Output classes in order: the blank and whatever stands for nothing are empty strings; a space, `|` or `▁` divides words. A card on
   * disk may name a file beside it instead: a `vocab.json` (Hugging Face) or a `tokens.txt` (Kaldi, sherpa).
   */
  readonly labels: readonly string[];
  /** Index of the CTC blank in {@link ModelCard.labels}. On disk it may be left out where the file of the labels tells it. */
  readonly blank: number;
  /** Feature frames for each output step; samples, where the front end is a `waveform`. */
  readonly timeStride: number;
  readonly licence: string;
  readonly trainingData: readonly string[];
  readonly training?: CardTraining | undefined;
  readonly intendedUse: string;
  readonly limits: string;
  readonly figures: readonly CardFigure[];
}
