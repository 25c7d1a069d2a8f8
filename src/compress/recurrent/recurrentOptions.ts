import { InputError } from '../../errors.js';

/** Recurrent operators that {@link quantizeRecurrent} rewrites. */
export const RECURRENT_OP_TYPES = ['GRU', 'RNN', 'LSTM'] as const;

/** A recurrent operator. */
export type RecurrentOpType = (typeof RECURRENT_OP_TYPES)[number];

/**
 * How the product with the recurrent weights is computed, one row at each step. `float`: as before. `int8`: in eight
 * bits, a scale for each column. `nbits8`, `nbits4`: ONNX Runtime's `MatMulNBits`, a scale for each block.
 */
export type RecurrencePrecision = 'float' | 'int8' | 'nbits8' | 'nbits4';

const RECURRENCES: readonly RecurrencePrecision[] = ['float', 'int8', 'nbits8', 'nbits4'];

/** Options of {@link quantizeRecurrent}. */
export interface QuantizeRecurrentOptions {
  /** Operators to rewrite. Default: GRU and RNN; for LSTM there is `DynamicQuantizeLSTM`, but not in 4 bits. */
  readonly opTypesToQuantize?: readonly RecurrentOpType[];
  /** Names of the only nodes to rewrite. Default: all. */
  readonly nodesToQuantize?: readonly string[];
  /** Names of nodes to leave as they are. */
  readonly nodesToExclude?: readonly string[];
  /** How the product with the input weights is computed, for all steps at once. Default int8, a scale for each column. */
  readonly projection?: 'float' | 'int8';
  /** How the product with the state is computed. Default nbits8, the fastest without loss. */
  readonly recurrence?: RecurrencePrecision;
  /** Rows that share a scale in `nbits8` and `nbits4`: 16 to 256, a power of two. Default 256 for 8 bits, 128 for 4. */
  readonly blockSize?: number;
  /** Use 7 of the 8 bits in `int8`: for processors without VNNI, whose 8-bit products saturate. Default false. */
  readonly reduceRange?: boolean;
}

/** Options with their defaults. */
export type RecurrentSettings = Required<QuantizeRecurrentOptions>;

const DEFAULTS = {
  opTypesToQuantize: ['GRU', 'RNN'],
  nodesToQuantize: [],
  nodesToExclude: [],
  projection: 'int8',
  recurrence: 'nbits8',
  reduceRange: false,
} as const satisfies QuantizeRecurrentOptions;

/**
 * Fills in the defaults and checks what types cannot.
 *
 * @throws {InputError} for an unknown precision or block size
 */
export function recurrentSettings(options: QuantizeRecurrentOptions): RecurrentSettings {
  const merged = { ...DEFAULTS, ...options };
  const settings: RecurrentSettings = {
    ...merged,
    blockSize: options.blockSize ?? (merged.recurrence === 'nbits4' ? 128 : 256),
  };
  if (!RECURRENCES.includes(settings.recurrence)) {
    throw new InputError(`recurrence: ${RECURRENCES.join(', ')} were required, got ${settings.recurrence}; choose one`);
  }
  if (settings.projection !== 'float' && settings.projection !== 'int8') {
    throw new InputError(`projection: float or int8 was required, got ${String(settings.projection)}; choose one`);
  }
  if (![16, 32, 64, 128, 256].includes(settings.blockSize)) {
    throw new InputError(`blockSize: 16, 32, 64, 128 or 256 was required, got ${settings.blockSize}; choose one`);
  }
  return settings;
}
