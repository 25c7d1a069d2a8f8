import { Tensor } from '../../runtime.js';

/** Elements of an array: 16-bit floats as their bits, truths as 0 and 1. */
export type Elements =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | BigInt64Array;

/** What an input of a graph is given, in a form that goes from process to process. */
export interface GraphArray {
  /** ONNX Runtime's name of the element type. */
  readonly type: string;
  readonly shape: readonly number[];
  /** In C's order. */
  readonly data: Elements;
}

/** An array for each input of a graph, by name: one run. */
export type GraphSample = Readonly<Record<string, GraphArray>>;

/** The tensors of a sample, over the same memory. */
export function toTensors(sample: GraphSample): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(sample).map(([name, { type, shape, data }]) => [
      name,
      new Tensor(type as 'float32', data as Float32Array, [...shape]),
    ]),
  );
}

/** A sample over the memory of tensors; what has no elements that can be handed on is left out. */
export function fromTensors(tensors: Readonly<Record<string, Tensor | undefined>>): GraphSample {
  const found: Record<string, GraphArray> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!(tensor instanceof Tensor) || tensor.type === 'string') continue;
    found[name] = { type: tensor.type, shape: tensor.dims, data: tensor.data as Elements };
  }
  return found;
}
