import { z } from 'zod';
import { findFrontEndFaults } from '../../speech/features/frontEndFaults.js';
import type { FrontEnd } from '../../speech/types.js';
import type { CardFigure, CardFile, CardGraph, CardTraining, CheckedFile, ModelCard } from './card.js';

/** A name without folders. */
export const FILE_NAME: RegExp = /^[\w][\w.-]*$/;

const path = z.string().regex(FILE_NAME, 'a file name without folders is required').describe('beside the card');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits are required');
const sizeBytes = z.int().positive();

/** Schema of a file beside the card. */
export const fileSchema: z.ZodType<CardFile> = z.strictObject({
  path,
  sha256: sha256.optional(),
  sizeBytes: sizeBytes.optional(),
});

/** Schema of a file beside the card, with its checksum. */
export const checkedFileSchema: z.ZodType<CheckedFile> = z.strictObject({ path, sha256, sizeBytes });

/** Schema of a graph. */
export const graphSchema: z.ZodType<CardGraph> = z
  .strictObject({ file: fileSchema, packed: checkedFileSchema.optional() })
  .refine(({ file, packed }) => packed === undefined || file.sha256 !== undefined, {
    path: ['file', 'sha256'],
    error: 'the checksum of the file that the packed weights become is required',
  });

const scale = {
  normalisation: z.enum(['utterance', 'per-feature', 'mean', 'mean-variance', 'global', 'whisper', 'none']),
  mean: z.array(z.number()).optional(),
  deviation: z.array(z.number()).optional(),
};

/** Schema of a front end. Types only: ranges, and what fits what, are the front ends' own to say. */
export const frontEndSchema: z.ZodType<FrontEnd> = z
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

/** One line for people: characters that steer a terminal or turn the direction of writing have no place in it. */
const title = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u, 'one line of plain text is required');

type Fields<T> = { readonly [Field in keyof T]-?: z.ZodType<T[Field]> };

/** What cards of every kind say: fields of an object's schema, to which a kind adds its own. */
export const cardFields: Fields<Omit<ModelCard, 'kind' | 'graphs' | 'files'>> = {
  schema: z.literal('quantlab.model-card/2'),
  id: z
    .string()
    .max(128)
    .regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens are required'),
  title,
  network: z.string().min(1),
  parameters: z.int().positive(),
  frontEnd: frontEndSchema,
  licence: z.string().min(1).optional(),
  trainingData: z.array(z.string().min(1)).optional(),
  training: trainingSchema.optional(),
  intendedUse: z.string().min(1).optional(),
  limits: z.string().min(1).optional(),
  figures: z.array(figureSchema).optional(),
};
