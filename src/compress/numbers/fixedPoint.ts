import { InputError } from '../../errors.js';
import { roundHalfToEven } from './rounding.js';

/**
 * A fixed-point format Qm.n: a sign bit where signed, m integer bits and n fraction bits (Texas Instruments' way of
 * counting: the sign is not among the m). A value is code · 2⁻ⁿ.
 */
export interface FixedFormat {
  /** m: bits before the point. */
  readonly integerBits: number;
  /** n: bits after the point. */
  readonly fractionBits: number;
  /** Two's complement where true; `false` is written UQm.n. */
  readonly signed: boolean;
}

/** What a fixed-point format can hold. */
export interface FixedRange {
  readonly lowest: number;
  readonly highest: number;
  /** Distance between neighbours, the same everywhere: 2⁻ⁿ. */
  readonly step: number;
}

/** Codes up to this width are exact in a double, with a bit to spare for rounding. */
const WIDEST_BITS = 52;

/**
 * Names a format and checks it.
 *
 * @param integerBits - m, 0 or more
 * @param fractionBits - n, 0 or more
 * @throws {InputError} when the format has no bits or more than 52
 * @example fixedFormat(0, 7) // Q0.7: int8 for −1…1
 */
export function fixedFormat(integerBits: number, fractionBits: number, signed = true): FixedFormat {
  const width = integerBits + fractionBits + (signed ? 1 : 0);
  const whole = Number.isInteger(integerBits) && Number.isInteger(fractionBits);
  if (!whole || integerBits < 0 || fractionBits < 0 || integerBits + fractionBits < 1 || width > WIDEST_BITS) {
    throw new InputError(
      `fixed point: 1 to ${WIDEST_BITS} bits were required, got Q${integerBits}.${fractionBits}; choose m and n of 0 or more`,
    );
  }
  return { integerBits, fractionBits, signed };
}

/**
 * Range and step of a fixed-point format.
 *
 * @example fixedRange(fixedFormat(0, 7)) // { lowest: -1, highest: 0.9921875, step: 0.0078125 }
 */
export function fixedRange(format: FixedFormat): FixedRange {
  const step = 2 ** -format.fractionBits;
  return {
    lowest: format.signed ? -(2 ** format.integerBits) : 0,
    highest: 2 ** format.integerBits - step,
    step,
  };
}

/**
 * Nearest code, a tie to the even one; beyond the range it saturates.
 *
 * @returns a whole number: two's complement read as a signed integer
 * @throws {InputError} when the value is NaN
 * @example encodeFixed(fixedFormat(0, 7), 0.3) // 38
 */
export function encodeFixed(format: FixedFormat, value: number): number {
  if (Number.isNaN(value)) throw new InputError('fixed point: a number was required, got NaN; integers have no NaN');
  const { lowest, highest, step } = fixedRange(format);
  const code = roundHalfToEven(Math.min(Math.max(value, lowest), highest) / step);
  return code === 0 ? 0 : code;
}

/**
 * Value of a code; exact.
 *
 * @throws {InputError} when the code is no whole number or does not fit
 * @example decodeFixed(fixedFormat(0, 7), 38) // 0.296875
 */
export function decodeFixed(format: FixedFormat, code: number): number {
  const { lowest, highest, step } = fixedRange(format);
  if (!Number.isInteger(code) || code * step < lowest || code * step > highest) {
    throw new InputError(
      `fixed point: a code of ${lowest / step}…${highest / step} was required, got ${code}; give an encoded value`,
    );
  }
  return code * step;
}
