import { expect, it } from 'vitest';
import { spectrogramOf, transform } from '../../src/service/page/spectrum.js';

it('transforms as the definition of the discrete Fourier transform says', () => {
  const values = Float64Array.from({ length: 16 }, (_, at) => Math.sin(at * at) + 0.1 * at);
  const [real, imaginary] = [values.slice(), new Float64Array(16)];
  transform(real, imaginary);
  for (let k = 0; k < 16; k++) {
    const sum = (part: (angle: number) => number): number =>
      values.reduce((total, value, at) => total + value * part((-2 * Math.PI * k * at) / 16), 0);
    expect(real[k]).toBeCloseTo(sum(Math.cos), 10);
    expect(imaginary[k]).toBeCloseTo(sum(Math.sin), 10);
  }
});

it('shows a tone of 1 kHz at 16 kHz in row 32 of 256, and silence as nothing', () => {
  const samples = Float32Array.from({ length: 16_000 }, (_, at) => (at < 8000 ? Math.sin((2 * Math.PI * at) / 16) : 0));
  const { columns, rows, levels } = spectrogramOf(samples, 10);
  expect([columns, rows]).toEqual([10, 256]);
  const first = levels.subarray(0, rows);
  expect(first.indexOf(Math.max(...first))).toBe(32);
  expect(first[32]).toBeCloseTo(1, 3);
  expect(Math.max(...levels.subarray(9 * rows))).toBe(0);
});

it('takes a recording shorter than one window', () => {
  expect(spectrogramOf(new Float32Array(100).fill(0.5), 3).levels.every((level) => level >= 0 && level <= 1)).toBe(
    true,
  );
});
