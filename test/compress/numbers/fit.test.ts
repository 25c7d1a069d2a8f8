import { describe, expect, it } from 'vitest';
import { formatNameOf, roundToFormat } from '../../../src/compress/numbers/anyFormat.js';
import {
  affineFormatFor,
  fitFormat,
  fixedFormatFor,
  integerSignalToErrorDb,
} from '../../../src/compress/numbers/fit.js';
import { fixedFormat } from '../../../src/compress/numbers/fixedPoint.js';
import { BFLOAT16, FLOAT16, FLOAT32 } from '../../../src/compress/numbers/floating.js';
import { relativeErrors } from '../../../src/compress/numbers/relativeError.js';
import { scaleAndZeroPoint } from '../../../src/compress/rewrite/params.js';
import { InputError } from '../../../src/errors.js';
import { createRandom } from '../../../src/random.js';

const random = createRandom(7);
const uniform = Float32Array.from({ length: 20_000 }, () => random.next() * 2 - 1);

describe('a format for a sample', () => {
  it('is the one that ONNX Runtime’s rules give', () => {
    const values = Float32Array.of(-1, 0.25, 0.5);
    expect(affineFormatFor(values, 8)).toMatchObject(scaleAndZeroPoint(-1, 0.5, 'int8', false));
    expect(affineFormatFor(values, 8, false)).toMatchObject(scaleAndZeroPoint(-1, 0.5, 'uint8', false));
    expect(affineFormatFor(Float32Array.of(0, 0), 8).scale).toBe(1);
  });

  it('is the fixed point with just enough integer bits', () => {
    expect(fixedFormatFor(Float32Array.of(0.9, -0.1), 8)).toEqual(fixedFormat(0, 7));
    expect(fixedFormatFor(Float32Array.of(5.3), 8)).toEqual(fixedFormat(3, 4));
    expect(() => fixedFormatFor(Float32Array.of(300), 8)).toThrow(InputError);
    expect(() => fixedFormatFor(new Float32Array(), 8)).toThrow(/at least one value/);
  });
});

describe('what rounding costs', () => {
  it('is 6.02 dB a bit below a uniform sample’s power (Widrow and Kollár 2008, section 1)', () => {
    // Signal 1/3, error step²/12, step 1/127.
    const expected = 10 * Math.log10(4 * 127 ** 2);
    expect(fitFormat(affineFormatFor(uniform, 8), uniform).signalToErrorDb).toBeCloseTo(expected, 0);
    const [eight, nine] = [8, 9].map((bits) => integerSignalToErrorDb(uniform, 1, bits)) as [number, number];
    expect(nine - eight).toBeCloseTo(20 * Math.log10(255 / 127), 0);
  });

  it('counts what lies beyond the range and what becomes zero', () => {
    const fit = fitFormat(fixedFormat(0, 7), Float32Array.of(0.5, 2, -1, 0.001));
    expect(fit).toMatchObject({ name: 'Q0.7', bits: 8, saturated: 0.25, lostToZero: 0.25, step: 1 / 128 });
    expect(fitFormat(FLOAT32, uniform).signalToErrorDb).toBe(Number.POSITIVE_INFINITY);
  });

  it('is less with a scale for each row where rows differ', () => {
    const matrix = Float32Array.from([
      ...uniform.subarray(0, 100),
      ...uniform.subarray(0, 100).map((value) => value / 50),
    ]);
    expect(integerSignalToErrorDb(matrix, 2, 8)).toBeGreaterThanOrEqual(integerSignalToErrorDb(matrix, 1, 8));
    expect(() => integerSignalToErrorDb(matrix, 3, 8)).toThrow(/rows of one length/);
  });
});

describe('relative errors', () => {
  it.each([
    [FLOAT16, 2 ** -11],
    [BFLOAT16, 2 ** -8],
  ])('stay at half a unit of the last place where %o is normal', (format, half) => {
    for (const { error } of relativeErrors(format, { from: -10, to: 6 })) {
      expect(error).toBeLessThanOrEqual(half);
      expect(error).toBeGreaterThan(half * 0.8);
    }
  });

  it('rise to 1 in fixed point, and end with the range', () => {
    const errors = relativeErrors(fixedFormat(0, 7));
    expect(errors[0]?.error).toBe(1);
    expect(errors.at(-1)?.magnitude).toBeLessThan(1);
    expect(roundToFormat(fixedFormat(0, 7), 0.3)).toBe(0.296875);
    expect(formatNameOf(affineFormatFor(uniform, 4))).toBe('int4');
  });
});
