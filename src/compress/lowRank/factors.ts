import { EigenvalueDecomposition, Matrix } from 'ml-matrix';

/** A matrix [rows, columns] as the product of `left` [rows, rank] and `right` [rank, columns], row by row. */
export interface Factors {
  readonly rank: number;
  readonly left: Float32Array;
  readonly right: Float32Array;
  /** Their product, which stands for the matrix. */
  readonly product: Float32Array;
}

/** How many factors are kept: a rank, or as many as hold a share of the sum of all squares. */
export type Kept = { readonly rank: number } | { readonly energy: number };

/**
 * The nearest matrix of a lower rank (Eckart and Young 1936), in two factors: those of a singular value decomposition, each
 * with the roots of the singular values, so that neither has much larger numbers than the other.
 *
 * The smaller side's vectors are the eigenvectors of the matrix times its transpose, in float64: what rounding loses there is below
 * float32's own for all that is kept.
 *
 * @param values - [rows, columns], finite, row by row
 */
export function factorize(values: Float32Array, rows: number, columns: number, kept: Kept): Factors {
  const isWide = rows <= columns;
  const [size, other] = isWide ? [rows, columns] : [columns, rows];
  // The vectors of the smaller side, and the matrix with that side first.
  const at = (i: number, k: number): number => values[isWide ? i * columns + k : k * columns + i] ?? 0;
  const gram = new Matrix(size, size);
  const sides = Array.from({ length: size }, (_, i) => Float64Array.from({ length: other }, (_, k) => at(i, k)));
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const sum = dot(sides[i] as Float64Array, sides[j] as Float64Array);
      gram.set(i, j, sum);
      gram.set(j, i, sum);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => (realEigenvalues[b] ?? 0) - (realEigenvalues[a] ?? 0));
  const powers = order.map((i) => Math.max(realEigenvalues[i] ?? 0, 0));
  const rank = 'rank' in kept ? Math.min(kept.rank, size) : rankOf(powers, kept.energy);
  // near [size, rank] holds the vectors, far [rank, other] what the matrix is along them.
  const near = new Float32Array(size * rank);
  const far = new Float32Array(rank * other);
  for (let r = 0; r < rank; r++) {
    const root = Math.sqrt(Math.sqrt(powers[r] ?? 0)) || 1;
    const along = new Float64Array(other);
    for (let i = 0; i < size; i++) {
      const part = eigenvectorMatrix.get(i, order[r] ?? 0);
      near[i * rank + r] = part * root;
      const side = sides[i] as Float64Array;
      for (let k = 0; k < other; k++) along[k] = (along[k] ?? 0) + part * (side[k] ?? 0);
    }
    far.set(
      along.map((value) => value / root),
      r * other,
    );
  }
  const [left, right] = isWide ? [near, far] : [transpose(far, rank, other), transpose(near, size, rank)];
  return { rank, left, right, product: multiply(left, right, rows, rank, columns) };
}

/** How many of the powers, largest first, hold a share of their sum. */
function rankOf(powers: readonly number[], energy: number): number {
  const wanted = energy * powers.reduce((sum, power) => sum + power, 0);
  let held = 0;
  const index = powers.findIndex((power) => {
    held += power;
    return held >= wanted;
  });
  return index < 0 ? Math.max(powers.length, 1) : index + 1;
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < one.length; k++) sum += (one[k] ?? 0) * (other[k] ?? 0);
  return sum;
}

/** A matrix [rows, columns] as [columns, rows]. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++) turned[k * rows + i] = values[i * columns + k] ?? 0;
  }
  return turned;
}

/** [rows, inner] times [inner, columns], in float32, as the runtime computes it but for the order of its sums. */
function multiply(left: Float32Array, right: Float32Array, rows: number, inner: number, columns: number): Float32Array {
  const product = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const row = product.subarray(i * columns, (i + 1) * columns);
    for (let r = 0; r < inner; r++) {
      const factor = left[i * inner + r] ?? 0;
      for (let k = 0; k < columns; k++) row[k] = (row[k] ?? 0) + factor * (right[r * columns + k] ?? 0);
    }
  }
  return product;
}
