import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Moments } from '../calibrators/moments.js';
import { choleskyOf, solveUpper } from '../numbers/cholesky.js';

/** Share of the mean energy of a row that is added to each: a row that nothing was heard of keeps a little weight. */
const RIDGE = 1e-4;

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

/** Where a matrix has its energy: what factors of every rank are made of. */
export interface Spectrum {
  /** The matrix, weighed, with its smaller side first. */
  readonly wide: Matrix;
  readonly isWide: boolean;
  /** Squares of the singular values, the largest first. */
  readonly powers: readonly number[];
  /** Their vectors of the smaller side, as columns. */
  readonly vectors: Matrix;
  /** By what the rows were weighed. */
  readonly lower: Float64Array | undefined;
}

/**
 * The singular values of a matrix and their vectors of its smaller side: slow, and the same for factors of every rank.
 *
 * The smaller side's vectors are the eigenvectors of the matrix times its transpose, in float64: what rounding loses there is below
 * float32's own for all that is kept.
 *
 * With moments of what the rows multiply, X, the product of the factors is the one for which X times it is nearest to X times the matrix: that of
 * Lᵀ times the matrix, L·Lᵀ being the moments, with Lᵀ taken out of the first factor again (data-aware, as Chen et al. 2021, DRONE).
 *
 * @param values - [rows, columns], finite, row by row
 * @param moments - [rows, rows]
 */
export function spectrumOf(
  values: Float32Array,
  rows: number,
  columns: number,
  moments?: Pick<Moments, 'products'>,
): Spectrum {
  const lower = moments && choleskyOf(moments.products, rows, RIDGE);
  const plain = Matrix.from1DArray(rows, columns, Array.from(values));
  const matrix =
    lower === undefined ? plain : Matrix.from1DArray(rows, rows, Array.from(lower)).transpose().mmul(plain);
  const isWide = rows <= columns;
  // With the smaller side first.
  const wide = isWide ? matrix : matrix.transpose();
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(squareOf(wide), {
    assumeSymmetric: true,
  });
  const order = Array.from(realEigenvalues.keys()).sort(
    (a, b) => (realEigenvalues[b] ?? 0) - (realEigenvalues[a] ?? 0),
  );
  const powers = order.map((i) => Math.max(realEigenvalues[i] ?? 0, 0));
  return { wide, isWide, powers, vectors: eigenvectorMatrix.subMatrixColumn(order), lower };
}

/** A matrix times its transpose: one half is the other's mirror, which is why it is not left to `mmul`. */
function squareOf(matrix: Matrix): Matrix {
  const { rows, columns } = matrix;
  const values = Float64Array.from(matrix.to1DArray());
  const square = Matrix.zeros(rows, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += (values[i * columns + k] ?? 0) * (values[j * columns + k] ?? 0);
      square.set(i, j, sum);
      square.set(j, i, sum);
    }
  }
  return square;
}

/**
 * The nearest matrix of a lower rank (Eckart and Young 1936), in two factors: those of a singular value decomposition, each
 * with the roots of the singular values, so that neither has much larger numbers than the other.
 */
export function factorsOf({ wide, isWide, powers, vectors: all, lower }: Spectrum, kept: Kept): Factors {
  const rank = 'rank' in kept ? Math.min(kept.rank, powers.length) : rankOf(powers, kept.energy);
  const vectors = all.subMatrix(0, all.rows - 1, 0, rank - 1);
  const roots = powers.slice(0, rank).map((power) => power ** 0.25 || 1);
  const along = vectors.transpose().mmul(wide).divColumnVector(roots);
  vectors.mulRowVector(roots);
  const [first, right] = isWide ? [vectors, along] : [along.transpose(), vectors.transpose()];
  const left = lower === undefined ? first : unweighed(lower, first);
  return { rank, left: floatsOf(left), right: floatsOf(right), product: floatsOf(left.mmul(right)) };
}

/** Lᵀ taken out of a factor [rows, rank]. */
function unweighed(lower: Float64Array, factor: Matrix): Matrix {
  const solved = Float64Array.from(factor.to1DArray());
  solveUpper(lower, factor.rows, solved, factor.columns);
  return Matrix.from1DArray(factor.rows, factor.columns, Array.from(solved));
}

function floatsOf(matrix: Matrix): Float32Array {
  return Float32Array.from(matrix.to1DArray());
}

/** How many of the powers, largest first, hold a share of their sum. */
function rankOf(powers: readonly number[], energy: number): number {
  const wanted = energy * powers.reduce((sum, power) => sum + power, 0);
  let held = 0;
  const index = powers.findIndex((power) => {
    held += power;
    return held >= wanted;
  });
  return index < 0 ? powers.length : index + 1;
}
