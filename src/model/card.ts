import { z } from 'zod';
import { parseJson, readJson } from '../files.js';
import type { FrontEnd } from '../speech/types.js';

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
  /** Output classes in order: the blank and whatever stands for nothing are empty strings; a space, `|` or `▁` divides words. */
  readonly labels: readonly string[];
  /** Index of the CTC blank in {@link ModelCard.labels}. */
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

const fileSchema: z.ZodType<CardFile> = z.strictObject({
  path: z
    .string()
    .regex(/^[\w][\w.-]*$/, 'a file name without folders is required')
    .describe('beside the card'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits are required'),
  sizeBytes: z.int().positive(),
});

const logSpectrogramSchema = z
  .strictObject({
    kind: z.literal('log-spectrogram'),
    sampleRateHz: z.number().positive(),
    windowSamples: z.int().positive(),
    hopSamples: z.int().positive(),
    window: z.enum(['hamming', 'hann']),
    padSamples: z.int().nonnegative(),
    bins: z.int().positive(),
    normalisation: z.enum(['utterance', 'none']),
  })
  .refine((value) => value.bins === Math.floor(value.windowSamples / 2) + 1, 'bins must be windowSamples / 2 + 1');

const logMelSchema = z.strictObject({
  kind: z.literal('log-mel'),
  sampleRateHz: z.int().positive(),
  fftSamples: z.int().positive(),
  windowSamples: z.int().positive(),
  hopSamples: z.int().positive(),
  window: z.enum(['hann', 'hamming', 'hann-periodic', 'hamming-periodic']),
  bins: z.int().positive(),
  melScale: z.enum(['slaney', 'htk']),
  logGuard: z.number().positive(),
  normalisation: z.enum(['utterance', 'per-feature', 'none']),
  padding: z.enum(['zeros', 'reflect', 'none']).optional(),
  preemphasis: z.number().min(0).max(1).optional(),
  lowHz: z.number().nonnegative().optional(),
  highHz: z.number().positive().optional(),
  melNormalisation: z.enum(['slaney', 'none']).optional(),
  power: z.union([z.literal(1), z.literal(2)]).optional(),
  logGuardMode: z.enum(['add', 'clamp']).optional(),
  dropLastFrame: z.boolean().optional(),
});

const waveformSchema = z.strictObject({
  kind: z.literal('waveform'),
  sampleRateHz: z.int().positive(),
  normalisation: z.enum(['utterance', 'none']),
});

const frontEndSchema: z.ZodType<FrontEnd> = z.discriminatedUnion('kind', [
  logSpectrogramSchema,
  logMelSchema,
  waveformSchema,
]);

const tensorsSchema: z.ZodType<CardTensors> = z.strictObject({
  features: z.string().min(1),
  featuresLayout: z.enum(['ntf', 'nft', 'tnf', 'nt']).optional(),
  lengths: z.string().min(1).optional(),
  lengthsType: z.enum(['int64', 'int32', 'float32', 'relative']).optional(),
  mask: z.string().min(1).optional(),
  logProbabilities: z.string().min(1),
  scoresLayout: z.enum(['ntv', 'tnv', 'nvt']).optional(),
  scores: z.enum(['log-probabilities', 'logits', 'probabilities']).optional(),
  outputLengths: z.string().min(1).optional(),
});

const rate = z.number().nonnegative();

const figureSchema: z.ZodType<CardFigure> = z
  .strictObject({
    set: z.string().min(1),
    utterances: z.int().positive(),
    words: z.int().positive(),
    precision: z.enum(['float32', 'int8']).optional(),
    decoder: z.enum(['greedy', 'beam']).optional(),
    wer: rate,
    interval95: z.tuple([rate, rate]).optional(),
    cer: rate,
    method: z.string().min(1),
  })
  .refine(
    ({ wer, interval95: [low, high] = [wer, wer] }) => low <= wer && wer <= high,
    'interval95 must hold the word error rate',
  );

const trainingSchema: z.ZodType<CardTraining> = z.strictObject({
  hours: z.number().nonnegative(),
  hoursOfSpeech: z.number().nonnegative(),
  hoursHeard: z.number().nonnegative(),
  teacher: z.string().min(1).optional(),
  continues: z.string().min(1).optional(),
});

/** Schema of `model.json`; unknown fields are refused, so that a misspelt one is found. */
const cardSchema: z.ZodType<ModelCard> = z
  .strictObject({
    schema: z.literal('quantlab.model-card/1'),
    id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens are required'),
    title: z.string().min(1),
    network: z.string().min(1),
    parameters: z.int().positive(),
    files: z.strictObject({ stored: fileSchema, float: fileSchema }),
    frontEnd: frontEndSchema,
    tensors: tensorsSchema,
    labels: z.array(z.string()).min(2),
    blank: z.int().nonnegative(),
    timeStride: z.int().positive(),
    licence: z.string().min(1),
    trainingData: z.array(z.string().min(1)),
    training: trainingSchema.optional(),
    intendedUse: z.string().min(1),
    limits: z.string().min(1),
    figures: z.array(figureSchema),
  })
  .refine((card) => card.labels[card.blank] === '', 'the label at index `blank` must be the empty string')
  .refine(
    ({ frontEnd, tensors }) =>
      (frontEnd.kind === 'waveform') === ((tensors.featuresLayout ?? 'nt') === 'nt') ||
      tensors.featuresLayout === undefined,
    'featuresLayout `nt` belongs to a waveform, and no other does',
  );

/**
 * Reads a model card (`model.json`).
 *
 * @throws {InputError} when the file is missing, is no JSON, or lacks or misspells a field; the message names it
 * @example (await readCard('data/models/deepspeech2-lstm/model.json')).timeStride // 4
 */
export async function readCard(path: string): Promise<ModelCard> {
  return await readJson(path, cardSchema);
}

/**
 * Parses the text of a model card.
 *
 * @param where - the file that the text is for: it begins the error
 * @throws {InputError} when the text is no JSON, or lacks or misspells a field
 */
export function parseCard(text: string, where: string): ModelCard {
  return parseJson(text, cardSchema, where);
}
