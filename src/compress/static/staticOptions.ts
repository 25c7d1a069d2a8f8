import { z } from 'zod';
import { InputError } from '../../errors.js';
import { nodeOptions, type OptionsSchema, optionsSchema, PER_CHANNEL, REDUCE_RANGE } from '../pass.js';
import type { WeightType } from '../rewrite/params.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/** Operators that static quantization knows. */
export const STATIC_OP_TYPES = ['Conv', 'MatMul', 'Gemm'] as const;

/** An operator that static quantization knows. */
export type StaticOpType = (typeof STATIC_OP_TYPES)[number];

/** First operator set whose `DequantizeLinear` knows channels. */
export const PER_CHANNEL_OPSET = 13;

/** Options of {@link quantizeStatic}; the words are those of ONNX Runtime's `quantize_static`. `PASSES` describes each. */
export interface QuantizeStaticOptions extends Partial<NodeFilter<StaticOpType>> {
  readonly perChannel?: boolean;
  readonly reduceRange?: boolean;
  readonly activationType?: WeightType;
  readonly activationSymmetric?: boolean;
}

/** Options with their defaults; whether channels have scales of their own depends on the model. */
export type StaticGiven = QuantizeStaticOptions & Required<Omit<QuantizeStaticOptions, 'perChannel'>>;

/** The options, their defaults, and what they do. */
export const STATIC_OPTIONS: OptionsSchema<QuantizeStaticOptions, StaticGiven> = optionsSchema<
  QuantizeStaticOptions,
  StaticGiven
>({
  ...nodeOptions(STATIC_OP_TYPES, STATIC_OP_TYPES),
  // Default: where the model's operator set has it.
  perChannel: z.boolean().optional().meta(PER_CHANNEL),
  reduceRange: REDUCE_RANGE,
  activationType: z
    .enum(['int8', 'uint8'])
    .default('uint8')
    .meta({ description: 'integers of the activations; uint8 is the fastest on x86-64' }),
  activationSymmetric: z
    .boolean()
    .default(false)
    .meta({ description: 'ranges of the activations symmetric about zero' }),
});

/** Options with all defaults. */
export type StaticSettings = Required<QuantizeStaticOptions>;

/**
 * Fills in the default that depends on the model's operator set.
 *
 * @throws {InputError} for an operator set that cannot do it
 */
export function staticSettings(given: StaticGiven, opset: number): StaticSettings {
  const perChannel = given.perChannel ?? opset >= PER_CHANNEL_OPSET;
  if (perChannel && opset < PER_CHANNEL_OPSET) {
    throw new InputError(
      `perChannel: operator set ${PER_CHANNEL_OPSET} or later was required, got ${opset}; leave it out or export the model with a later one`,
    );
  }
  return { ...given, perChannel };
}
