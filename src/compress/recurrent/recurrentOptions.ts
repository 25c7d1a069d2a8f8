import { z } from 'zod';
import { InputError } from '../../errors.js';
import { nodeOptions, type OptionsSchema, optionsSchema, REDUCE_RANGE } from '../pass.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/** Recurrent operators that {@link quantizeRecurrent} rewrites. */
export const RECURRENT_OP_TYPES = ['GRU', 'RNN', 'LSTM'] as const;

/** A recurrent operator. */
export type RecurrentOpType = (typeof RECURRENT_OP_TYPES)[number];

/**
 * How the product with the recurrent weights is computed, one row at each step. `float`: as before. `int8`: in eight
 * bits, a scale for each column. `nbits8`, `nbits4`: ONNX Runtime's `MatMulNBits`, a scale for each block.
 */
export type RecurrencePrecision = 'float' | 'int8' | 'nbits8' | 'nbits4';

/** Options of {@link quantizeRecurrent}; `PASSES` describes each. */
export interface QuantizeRecurrentOptions extends Partial<NodeFilter<RecurrentOpType>> {
  readonly projection?: 'float' | 'int8';
  readonly recurrence?: RecurrencePrecision;
  readonly blockSize?: number;
  readonly reduceRange?: boolean;
}

/** Options with their defaults; the size of a block depends on another. */
export type RecurrentGiven = QuantizeRecurrentOptions & Required<Omit<QuantizeRecurrentOptions, 'blockSize'>>;

/** The options, their defaults, and what they do. */
export const RECURRENT_OPTIONS: OptionsSchema<QuantizeRecurrentOptions, RecurrentGiven> = optionsSchema<
  QuantizeRecurrentOptions,
  RecurrentGiven
>({
  // For LSTM there is `DynamicQuantizeLSTM`, but not in 4 bits.
  ...nodeOptions(RECURRENT_OP_TYPES, ['GRU', 'RNN']),
  projection: z
    .enum(['float', 'int8'])
    .default('int8')
    .meta({ description: 'how a recurrent layer multiplies its input, for all steps at once' }),
  recurrence: z.enum(['float', 'int8', 'nbits8', 'nbits4']).default('nbits8').meta({
    description: 'how a recurrent layer multiplies its state, step by step; nbits8 is the fastest without loss',
  }),
  blockSize: z.int().optional().meta({
    description:
      'rows that share a scale, in nbits8 and nbits4: a power of two from 16 to 256 (default: 128, for 8 bits of recurrent layers 256)',
  }),
  reduceRange: REDUCE_RANGE,
});

/** Options with all defaults. */
export type RecurrentSettings = Required<QuantizeRecurrentOptions>;

/**
 * Fills in the size of a block.
 *
 * @throws {InputError} for one that the runtime does not know
 */
export function recurrentSettings(given: RecurrentGiven): RecurrentSettings {
  const blockSize = given.blockSize ?? (given.recurrence === 'nbits4' ? 128 : 256);
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new InputError(`blockSize: 16, 32, 64, 128 or 256 was required, got ${blockSize}; choose one`);
  }
  return { ...given, blockSize };
}
