import { describe, expect, it } from 'vitest';
import { resample } from '../../../src/speech/audio/resample.js';
import { largestDifference, readNpy } from '../npy.js';

describe('resample', () => {
  // Expected: scipy.signal.resample_poly, SciPy 1.17.1 (test/fixtures/speech/make.py).
  it.each([
    [8_000, 16_000],
    [16_000, 8_000],
    [44_100, 16_000],
    [48_000, 16_000],
    [22_050, 16_000],
  ])('%i to %i Hz equals SciPy', (from, to) => {
    const output = resample(readNpy('resample.input.npy').data, from, to);
    expect(largestDifference(output, readNpy(`resample.${from}.${to}.npy`).data)).toBeLessThan(1e-6);
  });

  it('copies at equal rates', () => {
    const input = Float32Array.of(1, 2, 3);
    const output = resample(input, 16_000, 16_000);
    expect(output).toEqual(input);
    expect(output).not.toBe(input);
  });

  it('keeps nothing and gives nothing for no samples', () => {
    expect(resample(new Float32Array(0), 8_000, 16_000).length).toBe(0);
  });

  it('takes out what the lower rate cannot carry', () => {
    // 6 kHz lies above half of 8 kHz.
    const tone = Float32Array.from({ length: 16_000 }, (_, n) => Math.sin((2 * Math.PI * 6_000 * n) / 16_000));
    const output = resample(tone, 16_000, 8_000).subarray(100, -100);
    expect(Math.max(...output.map(Math.abs))).toBeLessThan(0.002);
  });

  it.each([0, -8_000, 8_000.5, Number.NaN])('refuses a rate of %d Hz', (rate) => {
    expect(() => resample(new Float32Array(10), rate, 16_000)).toThrow(/sample rate: a whole number of hertz above 0/);
  });
});
