import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeValues, scaleAndZeroPoint } from '../../../src/compress/rewrite/params.js';
import { InputError } from '../../../src/errors.js';

// Expected: onnxruntime 1.31.1, quant_utils.compute_scale_zp with float32 bounds.
describe('scaleAndZeroPoint', () => {
  it.each([
    [-1, 0.5, 'int8', false, 0.007874015718698502, 0],
    [-1, 0.5, 'int8', true, 0.015625, 0],
    [-1, 0.5, 'uint8', false, 0.0058823530562222, 170],
    [-1, 0.5, 'uint8', true, 0.011811023578047752, 85],
    [0.5, 2, 'uint8', false, 0.007843137718737125, 0],
    [-2, -0.5, 'uint8', false, 0.007843137718737125, 255],
    [0, 0, 'int8', false, 1, 0],
    [0, 0, 'uint8', false, 1, 0],
    [-1e-38, 1e-38, 'int8', false, 1, 0],
  ] as const)('%d to %d as %s, reduced %s: %d, %d', (min, max, type, reduceRange, scale, zeroPoint) => {
    expect(scaleAndZeroPoint(Math.fround(min), Math.fround(max), type, reduceRange)).toEqual({ scale, zeroPoint });
  });

  it('refuses bounds that are not finite', () => {
    expect(() => scaleAndZeroPoint(Number.NaN, 1, 'int8', false)).toThrow(InputError);
    expect(() => scaleAndZeroPoint(0, Number.POSITIVE_INFINITY, 'int8', false)).toThrow(InputError);
  });
});

const tensor = { groups: 1, outer: 1, channels: 1 };

describe('quantizeValues', () => {
  it('loses at most a step', () => {
    fc.assert(
      fc.property(
        fc.float32Array({
          minLength: 1,
          maxLength: 60,
          noNaN: true,
          noDefaultInfinity: true,
          min: -(2 ** 99),
          max: 2 ** 99,
        }),
        fc.constantFrom('int8' as const, 'uint8' as const),
        fc.boolean(),
        (data, type, reduceRange) => {
          const { values, scales, zeroPoints } = quantizeValues(
            data,
            { ...tensor, inner: data.length },
            { type, reduceRange },
          );
          const [scale = 0, zeroPoint = 0] = [scales[0], zeroPoints[0]];
          for (const [index, value] of data.entries()) {
            const back = scale * ((values[index] ?? 0) - zeroPoint);
            // Half a step, and another half at the ends of the range, where the zero point was rounded.
            expect(Math.abs(back - value)).toBeLessThanOrEqual(scale * 1.001);
          }
        },
      ),
    );
  });

  it('gives each channel of each group its own scale', () => {
    // Two groups [2, 3]: the columns share a scale, the groups do not.
    const data = Float32Array.of(1, 2, 3, -4, 5, 6, 10, 20, 30, 40, 50, 60);
    const { scales, values } = quantizeValues(
      data,
      { groups: 2, outer: 2, channels: 3, inner: 1 },
      { type: 'int8', reduceRange: false },
    );
    expect([...scales]).toEqual([4, 5, 6, 40, 50, 60].map((largest) => Math.fround(largest / 127)));
    expect([...values]).toEqual([32, 51, 64, -127, 127, 127, 32, 51, 64, 127, 127, 127]);
  });

  it('refuses values that are not finite, wherever they stand', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const place of [0, 1, 2]) {
        const data = Float32Array.of(1, 2, 3);
        data[place] = bad;
        expect(() => quantizeValues(data, { ...tensor, inner: 3 }, { type: 'int8', reduceRange: false })).toThrow(
          InputError,
        );
      }
    }
  });
});
