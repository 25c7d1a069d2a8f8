import type { TensorProto } from 'onnx-buf';
import { makeTensor, shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import type { Moments } from '../calibrators/moments.js';
import { choleskyOf, solveLower, solveUpper } from '../numbers/cholesky.js';

/** Share of the mean energy of a place that is added to each: enough where places say the same, too little to be heard. */
const RIDGE = 1e-4;

/**
 * A weight that multiplies some places of what it read before, with what the others said put into it: with X the calibration rows,
 * K the places that stay and R those that go, W′ = W_K + (X_Kᵀ·X_K + ridge)⁻¹ · X_Kᵀ·X_R · W_R is nearest, by least squares, to
 * giving what W gave. Of a convolution the same is done for each tap of the kernel.
 *
 * @param axis - of the weight, along which it is multiplied
 * @param kept - the places that stay, in their order: a list, or one for each direction, the first axis of the weight
 * @param moments - of what is multiplied, the directions beside each other
 * @returns the weight with those places alone along that axis; `undefined` without moments
 */
export function refitProduct(
  weight: TensorProto,
  axis: number,
  kept: readonly (readonly number[])[],
  moments: Moments | undefined,
): TensorProto | undefined {
  if (moments === undefined) return undefined;
  const shape = shapeOf(weight);
  const size = shape[axis] ?? 1;
  const values = tensorFloats(weight);
  const inner = shape.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const count = kept[0]?.length ?? 0;
  const fitted = new Float32Array((values.length / size) * count);
  const columns = values.length / size / kept.length;
  for (const [direction, stay] of kept.entries()) {
    // A column is one number of each run along the axis.
    const at = (place: number, column: number, of: number): number =>
      ((direction * columns) / inner + Math.floor(column / inner)) * of * inner + place * inner + (column % inner);
    const added = whatOthersSaid(
      stay,
      size,
      columns,
      { ...moments, first: direction * size },
      (place, column) => values[at(place, column, size)] ?? 0,
    );
    for (const [i, place] of stay.entries()) {
      for (let column = 0; column < columns; column++) {
        fitted[at(i, column, count)] = (values[at(place, column, size)] ?? 0) + (added[i * columns + column] ?? 0);
      }
    }
  }
  return makeTensor(weight.name, 'float32', shape.with(axis, count), fitted);
}

/** What the weights of the places that stay get, [stay, columns]; `first` is where the places begin among those of the moments. */
function whatOthersSaid(
  stay: readonly number[],
  size: number,
  columns: number,
  { products, size: all, first }: Moments & { readonly first: number },
  weightAt: (place: number, column: number) => number,
): Float64Array {
  const stays = new Set(stay);
  const product = (one: number, other: number): number => products[(first + one) * all + first + other] ?? 0;
  const square = new Float64Array(stay.length * stay.length);
  const added = new Float64Array(stay.length * columns);
  for (const [i, row] of stay.entries()) {
    for (const [j, column] of stay.entries()) square[i * stay.length + j] = product(row, column);
  }
  for (let place = 0; place < size; place++) {
    if (stays.has(place)) continue;
    const weights = Float64Array.from({ length: columns }, (_, column) => weightAt(place, column));
    for (const [i, row] of stay.entries()) {
      const factor = product(row, place);
      for (let c = 0; c < columns; c++) {
        added[i * columns + c] = (added[i * columns + c] ?? 0) + factor * (weights[c] ?? 0);
      }
    }
  }
  const lower = choleskyOf(square, stay.length, RIDGE);
  solveLower(lower, stay.length, added, columns);
  solveUpper(lower, stay.length, added, columns);
  return added;
}
