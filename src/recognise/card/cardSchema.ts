import { z } from 'zod';
import { findFrontEndFaults } from '../../speech/features/frontEndFaults.js';
import type { FrontEnd } from '../../speech/types.js';
import type { CardFigure, CardFile, CardOnDisk, CardTensors, CardTraining } from './card.js';

const FILE_NAME = /^[\w][\w.-]*$/;
/** Frames, or samples, of one step: a second of samples at 48 kHz and more. */
const MOST_STRIDE = 1 << 16;

const fileSchema: z.ZodType<CardFile> = z.strictObject({
  path: z.string().regex(FILE_NAME, 'a file name without folders is required').describe('beside the card'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits are required'),
  sizeBytes: z.int().positive(),
});

const scale = {
  normalisation: z.enum(['utterance', 'per-feature', 'mean', 'mean-variance', 'global', 'whisper', 'none']),
  mean: z.array(z.number()).optional(),
  deviation: z.array(z.number()).optional(),
};

/** Types only: ranges, and what fits what, are the front ends' own to say. */
const frontEndSchema: z.ZodType<FrontEnd> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('log-spectrogram'),
      sampleRateHz: z.number(),
      windowSamples: z.number(),
      hopSamples: z.number(),
      window: z.enum(['hamming', 'hann']),
      padSamples: z.number(),
      bins: z.number(),
      normalisation: z.enum(['utterance', 'none']),
    }),
    z.strictObject({
      kind: z.literal('log-mel'),
      sampleRateHz: z.number(),
      fftSamples: z.number(),
      windowSamples: z.number(),
      hopSamples: z.number(),
      window: z.enum(['hann', 'hamming', 'hann-periodic', 'hamming-periodic']),
      bins: z.number(),
      melScale: z.enum(['slaney', 'htk']),
      logGuard: z.number(),
      ...scale,
      padding: z.enum(['zeros', 'reflect', 'none']).optional(),
      preemphasis: z.number().optional(),
      lowHz: z.number().optional(),
      highHz: z.number().optional(),
      melNormalisation: z.enum(['slaney', 'none']).optional(),
      power: z.union([z.literal(1), z.literal(2)]).optional(),
      logGuardMode: z.enum(['add', 'clamp']).optional(),
      logarithm: z.enum(['natural', 'decimal']).optional(),
      dropLastFrame: z.boolean().optional(),
    }),
    z.strictObject({
      kind: z.literal('kaldi-fbank'),
      sampleRateHz: z.number(),
      windowSamples: z.number(),
      hopSamples: z.number(),
      bins: z.number(),
      ...scale,
      window: z.enum(['povey', 'hamming', 'hann', 'rectangular']).optional(),
      sampleScale: z.number().optional(),
      preemphasis: z.number().optional(),
      removeOffset: z.boolean().optional(),
      snipEdges: z.boolean().optional(),
      lowHz: z.number().optional(),
      highHz: z.number().optional(),
      logGuard: z.number().optional(),
    }),
    z.strictObject({
      kind: z.literal('waveform'),
      sampleRateHz: z.number(),
      normalisation: z.enum(['utterance', 'none']),
    }),
  ])
  .superRefine((frontEnd, context) => {
    for (const { field, reason } of findFrontEndFaults(frontEnd)) {
      context.addIssue({ code: 'custom', path: [field], message: reason });
    }
  });

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

/** Sets of whole scripts have some ten thousand characters; sets of word pieces a quarter of a million. */
const MOST_LABELS = 1 << 18;
const LONGEST_LABEL = 256;

/** A list of classes, or the name of the file that holds them. */
const labelsSchema: z.ZodType<readonly string[] | string> = z
  .custom<readonly string[] | string>()
  .superRefine((labels: unknown, context) => {
    const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
    if (typeof labels === 'string') {
      if (!FILE_NAME.test(labels) || !/\.(json|txt)$/.test(labels)) {
        refuse(
          `a list, or the name of a .json or .txt file without folders, is required, got ${JSON.stringify(labels)}`,
        );
      }
    } else if (!Array.isArray(labels) || labels.length < 2 || labels.length > MOST_LABELS) {
      refuse(`a list of 2…${MOST_LABELS} texts, or the name of a file, is required`);
    } else {
      const wrong = labels.findIndex((label) => typeof label !== 'string' || label.length > LONGEST_LABEL);
      if (wrong >= 0)
        refuse(`texts of at most ${LONGEST_LABEL} characters are required, got another at index ${wrong}`);
    }
  });

/** One line for people: characters that steer a terminal or turn the direction of writing have no place in it. */
const title = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u, 'one line of plain text is required');

/** Said of every card, whatever else is wrong with it. */
const always = { when: () => true } as const;

/** Schema of `model.json`; unknown fields are refused, so that a misspelt one is found. */
export const cardSchema: z.ZodType<CardOnDisk> = z
  .strictObject({
    schema: z.literal('quantlab.model-card/1'),
    id: z
      .string()
      .max(128)
      .regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens are required'),
    title,
    network: z.string().min(1),
    parameters: z.int().positive(),
    files: z.strictObject({ stored: fileSchema, float: fileSchema }),
    frontEnd: frontEndSchema,
    tensors: tensorsSchema,
    labels: labelsSchema,
    blank: z.int().nonnegative().optional(),
    timeStride: z.int().positive().max(MOST_STRIDE),
    licence: z.string().min(1),
    trainingData: z.array(z.string().min(1)),
    training: trainingSchema.optional(),
    intendedUse: z.string().min(1),
    limits: z.string().min(1),
    figures: z.array(figureSchema),
  })
  .refine((card: Partial<CardOnDisk>) => !Array.isArray(card.labels) || card.labels[card.blank ?? -1] === '', {
    path: ['blank'],
    error: 'the label at index `blank` must be the empty string',
    ...always,
  })
  .refine(
    ({ frontEnd, tensors }: Partial<CardOnDisk>) =>
      tensors?.featuresLayout === undefined || (frontEnd?.kind === 'waveform') === (tensors.featuresLayout === 'nt'),
    {
      path: ['tensors', 'featuresLayout'],
      error: 'featuresLayout `nt` belongs to a waveform, and no other does',
      ...always,
    },
  );
