import type { TensorProto } from 'onnx-buf';
import { makeTensor, shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';

/** Calls with each number of a tensor, its place along an axis, and how far of the axes before it it stands, 0…1. */
export function forEachPlace(
  tensor: TensorProto,
  axis: number,
  call: (value: number, place: number, part: number) => void,
): void {
  const values = tensorFloats(tensor);
  const { outer, size, inner } = spans(tensor, axis);
  for (const [i, value] of values.entries()) {
    const run = Math.floor(i / inner);
    call(value, run % size, Math.floor(run / size) / outer);
  }
}

/** A tensor as runs along an axis: how many before it, its size, and how many numbers each of its places has. */
export function spans(tensor: TensorProto, axis: number): { outer: number; size: number; inner: number } {
  const shape = shapeOf(tensor);
  const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
  return { outer: product(shape.slice(0, axis)), size: shape[axis] ?? 1, inner: product(shape.slice(axis + 1)) };
}

/**
 * A tensor with some places of an axis alone.
 *
 * @param placesOf - of each run along the axis, counted over the axes before it; as many of each
 */
export function along(tensor: TensorProto, axis: number, placesOf: (outer: number) => readonly number[]): TensorProto {
  const { outer, size, inner } = spans(tensor, axis);
  const count = placesOf(0).length;
  const values = tensorFloats(tensor);
  const left = new Float32Array(outer * count * inner);
  for (let i = 0; i < outer; i++) {
    for (const [k, place] of placesOf(i).entries()) {
      const from = (i * size + place) * inner;
      left.set(values.subarray(from, from + inner), (i * count + k) * inner);
    }
  }
  return makeTensor(tensor.name, 'float32', shapeOf(tensor).with(axis, count), left);
}
