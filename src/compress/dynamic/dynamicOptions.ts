import { z } from 'zod';
import { nodeOptions, type OptionsSchema, optionsSchema, PER_CHANNEL, REDUCE_RANGE } from '../pass.js';
import type { WeightType } from '../rewrite/params.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/**
 * Operators that dynamic quantization knows. `Gemm` is rewritten to `MatMul` and `Add`, as ONNX Runtime does;
 * `Attention` and `EmbedLayerNormalization` are those of ONNX Runtime's own domain.
 */
export const DYNAMIC_OP_TYPES = [
  'MatMul',
  'Gemm',
  'LSTM',
  'Conv',
  'Gather',
  'Attention',
  'EmbedLayerNormalization',
] as const;

/** An operator that dynamic quantization knows. */
export type DynamicOpType = (typeof DYNAMIC_OP_TYPES)[number];

/** Options of {@link quantizeDynamic}, by the names of ONNX Runtime's `quantize_dynamic`; `PASSES` describes each. */
export interface QuantizeDynamicOptions extends Partial<NodeFilter<DynamicOpType>> {
  readonly perChannel?: boolean;
  readonly reduceRange?: boolean;
  readonly weightType?: WeightType;
}

/** Options with their defaults. */
export type DynamicSettings = Required<QuantizeDynamicOptions>;

/** The options, their defaults, and what they do. */
export const DYNAMIC_OPTIONS: OptionsSchema<QuantizeDynamicOptions, DynamicSettings> =
  optionsSchema<QuantizeDynamicOptions>({
    // Convolutions become slower.
    ...nodeOptions(DYNAMIC_OP_TYPES, ['MatMul', 'Gemm', 'LSTM']),
    perChannel: z.boolean().default(false).meta(PER_CHANNEL),
    reduceRange: REDUCE_RANGE,
    weightType: z
      .enum(['int8', 'uint8'])
      .default('int8')
      .meta({ description: 'integers of the weights; those of LSTM are always int8' }),
  });
