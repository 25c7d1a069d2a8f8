import { limitsOf, type NumberFormat, roundToFormat } from './anyFormat.js';

/** Values probed in each interval between powers of two; odd, so that they do not fall on a format's own numbers. */
const PROBES = 37;

/** The worst that rounding does to the values between a power of two and the next. */
export interface RelativeError {
  /** Geometric middle of the interval. */
  readonly magnitude: number;
  /** Largest error over value, a fraction; 1 where the value becomes zero. */
  readonly error: number;
}

/**
 * How far a value may be from the number that stands for it, relative to the value, by its magnitude.
 *
 * @param format - what values are rounded to
 * @param exponents - powers of two between which magnitudes are probed; beyond the format's range there is no row
 * @example relativeErrors(FLOAT16)[0]?.error // about 2⁻¹¹ wherever float16 is normal
 */
export function relativeErrors(
  format: NumberFormat,
  exponents: { readonly from: number; readonly to: number } = { from: -20, to: 6 },
): readonly RelativeError[] {
  const errors: RelativeError[] = [];
  const { highest } = limitsOf(format);
  for (let exponent = exponents.from; exponent < exponents.to && 2 ** exponent < highest; exponent++) {
    let error = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const value = Math.min(highest, 2 ** exponent * (1 + (probe + 0.5) / PROBES));
      error = Math.max(error, Math.abs(roundToFormat(format, value) - value) / value);
    }
    errors.push({ magnitude: 2 ** (exponent + 0.5), error });
  }
  return errors;
}
