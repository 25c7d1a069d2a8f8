import { InputError } from '../../errors.js';
import { type AffineFormat, affineFormat } from './affine.js';
import { bitsOf, formatNameOf, limitsOf, type NumberFormat, roundToFormat, stepOf } from './anyFormat.js';
import { type FixedFormat, fixedFormat } from './fixedPoint.js';

/** What a format makes of a sample of values. */
export interface FormatFit {
  /** `float16`, `Q0.7`, `int8 · 0.0123`. */
  readonly name: string;
  readonly bits: number;
  readonly lowest: number;
  readonly highest: number;
  /** Distance between neighbours at the sample's root mean square. */
  readonly step: number;
  /** Power of the values over that of what rounding changes, in decibels; infinite where nothing changes. */
  readonly signalToErrorDb: number;
  /** Share of the values beyond the range. */
  readonly saturated: number;
  /** Share of the values, zero apart, that become zero. */
  readonly lostToZero: number;
}

/**
 * The affine integers that a quantizer gives a sample: symmetric around zero as for weights, or stretched from the lowest value
 * to the highest, zero among them, as for activations (ONNX Runtime's rules).
 *
 * @param values - at least one
 * @param bits - 2 to 16
 * @throws {InputError} when there are no values
 */
export function affineFormatFor(values: Float32Array, bits: number, symmetric = true): AffineFormat {
  const { lowest, highest } = rangeOf(values);
  if (symmetric)
    return affineFormat(Math.max(Math.abs(lowest), Math.abs(highest)) / (2 ** (bits - 1) - 1) || 1, 0, bits, true);
  const [low, high] = [Math.min(lowest, 0), Math.max(highest, 0)];
  const scale = Math.fround((high - low) / (2 ** bits - 1)) || 1;
  return affineFormat(scale, Math.round(-low / scale), bits, false);
}

/**
 * The fixed-point format of a width that just holds a sample.
 *
 * @param values - at least one
 * @param bits - 2 to 32, the sign among them
 * @throws {InputError} when there are no values, or they need more integer bits than there are
 */
export function fixedFormatFor(values: Float32Array, bits: number): FixedFormat {
  const { lowest, highest } = rangeOf(values);
  const largest = Math.max(Math.abs(lowest), Math.abs(highest));
  const integerBits = Math.max(0, Math.ceil(Math.log2(largest || 1)));
  if (integerBits > bits - 1) {
    throw new InputError(`fixed point: values below ${2 ** (bits - 1)} were required, got ${largest}; take more bits`);
  }
  return fixedFormat(integerBits, bits - 1 - integerBits);
}

/**
 * Rounds a sample to a format and says what is lost.
 *
 * @param values - finite, at least one
 * @throws {InputError} when there are no values
 */
export function fitFormat(format: NumberFormat, values: Float32Array): FormatFit {
  rangeOf(values);
  const { lowest, highest } = limitsOf(format);
  let signal = 0;
  let error = 0;
  let saturated = 0;
  let lostToZero = 0;
  for (const value of values) {
    const rounded = roundToFormat(format, value);
    const lost = Number.isFinite(rounded) ? rounded - value : value;
    signal += value * value;
    error += lost * lost;
    if (value < lowest || value > highest) saturated++;
    if (value !== 0 && rounded === 0) lostToZero++;
  }
  return {
    name: formatNameOf(format),
    bits: bitsOf(format),
    lowest,
    highest,
    step: stepOf(format, Math.sqrt(signal / values.length)),
    signalToErrorDb: error === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / error),
    saturated: saturated / values.length,
    lostToZero: lostToZero / values.length,
  };
}

/**
 * Signal to error of a matrix in symmetric integers, with one scale for all of it, or one for each row.
 *
 * @param values - row-major, shape [rows, values.length / rows]
 * @returns decibels
 * @throws {InputError} when the rows are not of one length
 */
export function integerSignalToErrorDb(values: Float32Array, rows: number, bits: number): number {
  const width = values.length / rows;
  if (!(rows >= 1 && Number.isInteger(width) && width >= 1)) {
    throw new InputError(
      `matrix: ${rows} rows of one length were required, got ${values.length} values; check the shape`,
    );
  }
  let signal = 0;
  let error = 0;
  for (let row = 0; row < rows; row++) {
    const part = values.subarray(row * width, (row + 1) * width);
    const format = affineFormatFor(part, bits);
    for (const value of part) {
      const lost = roundToFormat(format, value) - value;
      signal += value * value;
      error += lost * lost;
    }
  }
  return 10 * Math.log10(signal / error);
}

function rangeOf(values: Float32Array): { readonly lowest: number; readonly highest: number } {
  if (values.length === 0)
    throw new InputError('number format: at least one value was required, got none; give a sample');
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return { lowest, highest };
}
