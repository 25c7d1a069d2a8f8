import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CalibrationOptions, createRangeObserver } from '../../../src/compress/calibrators/observer.js';
import { InputError } from '../../../src/errors.js';
import { xorshiftCubed, xorshiftUniform } from '../xorshift.js';

// ONNX Runtime's own calibrators: test/fixtures/compress/make_calibration.py.
const { cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/compress/calibration.json', import.meta.url), 'utf8'),
) as {
  cases: Record<
    string,
    { kind: string; samples: [number, number, number][]; ranges: Record<string, [number, number]> }
  >;
};

const METHODS: Record<string, CalibrationOptions> = {
  minmax: {},
  'minmax symmetric': { symmetric: true },
  'moving average': { method: 'moving-average' },
  'moving average 0.3 symmetric': { method: 'moving-average', averagingConstant: 0.3, symmetric: true },
  mean: { method: 'moving-average', stride: Number.POSITIVE_INFINITY },
  entropy: { method: 'entropy' },
  'entropy 512 of 1024': { method: 'entropy', numBins: 1024, numQuantizedBins: 512 },
  percentile: { method: 'percentile' },
  'percentile 99.9': { method: 'percentile', percentile: 99.9, symmetric: false },
  'percentile 99': { method: 'percentile', percentile: 99, numBins: 512, symmetric: false },
  'percentile 99.9 symmetric': { method: 'percentile', percentile: 99.9, symmetric: true },
};

/** The samples of make_calibration.py. */
function sample(kind: string, seed: number, count: number, scale: number): Float32Array {
  const values = kind === 'uniform' ? xorshiftUniform(seed, count) : xorshiftCubed(seed, count);
  if (kind === 'zero') return values.fill(0);
  return values.map((value) => (kind === 'relu' ? Math.max(value, 0) : value) * scale);
}

describe('calibrators give the ranges of ONNX Runtime', () => {
  for (const [name, { kind, samples, ranges }] of Object.entries(cases)) {
    for (const [method, options] of Object.entries(METHODS)) {
      it(`${name}, ${method}`, () => {
        const observer = createRangeObserver(options);
        for (const [seed, count, scale] of samples) observer.observe(sample(kind, seed, count, scale));
        const { lowest, highest } = observer.range();
        const [expectedLowest, expectedHighest] = ranges[method] ?? [Number.NaN, Number.NaN];
        // Bit for bit, but for the sign of zero.
        expect(lowest + 0).toBe(expectedLowest + 0);
        expect(highest + 0).toBe(expectedHighest + 0);
      });
    }
  }
});

const anyMethod = fc.constantFrom(...Object.values(METHODS).filter((options) => options.numBins !== 1024));
const anySamples = fc.array(
  fc.float32Array({ minLength: 1, maxLength: 60, noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

describe('calibrators', () => {
  it('never leave what was seen, unless asked to be symmetric', () => {
    fc.assert(
      fc.property(anyMethod, anySamples, (options, samples) => {
        const observer = createRangeObserver({ ...options, symmetric: false });
        for (const values of samples) observer.observe(values);
        const all = samples.flatMap((values) => [...values]);
        const { lowest, highest } = observer.range();
        expect(lowest).toBeGreaterThanOrEqual(Math.min(...all));
        expect(highest).toBeLessThanOrEqual(Math.max(...all));
        expect(lowest).toBeLessThanOrEqual(highest);
      }),
      { numRuns: 40 },
    );
  });

  it('keep a histogram small however the values grow', () => {
    const observer = createRangeObserver({ method: 'percentile', percentile: 100 });
    observer.observe(Float32Array.of(1e-12, -1e-12));
    for (let exponent = -11; exponent <= 6; exponent++) observer.observe(Float32Array.of(10 ** exponent));
    expect(Math.abs(observer.range().highest - 1e6)).toBeLessThan(10);
    const absolute = createRangeObserver({ method: 'percentile', percentile: 100, symmetric: true });
    absolute.observe(Float32Array.of(0, 1e-12));
    absolute.observe(Float32Array.of(1e6, 3));
    expect(Math.abs(absolute.range().highest - 1e6)).toBeLessThan(10);
    // Cut to what was seen, as ONNX Runtime does, symmetric or not.
    expect(absolute.range().lowest).toBe(0);
  });

  it('do not change when asked in between', () => {
    const asked = createRangeObserver({ method: 'moving-average', stride: 2 });
    const left = createRangeObserver({ method: 'moving-average', stride: 2 });
    for (const value of [1, 5, 2, 9, 4]) {
      asked.observe(Float32Array.of(-value, value));
      left.observe(Float32Array.of(-value, value));
      asked.range();
    }
    expect(asked.range()).toEqual(left.range());
  });

  it('refuse what has no range', () => {
    for (const options of Object.values(METHODS)) {
      expect(() => createRangeObserver(options).range()).toThrow(/at least one value/);
      expect(() => createRangeObserver(options).observe(Float32Array.of(1, Number.NaN))).toThrow(/NaN at index 1/);
      expect(() => createRangeObserver(options).observe(Float32Array.of(Number.POSITIVE_INFINITY))).toThrow(InputError);
    }
    expect(() => createRangeObserver({ percentile: 101 })).toThrow(InputError);
    expect(() => createRangeObserver({ averagingConstant: -1 })).toThrow(InputError);
    expect(() => createRangeObserver({ method: 'entropy', numBins: 64 })).toThrow(InputError);
    expect(() => createRangeObserver({ method: 'best' as 'minmax' })).toThrow(InputError);
  });
});
