import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { affineFormat, affineRange, decodeAffine, encodeAffine } from '../../../src/compress/numbers/affine.js';
import { decodeFixed, encodeFixed, fixedFormat, fixedRange } from '../../../src/compress/numbers/fixedPoint.js';
import { InputError } from '../../../src/errors.js';

const formats = fc
  .record({
    integerBits: fc.integer({ min: 0, max: 20 }),
    fractionBits: fc.integer({ min: 1, max: 30 }),
    signed: fc.boolean(),
  })
  .map(({ integerBits, fractionBits, signed }) => fixedFormat(integerBits, fractionBits, signed));

describe('fixed point', () => {
  it('Q0.7 and Q15.16 hold what their definition says', () => {
    expect(fixedRange(fixedFormat(0, 7))).toEqual({ lowest: -1, highest: 127 / 128, step: 1 / 128 });
    expect(fixedRange(fixedFormat(15, 16)).highest).toBe(32_767 + 65_535 / 65_536);
    expect(fixedRange(fixedFormat(8, 8, false))).toEqual({ lowest: 0, highest: 255 + 255 / 256, step: 1 / 256 });
  });

  it('rounds ties to even and saturates', () => {
    const q = fixedFormat(7, 0);
    expect([0.5, 1.5, -0.5, -2.5].map((value) => encodeFixed(q, value))).toEqual([0, 2, 0, -2]);
    expect(encodeFixed(q, 1e9)).toBe(127);
    expect(encodeFixed(q, Number.NEGATIVE_INFINITY)).toBe(-128);
  });

  it('brings every code back, and errs by half a step', () => {
    fc.assert(
      fc.property(formats, fc.double({ min: 0, max: 1, noNaN: true }), (format, where) => {
        const { lowest, highest, step } = fixedRange(format);
        const value = lowest + where * (highest - lowest);
        const code = encodeFixed(format, value);
        expect(encodeFixed(format, decodeFixed(format, code))).toBe(code);
        expect(Math.abs(decodeFixed(format, code) - value)).toBeLessThanOrEqual(step / 2);
      }),
    );
  });

  it('refuses what cannot be', () => {
    expect(() => fixedFormat(-1, 4)).toThrow(InputError);
    expect(() => fixedFormat(40, 20)).toThrow(InputError);
    expect(() => encodeFixed(fixedFormat(0, 7), Number.NaN)).toThrow(InputError);
    expect(() => decodeFixed(fixedFormat(0, 7), 128)).toThrow(InputError);
    expect(() => decodeFixed(fixedFormat(0, 7), 0.5)).toThrow(InputError);
  });
});

describe('affine integers', () => {
  it('is ONNX QuantizeLinear', () => {
    // From the ONNX specification's own test of QuantizeLinear: x, scale 2, zero point 128, uint8.
    const format = affineFormat(2, 128, 8, false);
    expect([0, 2, 3, 1000, -254, -1000].map((x) => encodeAffine(format, x))).toEqual([128, 129, 130, 255, 1, 0]);
  });

  it('brings every code back, and errs by half a step', () => {
    const any = fc.record({
      scale: fc.float({ min: Math.fround(1e-30), max: Math.fround(1e30), noNaN: true }),
      bits: fc.constantFrom(4, 8, 16),
      signed: fc.boolean(),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      zero: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(any, ({ scale, bits, signed, at, zero }) => {
        const low = signed ? -(2 ** (bits - 1)) : 0;
        const format = affineFormat(scale, low + Math.round(zero * (2 ** bits - 1)), bits, signed);
        const { lowest, highest, step } = affineRange(format);
        const value = Math.fround(lowest + at * (highest - lowest));
        const code = encodeAffine(format, value);
        expect(encodeAffine(format, decodeAffine(format, code))).toBe(code);
        // float32 rounding of the quotient and of the product adds up to 2⁻²³ of the largest magnitude.
        const slack = Math.max(Math.abs(lowest), Math.abs(highest)) * 2 ** -22;
        expect(Math.abs(decodeAffine(format, code) - value)).toBeLessThanOrEqual(step / 2 + slack);
      }),
    );
  });

  it('keeps zero exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (zeroPoint) => {
        const format = affineFormat(0.037, zeroPoint, 8, false);
        expect(decodeAffine(format, encodeAffine(format, 0))).toBe(0);
      }),
    );
  });

  it('refuses what cannot be', () => {
    expect(() => affineFormat(0, 0, 8, true)).toThrow(InputError);
    expect(() => affineFormat(1, 128, 8, true)).toThrow(InputError);
    expect(() => affineFormat(1, 0, 32, true)).toThrow(InputError);
    expect(() => encodeAffine(affineFormat(1, 0, 8, true), Number.NaN)).toThrow(InputError);
    expect(() => decodeAffine(affineFormat(1, 0, 8, true), 200)).toThrow(InputError);
  });
});
