import { InputError } from '../../errors.js';
import { checkNodeNames } from '../rewrite/nodeNames.js';
import type { WeightType } from '../rewrite/params.js';

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

/** Options of {@link quantizeDynamic}, by the names of ONNX Runtime's `quantize_dynamic`. */
export interface QuantizeDynamicOptions {
  /** Operators to quantize. Default: MatMul, Gemm and LSTM; convolutions become slower and stay float. */
  readonly opTypesToQuantize?: readonly DynamicOpType[];
  /** Names of the only nodes to quantize. Default: all. */
  readonly nodesToQuantize?: readonly string[];
  /** Names of nodes to leave in float. */
  readonly nodesToExclude?: readonly string[];
  /** A scale for each output channel instead of one for each tensor (each direction, for LSTM). Default false. */
  readonly perChannel?: boolean;
  /** Use 7 of the 8 bits: for processors without VNNI, whose 8-bit products saturate. Default false. */
  readonly reduceRange?: boolean;
  /** Integer type of the weights; LSTM weights are always int8. Default int8. */
  readonly weightType?: WeightType;
}

/** Options with their defaults. */
export type DynamicSettings = Required<QuantizeDynamicOptions>;

/** Defaults of {@link QuantizeDynamicOptions}. */
export const DYNAMIC_DEFAULTS: DynamicSettings = {
  opTypesToQuantize: ['MatMul', 'Gemm', 'LSTM'],
  nodesToQuantize: [],
  nodesToExclude: [],
  perChannel: false,
  reduceRange: false,
  weightType: 'int8',
};

/**
 * Fills in the defaults and checks what types cannot: options come from files and command lines, too.
 *
 * @param nodeNames - names of the model's nodes
 * @throws {InputError} for an unknown operator, weight type or node
 */
export function dynamicSettings(options: QuantizeDynamicOptions, nodeNames: ReadonlySet<string>): DynamicSettings {
  const settings = { ...DYNAMIC_DEFAULTS, ...options };
  for (const opType of settings.opTypesToQuantize) {
    if (!DYNAMIC_OP_TYPES.includes(opType)) {
      throw new InputError(
        `opTypesToQuantize: ${DYNAMIC_OP_TYPES.join(', ')} were required, got ${opType}; leave it out`,
      );
    }
  }
  if (settings.weightType !== 'int8' && settings.weightType !== 'uint8') {
    throw new InputError(`weightType: int8 or uint8 was required, got ${String(settings.weightType)}; choose one`);
  }
  checkNodeNames('nodesToQuantize', settings.nodesToQuantize, nodeNames);
  checkNodeNames('nodesToExclude', settings.nodesToExclude, nodeNames);
  return settings;
}
