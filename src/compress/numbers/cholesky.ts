/**
 * The lower triangle L of L · Lᵀ, a symmetric matrix, with a ridge: a share of the mean of its diagonal is added to the diagonal, so
 * that rows which say the same do not let the numbers grow without end.
 * In typed arrays: `ml-matrix`, which `low-rank` takes its singular values from, is slow at the thousand rows of a recurrent layer's input.
 *
 * @param matrix - [size, size], row by row; left as it is
 * @param ridge - share of the mean of the diagonal
 * @returns [size, size], zero above the diagonal
 */
export function choleskyOf(matrix: Float64Array, size: number, ridge: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i] ?? 0;
  // A matrix of zeros alone is solved as if it were the identity.
  const added = trace > 0 ? (ridge * trace) / size : 1;
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (matrix[i * size + j] ?? 0) + (i === j ? added : 0);
      for (let k = 0; k < j; k++) sum -= (lower[i * size + k] ?? 0) * (lower[j * size + k] ?? 0);
      // What rounding leaves of a direction that is not there stays above zero.
      lower[i * size + j] = i === j ? Math.sqrt(Math.max(sum, added * 1e-3)) : sum / (lower[j * size + j] ?? 1);
    }
  }
  return lower;
}

/**
 * Solves L · X = B for X, in place.
 *
 * @param lower - [size, size], from {@link choleskyOf}
 * @param right - B [size, columns], row by row; X afterwards
 */
export function solveLower(lower: Float64Array, size: number, right: Float64Array, columns: number): void {
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) subtractRow(right, columns, i, k, lower[i * size + k] ?? 0);
    divideRow(right, columns, i, lower[i * size + i] ?? 1);
  }
}

/** Solves Lᵀ · X = B for X, in place; as {@link solveLower}. */
export function solveUpper(lower: Float64Array, size: number, right: Float64Array, columns: number): void {
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) subtractRow(right, columns, i, k, lower[k * size + i] ?? 0);
    divideRow(right, columns, i, lower[i * size + i] ?? 1);
  }
}

function subtractRow(values: Float64Array, columns: number, from: number, row: number, factor: number): void {
  if (factor === 0) return;
  const [to, of] = [from * columns, row * columns];
  for (let j = 0; j < columns; j++) values[to + j] = (values[to + j] ?? 0) - factor * (values[of + j] ?? 0);
}

function divideRow(values: Float64Array, columns: number, row: number, by: number): void {
  for (let j = 0; j < columns; j++) values[row * columns + j] = (values[row * columns + j] ?? 0) / by;
}
