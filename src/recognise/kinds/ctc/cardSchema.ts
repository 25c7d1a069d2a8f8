import { z } from 'zod';
import { cardFields, FILE_NAME, graphSchema } from '../../card/cardSchema.js';
import type { CardTensors, CtcCardOnDisk } from './card.js';

/** Frames, or samples, of one step: a second of samples at 48 kHz and more. */
const MOST_STRIDE = 1 << 16;

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

/** Said of every card, whatever else is wrong with it. */
const always = { when: () => true } as const;

/** Schema of the cards of this kind. */
export const ctcCardSchema: z.ZodType<CtcCardOnDisk> = z
  .strictObject({
    ...cardFields,
    kind: z.literal('ctc'),
    graphs: z.strictObject({ model: graphSchema }),
    files: z.undefined().optional(),
    tensors: tensorsSchema,
    labels: labelsSchema,
    blank: z.int().nonnegative().optional(),
    timeStride: z.int().positive().max(MOST_STRIDE),
  })
  .refine((card: Partial<CtcCardOnDisk>) => !Array.isArray(card.labels) || card.labels[card.blank ?? -1] === '', {
    path: ['blank'],
    error: 'the label at index `blank` must be the empty string',
    ...always,
  })
  .refine(
    ({ frontEnd, tensors }: Partial<CtcCardOnDisk>) =>
      tensors?.featuresLayout === undefined || (frontEnd?.kind === 'waveform') === (tensors.featuresLayout === 'nt'),
    {
      path: ['tensors', 'featuresLayout'],
      error: 'featuresLayout `nt` belongs to a waveform, and no other does',
      ...always,
    },
  );
