import { InputError } from '../../errors.js';
import { roundHalfToEven } from './rounding.js';

/**
 * A binary floating-point format with subnormals, infinities and NaN, laid out as sign, exponent, fraction
 * (IEEE 754-2019, 3.4). A value is (−1)^sign · 1.fraction · 2^(exponent − bias).
 */
export interface FloatFormat {
  readonly name: string;
  /** 2 to 8. */
  readonly exponentBits: number;
  /** Stored bits of the significand, 1 to 23. */
  readonly fractionBits: number;
}

/** Single precision, IEEE 754 binary32. */
export const FLOAT32: FloatFormat = { name: 'float32', exponentBits: 8, fractionBits: 23 };
/** Half precision, IEEE 754 binary16. */
export const FLOAT16: FloatFormat = { name: 'float16', exponentBits: 5, fractionBits: 10 };
/** The upper half of a float32: its range, with 8 bits of precision. */
export const BFLOAT16: FloatFormat = { name: 'bfloat16', exponentBits: 8, fractionBits: 7 };

/** What a floating-point format can hold. */
export interface FloatRange {
  readonly lowest: number;
  readonly highest: number;
  /** Smallest positive number with full precision. */
  readonly smallestNormal: number;
  /** Smallest positive number. */
  readonly smallestSubnormal: number;
  /** Distance from 1 to the next number. */
  readonly epsilon: number;
}

/**
 * Range of a floating-point format (NumPy's `finfo`).
 *
 * @example floatRange(FLOAT16).highest // 65504
 */
export function floatRange(format: FloatFormat): FloatRange {
  const { fractionBits } = format;
  const bias = biasOf(format);
  const highest = (2 - 2 ** -fractionBits) * 2 ** bias;
  return {
    lowest: -highest,
    highest,
    smallestNormal: 2 ** (1 - bias),
    smallestSubnormal: 2 ** (1 - bias - fractionBits),
    epsilon: 2 ** -fractionBits,
  };
}

/**
 * Nearest number of a format, a tie to the one with an even last bit; beyond the range an infinity.
 * The input is not rounded to anything in between: one rounding, as the standard asks.
 *
 * @example roundToFloat(BFLOAT16, 3.14159) // 3.140625
 */
export function roundToFloat(format: FloatFormat, value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const step = floatStep(format, value);
  const rounded = roundHalfToEven(value / step) * step;
  return Math.abs(rounded) > floatRange(format).highest ? Math.sign(value) * Number.POSITIVE_INFINITY : rounded;
}

/**
 * Distance between the numbers of a format around a value: its unit in the last place.
 *
 * @param value - finite
 * @throws {InputError} when the value is not finite
 * @example floatStep(FLOAT16, 2048) // 2
 */
export function floatStep(format: FloatFormat, value: number): number {
  if (!Number.isFinite(value)) {
    throw new InputError(`${format.name}: a finite value was required, got ${value}; an infinity has no step`);
  }
  const bias = biasOf(format);
  const exponent = Math.min(Math.max(exponentOf(value), 1 - bias), bias);
  return 2 ** (exponent - format.fractionBits);
}

function biasOf(format: FloatFormat): number {
  return 2 ** (format.exponentBits - 1) - 1;
}

const doubleView = new DataView(new ArrayBuffer(8));

/** Exponent of the highest binary digit, read from the double's own bits; −1023 for zero and for its subnormals. */
function exponentOf(value: number): number {
  doubleView.setFloat64(0, value);
  return ((doubleView.getUint16(0) >>> 4) & 0x7ff) - 1023;
}
