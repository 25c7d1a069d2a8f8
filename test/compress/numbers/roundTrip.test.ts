/** Every number format, of any width: codes come back, values come back to half a step, order is kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AffineFormat,
  affineFormat,
  affineRange,
  decodeAffine,
  encodeAffine,
} from '../../../src/compress/numbers/affine.js';
import {
  decodeFixed,
  encodeFixed,
  type FixedFormat,
  fixedFormat,
  fixedRange,
} from '../../../src/compress/numbers/fixedPoint.js';
import { type FloatFormat, floatRange, floatStep, roundToFloat } from '../../../src/compress/numbers/floating.js';
import { dequantizeBlocks, quantizeBlocks } from '../../../src/compress/weightOnly/blocks.js';

const runs = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 500), seed: 20_261_121 };

const floatFormat: fc.Arbitrary<FloatFormat> = fc.record({
  name: fc.constant('float'),
  exponentBits: fc.integer({ min: 2, max: 8 }),
  fractionBits: fc.integer({ min: 1, max: 23 }),
});

const fixed: fc.Arbitrary<FixedFormat> = fc
  .tuple(fc.nat(20), fc.nat(20), fc.boolean())
  .filter(([integers, fractions]) => integers + fractions > 0)
  .map(([integers, fractions, signed]) => fixedFormat(integers, fractions, signed));

const affine: fc.Arbitrary<AffineFormat> = fc
  .record({
    exponent: fc.integer({ min: -40, max: 20 }),
    mantissa: fc.double({ min: 1, max: 2, noNaN: true }),
    bits: fc.integer({ min: 2, max: 16 }),
    signed: fc.boolean(),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ exponent, mantissa, bits, signed, place }) => {
    const lowest = signed ? -(2 ** (bits - 1)) : 0;
    return affineFormat(mantissa * 2 ** exponent, lowest + Math.round(place * (2 ** bits - 1)), bits, signed);
  });

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const anyValue = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 });

describe('floating point of any width', () => {
  it('brings a value back to half a step, or to an infinity beyond its range', () => {
    fc.assert(
      fc.property(floatFormat, anyValue, (format, value) => {
        const back = roundToFloat(format, value);
        const { highest } = floatRange(format);
        if (Math.abs(value) > highest + floatStep(format, highest)) {
          expect(back).toBe(Math.sign(value) * Number.POSITIVE_INFINITY);
        } else if (Number.isFinite(back)) {
          expect(Math.abs(back - value)).toBeLessThanOrEqual(floatStep(format, value) / 2);
        }
        expect(roundToFloat(format, back)).toBe(back);
      }),
      runs,
    );
  });

  it('keeps the order of values', () => {
    fc.assert(
      fc.property(floatFormat, anyValue, anyValue, (format, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const back = (value: number) => roundToFloat(format, value);
        expect(back(low)).toBeLessThanOrEqual(back(high));
      }),
      runs,
    );
  });
});

describe('fixed point of any width', () => {
  it('brings every code back', () => {
    fc.assert(
      fc.property(fixed, fraction, (format, place) => {
        const { lowest, highest, step } = fixedRange(format);
        const code = Math.round((lowest + place * (highest - lowest)) / step);
        expect(encodeFixed(format, decodeFixed(format, code))).toBe(code === 0 ? 0 : code);
      }),
      runs,
    );
  });

  it('brings a value back to half a step within its range, and to its end beyond', () => {
    fc.assert(
      fc.property(fixed, anyValue, (format, value) => {
        const { lowest, highest, step } = fixedRange(format);
        const back = decodeFixed(format, encodeFixed(format, value));
        if (value > highest) expect(back).toBe(highest);
        else if (value < lowest) expect(back).toBe(lowest);
        else expect(Math.abs(back - value)).toBeLessThanOrEqual(step / 2);
      }),
      runs,
    );
  });
});

describe('affine integers of any width', () => {
  it('brings every code back', () => {
    fc.assert(
      fc.property(affine, fraction, (format, place) => {
        const { lowestCode, highestCode } = affineRange(format);
        const code = Math.round(lowestCode + place * (highestCode - lowestCode));
        expect(encodeAffine(format, decodeAffine(format, code))).toBe(code);
      }),
      runs,
    );
  });

  it('brings a value back to half a step within its range, and to its end beyond', () => {
    fc.assert(
      fc.property(affine, fc.double({ min: -2, max: 3, noNaN: true }), (format, place) => {
        const { lowest, highest, step } = affineRange(format);
        const value = Math.fround(lowest + place * (highest - lowest));
        const back = decodeAffine(format, encodeAffine(format, value));
        // A quotient and a product in float32, each rounded once, may move a value by 2⁻²³ of itself.
        const rounding = 2 ** -22 * Math.max(Math.abs(value), Math.abs(lowest), Math.abs(highest));
        if (value > highest) expect(back).toBe(Math.fround(highest));
        else if (value < lowest) expect(back).toBe(Math.fround(lowest));
        else expect(Math.abs(back - value)).toBeLessThanOrEqual(step / 2 + rounding);
      }),
      runs,
    );
  });
});

describe('blocks of 4 and 8 bits', () => {
  it('bring a matrix back to a step of each block, and without zero points what came back to itself', () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 1, max: 70 }),
          columns: fc.integer({ min: 1, max: 5 }),
          bits: fc.constantFrom(4 as const, 8 as const),
          blockSize: fc.constantFrom(16, 32, 64),
          symmetric: fc.boolean(),
        }),
        fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 350, maxLength: 350 }),
        ({ rows, columns, ...options }, values) => {
          const weights = Float32Array.from(values.slice(0, rows * columns), (value) => value / 1000);
          const matrix = quantizeBlocks(weights, rows, columns, options);
          const back = dequantizeBlocks(matrix);
          const blocks = Math.ceil(rows / options.blockSize);
          for (const [index, value] of weights.entries()) {
            const [row, column] = [Math.floor(index / columns), index % columns];
            const scale = Math.abs(matrix.scales[column * blocks + Math.floor(row / options.blockSize)] ?? 0);
            // Half a step, and another half where the end of the range is cut or the zero point rounded.
            expect(Math.abs((back[index] ?? 0) - value)).toBeLessThanOrEqual(scale * 1.0001);
          }
          // A rounded zero point moves the range: only without one is what came back there to stay.
          if (!options.symmetric) return;
          const again = dequantizeBlocks(quantizeBlocks(back, rows, columns, options));
          for (const [index, value] of back.entries()) {
            expect(Math.abs((again[index] ?? 0) - value)).toBeLessThanOrEqual(1e-4 * Math.abs(value) + 1e-30);
          }
        },
      ),
      { ...runs, numRuns: Math.min(runs.numRuns, 100) },
    );
  });
});
