import { InputError } from '../../../errors.js';
import { Tensor } from '../../../runtime.js';
import type { GraphValue } from '../../session/modelSession.js';
import type { Encoded } from './graphs.js';

/** What a run gives. */
export type Outputs = Readonly<Record<string, Tensor | undefined>>;

/** Whole numbers as a graph reads them. */
export function integers(values: readonly number[], shape: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
}

/**
 * The logits of a run.
 *
 * @throws {InputError} when they are not float32
 */
export function logitsOf(path: string, outputs: Outputs): Float32Array {
  const data = outputs['logits']?.data;
  if (data instanceof Float32Array) return data;
  throw new InputError(
    `${path}: float32 logits were required, got ${outputs['logits']?.type ?? 'none'}; export the graph with such an output`,
  );
}

/** Names that have a form, in the graph's order. */
export function namesOf(values: readonly GraphValue[], form: RegExp): string[] {
  return values.map(({ name }) => name).filter((name) => form.test(name));
}

/** Some outputs of a run. */
export function taken(outputs: Outputs, names: readonly string[]): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(names.map((name) => [name, outputs[name] as Tensor]));
}

/** The size of an axis, where the graph fixes it. */
export function fixedSize(value: GraphValue | undefined, axis: number): number | undefined {
  const size = value?.shape[axis];
  return typeof size === 'number' && size > 0 ? size : undefined;
}

/**
 * The size of an axis.
 *
 * @throws {InputError} when the graph leaves it open
 */
export function requireSize(path: string, value: GraphValue | undefined, axis: number): number {
  const size = fixedSize(value, axis);
  if (size !== undefined) return size;
  throw new InputError(
    `${path}: a fixed size was required of axis ${axis} of ${value?.name}, got [${value?.shape.join(', ')}]; export the graph with it`,
  );
}

/** Some of the recordings that were encoded together; nothing is copied where they lie side by side. */
export function encodedOf(encoded: Encoded, row: number): Encoded {
  if (encoded.count === 1) return encoded;
  const tensors = Object.entries(encoded.tensors).map(([name, { type, data, dims }]): [string, Tensor] => {
    const size = data.length / encoded.count;
    const own = (data as Float32Array).subarray(row * size, (row + 1) * size);
    return [name, new Tensor(type as 'float32', own, [1, ...dims.slice(1)])];
  });
  return { count: 1, tensors: Object.fromEntries(tensors) };
}
