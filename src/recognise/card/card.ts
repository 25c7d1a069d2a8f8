import type { FrontEnd } from '../../speech/types.js';

/** A file of a model, named relative to its card. */
export interface CardFile {
  readonly path: string;
  /** SHA-256 of the file, 64 hexadecimal digits. Without it the file is taken as it is. */
  readonly sha256?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

/** A file that cannot be taken for another. */
export interface CheckedFile extends CardFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** One graph of a model. */
export interface CardGraph {
  /** What everything is measured from: the `.onnx` file, float32 in a model of the registry; unpacked into the cache where it is shipped packed. */
  readonly file: CardFile;
  /** What is shipped in its place: packed weights (`quantlab model pack`). Default: the file itself. */
  readonly packed?: CheckedFile | undefined;
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

/**
 * `model.json`: everything that is needed to run a model, and, where it is shipped, to judge it. What each kind of recogniser adds
 * stands in its folder.
 */
export interface ModelCard {
  /** The first version had neither kinds nor several graphs; its cards are read as those of the kind `ctc`. */
  readonly schema: 'quantlab.model-card/2';
  /** Kind of recogniser: `ctc`, `encoder-decoder`. */
  readonly kind: string;
  readonly id: string;
  readonly title: string;
  /** The network in one sentence. */
  readonly network: string;
  readonly parameters: number;
  /** By their names, which the kind knows. */
  readonly graphs: Readonly<Record<string, CardGraph | undefined>>;
  /** Other files that the kind needs, by its names for them. Default: none. */
  readonly files?: Readonly<Record<string, CardFile>> | undefined;
  readonly frontEnd: FrontEnd;
  readonly licence?: string | undefined;
  readonly trainingData?: readonly string[] | undefined;
  readonly training?: CardTraining | undefined;
  readonly intendedUse?: string | undefined;
  readonly limits?: string | undefined;
  readonly figures?: readonly CardFigure[] | undefined;
}

/** The files that a model is shipped as, beside its card. */
export function shippedFiles({ graphs, files = {} }: ModelCard): readonly CardFile[] {
  // A graph that is not there may still be named.
  const named = Object.values(graphs).filter((graph) => graph !== undefined);
  return [...named.map(({ file, packed = file }) => packed), ...Object.values(files)];
}

/** Size of the files that a model is shipped as, in bytes; `undefined` where the card leaves one out. */
export function shippedBytes(card: ModelCard): number | undefined {
  return total(shippedFiles(card));
}

/** Size of a model's `.onnx` files, in bytes; `undefined` where the card leaves one out. */
export function onnxBytes({ graphs }: ModelCard): number | undefined {
  return total(Object.values(graphs).flatMap((graph) => graph?.file ?? []));
}

function total(files: readonly CardFile[]): number | undefined {
  let bytes = 0;
  for (const { sizeBytes } of files) {
    if (sizeBytes === undefined) return undefined;
    bytes += sizeBytes;
  }
  return bytes;
}
