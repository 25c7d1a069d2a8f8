import { InputError } from '../../errors.js';
import type { NodeFilter } from '../rewrite/rewrite.js';

/** Operators whose weights can be stored smaller while they go on computing in float. */
export const WEIGHT_ONLY_OP_TYPES = ['MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN', 'Conv', 'Gather'] as const;

/** An operator that weight-only quantization knows. */
export type WeightOnlyOpType = (typeof WEIGHT_ONLY_OP_TYPES)[number];

/** Options of {@link quantizeWeightOnly}; the words are ONNX Runtime's. */
export interface QuantizeWeightOnlyOptions extends Partial<NodeFilter<WeightOnlyOpType>> {
  /**
   * `QDQ`: int8 weights, made float again when the model is loaded, for every operator; a smaller file, no faster.
   * `QOperator`: `MatMulNBits`, for MatMul and Gemm; smaller in memory too. Default: QDQ for 8 bits, QOperator for 4.
   */
  readonly quantFormat?: 'QDQ' | 'QOperator';
  /** 4 (QOperator alone) or 8. Default 8. */
  readonly bits?: 4 | 8;
  /** QDQ: a scale for each output channel, else one for each tensor. Default true. */
  readonly perChannel?: boolean;
  /** QOperator: rows that share a scale, 16 to 256. Default 128. */
  readonly blockSize?: number;
  /** QOperator: no zero points. Default true for `nearest`; HQQ has zero points always. */
  readonly isSymmetric?: boolean;
  /** QOperator: rounding to nearest, or half-quadratic quantization. Default nearest. */
  readonly algorithm?: 'nearest' | 'hqq';
  /** QOperator: 4 lets the runtime quantize the activations too and multiply integers; 0 keeps them float. Default 0. */
  readonly accuracyLevel?: 0 | 1 | 2 | 3 | 4;
}

/** Options with their defaults. */
export type WeightOnlySettings = Required<QuantizeWeightOnlyOptions>;

/**
 * Fills in the defaults and checks what types cannot.
 *
 * @throws {InputError} for an unknown value, or values that do not go together
 */
export function weightOnlySettings(options: QuantizeWeightOnlyOptions): WeightOnlySettings {
  const { bits = 8, algorithm = 'nearest' } = options;
  const quantFormat = options.quantFormat ?? (bits === 8 ? 'QDQ' : 'QOperator');
  if (quantFormat !== 'QDQ' && quantFormat !== 'QOperator') {
    throw new InputError(`quantFormat: QDQ or QOperator was required, got ${String(quantFormat)}; choose one`);
  }
  if (bits !== 8 && (bits !== 4 || quantFormat === 'QDQ')) {
    throw new InputError(
      `bits: 8, or 4 with QOperator, were required, got ${bits} with ${quantFormat}; choose another`,
    );
  }
  if (algorithm !== 'nearest' && algorithm !== 'hqq') {
    throw new InputError(`algorithm: nearest or hqq was required, got ${String(algorithm)}; choose one`);
  }
  const { accuracyLevel = 0, isSymmetric = algorithm === 'nearest' } = options;
  if (algorithm === 'hqq' && isSymmetric) {
    throw new InputError('isSymmetric: false was required with hqq, got true; its zero points are the method');
  }
  if (![0, 1, 2, 3, 4].includes(accuracyLevel)) {
    throw new InputError(`accuracyLevel: 0 to 4 was required, got ${accuracyLevel}; 4 multiplies integers`);
  }
  return {
    quantFormat,
    bits,
    algorithm,
    isSymmetric,
    accuracyLevel,
    perChannel: options.perChannel ?? true,
    blockSize: options.blockSize ?? 128,
    opTypesToQuantize: options.opTypesToQuantize ?? (quantFormat === 'QDQ' ? WEIGHT_ONLY_OP_TYPES : ['MatMul', 'Gemm']),
    nodesToQuantize: options.nodesToQuantize ?? [],
    nodesToExclude: options.nodesToExclude ?? [],
  };
}
