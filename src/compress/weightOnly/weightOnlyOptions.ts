import { z } from 'zod';
import { InputError } from '../../errors.js';
import { nodeOptions, type OptionsSchema, optionsSchema, PER_CHANNEL } from '../pass.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/** Operators whose weights can be stored smaller while they go on computing in float. */
export const WEIGHT_ONLY_OP_TYPES = ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN', 'Conv', 'Gather'] as const;

/** An operator that weight-only quantization knows. */
export type WeightOnlyOpType = (typeof WEIGHT_ONLY_OP_TYPES)[number];

/** Options of {@link quantizeWeightOnly}; the words are ONNX Runtime's. `PASSES` describes each. */
export interface QuantizeWeightOnlyOptions extends Partial<NodeFilter<WeightOnlyOpType>> {
  readonly quantFormat?: 'QDQ' | 'QOperator';
  readonly bits?: 4 | 8;
  readonly perChannel?: boolean;
  readonly blockSize?: number;
  readonly isSymmetric?: boolean;
  readonly algorithm?: 'nearest' | 'hqq';
  readonly accuracyLevel?: 0 | 1 | 2 | 3 | 4;
}

/** Options with their defaults; what depends on others is still to be filled in. */
export type WeightOnlyGiven = QuantizeWeightOnlyOptions &
  Required<Omit<QuantizeWeightOnlyOptions, 'quantFormat' | 'isSymmetric' | 'opTypesToQuantize'>>;

/** The options, their defaults, and what they do. */
export const WEIGHT_ONLY_OPTIONS: OptionsSchema<QuantizeWeightOnlyOptions, WeightOnlyGiven> = optionsSchema<
  QuantizeWeightOnlyOptions,
  WeightOnlyGiven
>({
  ...nodeOptions(WEIGHT_ONLY_OP_TYPES, undefined),
  quantFormat: z.enum(['QDQ', 'QOperator']).optional().meta({
    description:
      'QDQ: int8 made float when the model is loaded, for every operator, no faster; QOperator: MatMulNBits, for MatMul and Gemm, smaller in memory, too (default: QDQ for 8 bits, QOperator for 4)',
  }),
  bits: z
    .union([z.literal(4), z.literal(8)])
    .default(8)
    .meta({ description: 'bits of a weight; 4 with QOperator alone' }),
  perChannel: z.boolean().default(true).meta(PER_CHANNEL),
  blockSize: z
    .int()
    .default(128)
    .meta({ description: 'rows that share a scale, in QOperator, nbits8 and nbits4: a power of two from 16 to 256' }),
  isSymmetric: z.boolean().optional().meta({
    description: 'QOperator without zero points (default: yes for nearest; hqq always has them)',
    flag: 'symmetric',
  }),
  algorithm: z
    .enum(['nearest', 'hqq'])
    .default('nearest')
    .meta({ description: 'QOperator: rounding to nearest, or half-quadratic quantization' }),
  accuracyLevel: z
    .union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)])
    .default(0)
    .meta({ description: 'QOperator: with 4 the runtime multiplies integers, with 0 floats' }),
});

/** Options with all defaults. */
export type WeightOnlySettings = Required<QuantizeWeightOnlyOptions>;

/**
 * Fills in the defaults that depend on other options.
 *
 * @throws {InputError} for values that do not go together
 */
export function weightOnlySettings(given: WeightOnlyGiven): WeightOnlySettings {
  const { bits, algorithm } = given;
  const quantFormat = given.quantFormat ?? (bits === 8 ? 'QDQ' : 'QOperator');
  const isSymmetric = given.isSymmetric ?? algorithm === 'nearest';
  if (bits === 4 && quantFormat === 'QDQ') {
    throw new InputError(`bits: 8, or 4 with QOperator, were required, got 4 with QDQ; choose another`);
  }
  if (algorithm === 'hqq' && isSymmetric) {
    throw new InputError('isSymmetric: false was required with hqq, got true; its zero points are the method');
  }
  const opTypesToQuantize =
    given.opTypesToQuantize ?? (quantFormat === 'QDQ' ? WEIGHT_ONLY_OP_TYPES : ['MatMul', 'Gemm']);
  return { ...given, quantFormat, isSymmetric, opTypesToQuantize };
}
