import { type AffineFormat, affineRange, decodeAffine, encodeAffine } from './affine.js';
import { decodeFixed, encodeFixed, type FixedFormat, fixedRange } from './fixedPoint.js';
import { type FloatFormat, floatRange, floatStep, roundToFloat } from './floating.js';

/** Any of the three ways to write a number in few bits. */
export type NumberFormat = FloatFormat | FixedFormat | AffineFormat;

/** Bits of one number. */
export function bitsOf(format: NumberFormat): number {
  if ('exponentBits' in format) return 1 + format.exponentBits + format.fractionBits;
  if ('scale' in format) return format.bits;
  return format.integerBits + format.fractionBits + (format.signed ? 1 : 0);
}

/** The name by which a format is known: `bfloat16`, `Q1.6`, `int8`. */
export function formatNameOf(format: NumberFormat): string {
  if ('exponentBits' in format) return format.name;
  if ('scale' in format) return `${format.signed ? '' : 'u'}int${format.bits}`;
  return `${format.signed ? '' : 'U'}Q${format.integerBits}.${format.fractionBits}`;
}

/** Lowest and highest number of a format. */
export function limitsOf(format: NumberFormat): { readonly lowest: number; readonly highest: number } {
  if ('exponentBits' in format) return floatRange(format);
  return 'scale' in format ? affineRange(format) : fixedRange(format);
}

/**
 * Distance between the numbers of a format around a value.
 *
 * @param value - finite
 */
export function stepOf(format: NumberFormat, value: number): number {
  if ('exponentBits' in format) return floatStep(format, value);
  return 'scale' in format ? affineRange(format).step : fixedRange(format).step;
}

/**
 * The number of a format that stands for a value: the nearest one; beyond the range the last one, or an infinity in floating point.
 *
 * @example roundToFormat(fixedFormat(0, 7), 0.3) // 0.296875
 */
export function roundToFormat(format: NumberFormat, value: number): number {
  if ('exponentBits' in format) return roundToFloat(format, value);
  return 'scale' in format
    ? decodeAffine(format, encodeAffine(format, value))
    : decodeFixed(format, encodeFixed(format, value));
}
