import { z } from 'zod';
import { cardFields, fileSchema, graphSchema } from '../../card/cardSchema.js';
import type { EncoderDecoderCard, SpecialTokens } from './card.js';

const id = z.int().nonnegative();
const size = z.int().positive();

const tokensSchema: z.ZodType<SpecialTokens> = z.strictObject({
  start: id,
  end: id,
  noSpeech: id.optional(),
  noTimestamps: id.optional(),
  firstTimestamp: id.optional(),
  previous: id.optional(),
  transcribe: id.optional(),
  translate: id.optional(),
  languages: z.record(z.string().min(2), id).optional(),
  suppressed: z.array(id).optional(),
  suppressedFirst: z.array(id).optional(),
});

/** Schema of the cards of this kind. */
export const encoderDecoderCardSchema: z.ZodType<EncoderDecoderCard> = z
  .strictObject({
    ...cardFields,
    kind: z.literal('encoder-decoder'),
    graphs: z.strictObject({ encoder: graphSchema, decoder: graphSchema, decoderWithPast: graphSchema.optional() }),
    files: z.strictObject({ tokenizer: fileSchema }),
    layout: z.enum(['own', 'optimum']).optional(),
    layers: z.int().positive(),
    heads: z.int().positive(),
    width: z.int().positive(),
    sizes: z.strictObject({ encoderLayers: size, encoderHeads: size, encoderFeed: size, decoderFeed: size }).optional(),
    vocabulary: z.int().positive(),
    longestText: z.int().positive(),
    windowS: z.number().positive(),
    tokens: tokensSchema,
    alignmentHeads: z.array(z.tuple([id, id])).optional(),
  })
  .refine(({ width, heads }) => width % heads === 0, { path: ['heads'], error: 'a divisor of the width is required' })
  .refine(({ tokens, vocabulary }) => idsOf(tokens).every((one) => one < vocabulary), {
    path: ['tokens'],
    error: 'ids below the size of the vocabulary are required',
  });

function idsOf({ languages = {}, ...tokens }: SpecialTokens): number[] {
  return [...Object.values(tokens), ...Object.values(languages)].flatMap((one) => one ?? []);
}
