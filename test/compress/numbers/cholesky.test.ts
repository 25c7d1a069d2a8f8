import fc from 'fast-check';
import { expect, it } from 'vitest';
import { choleskyOf, solveLower, solveUpper } from '../../../src/compress/numbers/cholesky.js';
import { pattern } from '../runModel.js';

/** A product of matrices [rows, inner] and [inner, columns]. */
function product(one: ArrayLike<number>, other: ArrayLike<number>, rows: number, inner: number, columns: number) {
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (one[row * inner + k] ?? 0) * (other[k * columns + column] ?? 0);
    return sum;
  });
}

function turned(values: ArrayLike<number>, rows: number, columns: number) {
  return Float64Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
}

it('solves what it decomposed: (X·Xᵀ + ridge)⁻¹ times it times any matrix is that matrix', () => {
  const sizes = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 1, max: 99 }), (size, columns, seed) => {
      const x = pattern([size, size + 3], seed).data as Float32Array;
      const square = product(x, turned(x, size, size + 3), size, size + 3, size);
      const trace = square.reduce((sum, value, i) => sum + (i % (size + 1) === 0 ? value : 0), 0);
      const ridged = square.map((value, i) => value + (i % (size + 1) === 0 ? (0.01 * trace) / size : 0));
      const wanted = pattern([size, columns], seed + 1).data as Float32Array;
      const solved = product(ridged, wanted, size, size, columns);
      const lower = choleskyOf(square, size, 0.01);
      solveLower(lower, size, solved, columns);
      solveUpper(lower, size, solved, columns);
      for (const [i, value] of solved.entries()) expect(value).toBeCloseTo(wanted[i] ?? 0, 8);
    }),
    { numRuns: 100, seed: 20_261_129 },
  );
});

it('takes what has no inverse: rows that say the same, and nothing at all', () => {
  expect(choleskyOf(Float64Array.of(1, 1, 1, 1), 2, 1e-6).every(Number.isFinite)).toBe(true);
  expect([...choleskyOf(new Float64Array(4), 2, 1e-6)]).toEqual([1, 0, 0, 1]);
});
