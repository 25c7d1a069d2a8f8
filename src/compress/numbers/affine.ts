import { InputError } from '../../errors.js';
import { roundHalfToEven } from './rounding.js';

/**
 * An affine integer format, ONNX's `QuantizeLinear`: value = scale · (code − zeroPoint), codes of 2 to 16 bits.
 */
export interface AffineFormat {
  /** float32, above zero. */
  readonly scale: number;
  /** The code that stands for exactly 0. */
  readonly zeroPoint: number;
  /** 2 to 16. */
  readonly bits: number;
  readonly signed: boolean;
}

/** What an affine format can hold. */
export interface AffineRange {
  readonly lowest: number;
  readonly highest: number;
  /** Distance between neighbours, the same everywhere: the scale. */
  readonly step: number;
  readonly lowestCode: number;
  readonly highestCode: number;
}

/**
 * Names a format and checks it.
 *
 * @param scale - distance between neighbours; rounded to float32, as the runtime keeps it
 * @param zeroPoint - a code of the format
 * @throws {InputError} when the scale is no positive float32, the width is not 2 to 16 bits or the zero point does not fit
 * @example affineFormat(0.1, 0, 8, true)
 */
export function affineFormat(scale: number, zeroPoint: number, bits: number, signed: boolean): AffineFormat {
  const scale32 = Math.fround(scale);
  if (!(scale32 > 0) || !Number.isFinite(scale32)) {
    throw new InputError(
      `affine integers: a positive float32 scale was required, got ${scale}; derive it from a range`,
    );
  }
  if (!Number.isInteger(bits) || bits < 2 || bits > 16) {
    throw new InputError(`affine integers: 2 to 16 bits were required, got ${bits}; int8 has 8`);
  }
  const lowestCode = signed ? -(2 ** (bits - 1)) : 0;
  if (!Number.isInteger(zeroPoint) || zeroPoint < lowestCode || zeroPoint >= lowestCode + 2 ** bits) {
    throw new InputError(
      `affine integers: a zero point of ${lowestCode}…${lowestCode + 2 ** bits - 1} was required, got ${zeroPoint}; it is a code`,
    );
  }
  return { scale: scale32, zeroPoint, bits, signed };
}

/**
 * Range and step of an affine format.
 *
 * @example affineRange(affineFormat(0.5, 0, 8, true)).highest // 63.5
 */
export function affineRange(format: AffineFormat): AffineRange {
  const lowestCode = format.signed ? -(2 ** (format.bits - 1)) : 0;
  const highestCode = lowestCode + 2 ** format.bits - 1;
  return {
    lowest: format.scale * (lowestCode - format.zeroPoint),
    highest: format.scale * (highestCode - format.zeroPoint),
    step: format.scale,
    lowestCode,
    highestCode,
  };
}

/**
 * Nearest code, a tie to the even one, then shifted by the zero point and saturated, in the float32 arithmetic of
 * ONNX's `QuantizeLinear`.
 *
 * @param value - taken as float32
 * @throws {InputError} when the value is NaN
 * @example encodeAffine(affineFormat(0.1, 0, 8, true), 1.26) // 13
 */
export function encodeAffine(format: AffineFormat, value: number): number {
  if (Number.isNaN(value))
    throw new InputError('affine integers: a number was required, got NaN; integers have no NaN');
  const { lowestCode, highestCode } = affineRange(format);
  const code = roundHalfToEven(Math.fround(Math.fround(value) / format.scale)) + format.zeroPoint;
  return Math.min(Math.max(code, lowestCode), highestCode);
}

/**
 * Value of a code; the product rounded to float32, as `DequantizeLinear` gives it.
 *
 * @throws {InputError} when the code is no whole number or does not fit
 */
export function decodeAffine(format: AffineFormat, code: number): number {
  const { lowestCode, highestCode } = affineRange(format);
  if (!Number.isInteger(code) || code < lowestCode || code > highestCode) {
    throw new InputError(
      `affine integers: a code of ${lowestCode}…${highestCode} was required, got ${code}; give an encoded value`,
    );
  }
  return Math.fround((code - format.zeroPoint) * format.scale);
}
