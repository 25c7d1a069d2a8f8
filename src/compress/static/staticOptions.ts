import { InputError } from '../../errors.js';
import type { WeightType } from '../rewrite/params.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/** Operators that static quantization knows. */
export const STATIC_OP_TYPES = ['Conv', 'MatMul', 'Gemm'] as const;

/** An operator that static quantization knows. */
export type StaticOpType = (typeof STATIC_OP_TYPES)[number];

/** First operator set whose `DequantizeLinear` knows channels. */
export const PER_CHANNEL_OPSET = 13;

/** Options of {@link quantizeStatic}; the words are those of ONNX Runtime's `quantize_static`. */
export interface QuantizeStaticOptions extends Partial<NodeFilter<StaticOpType>> {
  /** A weight scale for each output channel; needs operator set 13. Default: true where the model has it. */
  readonly perChannel?: boolean;
  /** Weights in 7 of the 8 bits, for processors without VNNI. Default false. */
  readonly reduceRange?: boolean;
  /** Default uint8: the fastest with int8 weights on x86-64. */
  readonly activationType?: WeightType;
  /** Activation ranges symmetric about zero. Default false. */
  readonly activationSymmetric?: boolean;
}

/** Options with their defaults. */
export type StaticSettings = Required<QuantizeStaticOptions>;

/** Defaults of {@link QuantizeStaticOptions}. */
export const STATIC_DEFAULTS: StaticSettings = {
  opTypesToQuantize: ['Conv', 'MatMul', 'Gemm'],
  nodesToQuantize: [],
  nodesToExclude: [],
  perChannel: true,
  reduceRange: false,
  activationType: 'uint8',
  activationSymmetric: false,
};

/**
 * Fills in the defaults and checks them against the model's operator set.
 *
 * @throws {InputError} for an unknown type, or an operator set that cannot do it
 */
export function staticSettings(options: QuantizeStaticOptions, opset: number): StaticSettings {
  const settings = { ...STATIC_DEFAULTS, perChannel: opset >= PER_CHANNEL_OPSET, ...options };
  if (settings.activationType !== 'uint8' && settings.activationType !== 'int8') {
    throw new InputError(
      `activationType: uint8 or int8 was required, got ${String(settings.activationType)}; choose one`,
    );
  }
  if (settings.perChannel && opset < PER_CHANNEL_OPSET) {
    throw new InputError(
      `perChannel: operator set ${PER_CHANNEL_OPSET} or later was required, got ${opset}; leave it out or export the model with a later one`,
    );
  }
  return settings;
}
