import type { Estimate } from '../../study/schema.js';

/** What stands where a number could not be had. */
export const NO_NUMBER = '–';

/**
 * Writes a number with a fixed count of decimals, thousands apart: `1,234.5`.
 *
 * @param value - any finite number; a negative one begins with a true minus sign
 * @param decimals - digits after the point
 * @example formatNumber(-1234.56, 1) // '−1,234.6'
 */
export function formatNumber(value: number, decimals: number): string {
  const text = Math.abs(value).toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  const isZero = !/[1-9]/.test(text);
  return value < 0 && !isZero ? `−${text}` : text;
}

/**
 * Milliseconds with about three significant digits, without the unit.
 *
 * @example formatMs(28.471) // '28.5'
 */
export function formatMs(milliseconds: number): string {
  return formatNumber(milliseconds, decimalsFor(milliseconds));
}

/**
 * A rate (a fraction) in percent with two decimals, without the sign.
 *
 * @example formatPercent(0.5585) // '55.85'
 */
export function formatPercent(fraction: number): string {
  return formatNumber(fraction * 100, 2);
}

/**
 * Bytes in megabytes (10⁶ bytes), without the unit.
 *
 * @example formatMegabytes(32_100_000) // '32.1'
 */
export function formatMegabytes(bytes: number): string {
  return formatNumber(bytes / 1e6, decimalsFor(bytes / 1e6));
}

/**
 * A factor with two decimals and its sign.
 *
 * @example formatFactor(1.9) // '1.90×'
 */
export function formatFactor(factor: number): string {
  return `${formatNumber(factor, 2)}×`;
}

/**
 * A change with its sign always written, in percentage points.
 *
 * @example formatPoints(-0.0036) // '−0.36'
 */
export function formatPoints(fraction: number): string {
  const text = formatPercent(fraction);
  return fraction > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/**
 * An estimate with its 95 % interval, its unit behind the value alone: `28.5 (27.9 to 29.1)`, `1.90× (1.85 to 1.96)`.
 *
 * @param estimate - the value and its interval
 * @param format - how one of its three numbers is written
 * @param unit - of the value: words that the interval stands behind, such as ` times as fast`
 */
export function formatEstimate({ value, low, high }: Estimate, format: (value: number) => string, unit = ''): string {
  const bound = (one: number): string => format(one).replace(/×$/, '');
  return `${format(value)}${unit} (${bound(low)} to ${bound(high)})`;
}

/** Rounds to significant digits, as figures and data files keep their numbers. */
export function roundTo(value: number, significantDigits: number = 4): number {
  return Number(value.toPrecision(significantDigits));
}

function decimalsFor(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return 0;
  return magnitude >= 10 ? 1 : 2;
}
