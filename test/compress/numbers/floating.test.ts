import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BFLOAT16,
  FLOAT16,
  FLOAT32,
  floatRange,
  floatStep,
  roundToFloat,
} from '../../../src/compress/numbers/floating.js';
import { roundHalfToEven } from '../../../src/compress/numbers/rounding.js';
import { InputError } from '../../../src/errors.js';
import { decodeBfloat16, decodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';

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
  it('rounds as NumPy and ml_dtypes do', () => {
    const as = { float16: decodeFloat16, bfloat16: decodeBfloat16 };
    for (const format of [FLOAT16, BFLOAT16]) {
      const known = as[format.name as 'float16'](Uint16Array.from(reference[format.name as 'float16']));
      const wrong = values.filter((value, i) => !Object.is(roundToFloat(format, value), known[i]));
      expect(wrong, format.name).toEqual([]);
    }
    expect(values.map((value) => roundToFloat(FLOAT32, value))).toEqual(values);
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

  it('keeps every number of float16 and bfloat16', () => {
    const codes = Uint16Array.from({ length: 65_536 }, (_, code) => code);
    const wrong = (format: typeof FLOAT16, numbers: Float32Array) =>
      numbers.filter((value) => !Object.is(roundToFloat(format, value), value));
    expect(wrong(FLOAT16, decodeFloat16(codes))).toHaveLength(0);
    expect(wrong(BFLOAT16, decodeBfloat16(codes))).toHaveLength(0);
  });

  it('agrees with Math.fround, and rounds once', () => {
    fc.assert(fc.property(fc.double(), (value) => Object.is(roundToFloat(FLOAT32, value), Math.fround(value))));
    // By way of float32 this would become a tie and round to 1: 1 + 2⁻¹¹ + 2⁻³⁰ lies above the middle of 1 and 1 + 2⁻¹⁰.
    expect(roundToFloat(FLOAT16, 1 + 2 ** -11 + 2 ** -30)).toBe(1 + 2 ** -10);
  });

  it('errs by at most half a step', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -65_504, max: 65_504 }), (value) => {
        expect(Math.abs(roundToFloat(FLOAT16, value) - value)).toBeLessThanOrEqual(floatStep(FLOAT16, value) / 2);
      }),
    );
  });

  it('keeps signs of zero, infinities and NaN', () => {
    expect(Object.is(roundToFloat(FLOAT16, -0), -0)).toBe(true);
    expect(roundToFloat(FLOAT16, 65_519.99)).toBe(65_504);
    expect(roundToFloat(FLOAT16, 65_520)).toBe(Number.POSITIVE_INFINITY);
    expect(roundToFloat(BFLOAT16, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundToFloat(FLOAT16, Number.NaN)).toBeNaN();
  });
});
