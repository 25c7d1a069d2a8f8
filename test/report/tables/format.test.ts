import { describe, expect, it } from 'vitest';
import {
  formatEstimate,
  formatFactor,
  formatMegabytes,
  formatMs,
  formatNumber,
  formatPercent,
  formatPoints,
} from '../../../src/report/tables/format.js';

describe('format', () => {
  it('keeps about three digits of a time or a size', () => {
    expect([0.123, 9.904, 28.471, 1328.6].map(formatMs)).toEqual(['0.12', '9.90', '28.5', '1,329']);
    expect(formatMegabytes(32_053_256)).toBe('32.1');
  });

  it('writes rates in percent and changes with their sign', () => {
    expect(formatPercent(0.5585)).toBe('55.85');
    expect([-0.0036, 0.0048, 0.000001, -0.000001].map(formatPoints)).toEqual(['−0.36', '+0.48', '0.00', '0.00']);
    expect(formatNumber(-1234.56, 1)).toBe('−1,234.6');
  });

  it('writes an estimate with its interval', () => {
    expect(formatEstimate({ value: 1.9, low: 1.85, high: 1.956 }, formatFactor)).toBe('1.90× (1.85 to 1.96)');
    expect(formatEstimate({ value: 1.9, low: 1.8, high: 2 }, (one) => formatNumber(one, 1), ' times as fast')).toBe(
      '1.9 times as fast (1.8 to 2.0)',
    );
  });
});
