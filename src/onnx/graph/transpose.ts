/** Arrays whose elements can be moved about. */
export type NumericArray =
  | Float32Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Float64Array
  | BigInt64Array;

/** Edge of the square blocks in which a matrix is turned, chosen to stay within the first-level cache. */
const BLOCK = 64;

/**
 * Turns each matrix of a stack: [count, rows, columns] to [count, columns, rows].
 *
 * @param source - row-major
 * @param target - of the same length; written
 */
export function transposeMatrices<T extends Uint8Array | Float32Array>(
  source: T,
  target: T,
  count: number,
  rows: number,
  columns: number,
): void {
  const size = rows * columns;
  for (let matrix = 0; matrix < count; matrix++) {
    const [from, to] = [
      source.subarray(matrix * size, (matrix + 1) * size),
      target.subarray(matrix * size, (matrix + 1) * size),
    ];
    // One loop for each kind of array: the engine makes fast code of a loop that only ever sees one.
    if (from instanceof Uint8Array && to instanceof Uint8Array) transposeBytes(from, to, rows, columns);
    else if (from instanceof Float32Array && to instanceof Float32Array) transposeFloats(from, to, rows, columns);
  }
}

function transposeBytes(source: Uint8Array, target: Uint8Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let column = left; column < right; column++) {
        let to = column * rows + top;
        for (let row = top; row < bottom; row++) target[to++] = source[row * columns + column] as number;
      }
    }
  }
}

function transposeFloats(source: Float32Array, target: Float32Array, rows: number, columns: number): void {
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let column = left; column < right; column++) {
        let to = column * rows + top;
        for (let row = top; row < bottom; row++) target[to++] = source[row * columns + column] as number;
      }
    }
  }
}

/**
 * Moves the axes of an array, as `numpy.transpose(array, perm)` does.
 *
 * @param source - row-major
 * @param shape - its dimensions
 * @param perm - for each axis of the result the axis of the source
 * @param target - of the same length; written
 */
export function transposeAxes<T extends NumericArray>(
  source: T,
  shape: readonly number[],
  perm: readonly number[],
  target: T,
): void {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  const resultShape = perm.map((axis) => shape[axis] ?? 1);
  const resultStrides = perm.map((axis) => strides[axis] ?? 1);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = resultStrides[axis] ?? 1;
      const next = (index[axis] ?? 0) + 1;
      if (next < (resultShape[axis] ?? 1)) {
        index[axis] = next;
        from += stride;
        break;
      }
      from -= stride * (next - 1);
      index[axis] = 0;
    }
  }
}
