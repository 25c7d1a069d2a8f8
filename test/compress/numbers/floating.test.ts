import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BFLOAT16,
  decodeFloat,
  encodeFloat,
  FLOAT16,
  FLOAT32,
  floatError,
  floatRange,
  floatStep,
  roundToFloat,
} from '../../../src/compress/numbers/floating.js';
import { roundHalfToEven } from '../../../src/compress/numbers/rounding.js';
import { InputError } from '../../../src/errors.js';

// NumPy and ml_dtypes: test/fixtures/compress/make_numbers.py.
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/compress/numbers.json', import.meta.url), 'utf8'),
) as {
  float32Bits: number[];
  float16: number[];
  bfloat16: number[];
  finfo: Record<'float32' | 'float16' | 'bfloat16', Record<string, number>>;
  spacing: [number, number][];
  rint: [number, number][];
};
const values = [...new Float32Array(new Uint32Array(reference.float32Bits).buffer)];

describe('rounding half to even', () => {
  it('equals numpy.rint', () => {
    for (const [value, rounded] of reference.rint) expect(roundHalfToEven(value)).toBe(rounded);
    expect(roundHalfToEven(Number.NaN)).toBeNaN();
    expect(roundHalfToEven(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('floating-point formats', () => {
  it('encodes as NumPy and ml_dtypes do', () => {
    expect(values.map((value) => encodeFloat(FLOAT16, value))).toEqual(reference.float16);
    expect(values.map((value) => encodeFloat(BFLOAT16, value))).toEqual(reference.bfloat16);
    expect(values.map((value) => encodeFloat(FLOAT32, value))).toEqual(reference.float32Bits);
  });

  it('has the limits of numpy.finfo', () => {
    for (const format of [FLOAT32, FLOAT16, BFLOAT16]) {
      const { lowest, ...rest } = floatRange(format);
      expect(rest).toEqual(reference.finfo[format.name as 'float16']);
      expect(lowest).toBe(-rest.highest);
    }
  });

  it('has the step of numpy.spacing', () => {
    for (const [value, spacing] of reference.spacing) expect(floatStep(FLOAT16, value)).toBe(spacing);
    expect(() => floatStep(FLOAT16, Number.NaN)).toThrow(InputError);
  });

  it('brings back every float16 and bfloat16 code', () => {
    for (const format of [FLOAT16, BFLOAT16]) {
      const wrong = [];
      for (let code = 0; code < 65_536; code++) {
        const value = decodeFloat(format, code);
        if (!Number.isNaN(value) && encodeFloat(format, value) !== code) wrong.push(code);
      }
      expect(wrong).toEqual([]);
    }
  });

  it('agrees with Math.fround, and rounds once', () => {
    fc.assert(fc.property(fc.double(), (value) => Object.is(roundToFloat(FLOAT32, value), Math.fround(value))));
    // By way of float32 this would become a tie and round to 1: 1 + 2⁻¹¹ + 2⁻³⁰ lies above the middle of 1 and 1 + 2⁻¹⁰.
    expect(roundToFloat(FLOAT16, 1 + 2 ** -11 + 2 ** -30)).toBe(1 + 2 ** -10);
  });

  it('errs by at most half a step', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        expect(Math.abs(floatError(FLOAT16, value))).toBeLessThanOrEqual(floatStep(FLOAT16, value) / 2);
      }),
    );
  });

  it('keeps signs of zero, infinities and NaN', () => {
    expect(encodeFloat(FLOAT16, -0)).toBe(0x8000);
    expect(Object.is(decodeFloat(FLOAT16, 0x8000), -0)).toBe(true);
    expect(encodeFloat(FLOAT16, 65_519.99)).toBe(0x7bff);
    expect(encodeFloat(FLOAT16, 65_520)).toBe(0x7c00);
    expect(decodeFloat(BFLOAT16, 0xff80)).toBe(Number.NEGATIVE_INFINITY);
    expect(decodeFloat(FLOAT16, encodeFloat(FLOAT16, Number.NaN))).toBeNaN();
    expect(() => decodeFloat(FLOAT16, 65_536)).toThrow(InputError);
  });
});
