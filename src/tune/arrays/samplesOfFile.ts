import { InputError } from '../../errors.js';
import type { Elements, GraphArray, GraphSample } from '../../recognise/session/graphArrays.js';
import type { GraphValue } from '../../recognise/session/modelSession.js';
import { isFree } from './freeAxes.js';
import { readNumpy } from './numpy.js';

/**
 * Reads what a graph is given from a NumPy file. `name` of an `.npz` is what the input of that name is given; `name_0`,
 * `name_1`, … are given one after the other; an array with one axis more than the input holds a sample in each place of its
 * first axis. An `.npy` is for a graph of one input.
 *
 * @throws {InputError} when the file cannot be read, or an array does not fit its input; file and input are named
 */
export async function samplesOfFile(path: string, inputs: readonly GraphValue[]): Promise<readonly GraphSample[]> {
  const arrays = await readNumpy(path);
  const perInput = inputs.map((input) => [input, arraysFor(input, inputs, arrays, path)] as const);
  const count = perInput[0]?.[1].length ?? 0;
  for (const [{ name }, list] of perInput) {
    if (list.length === count) continue;
    throw new InputError(
      `${path}: ${count} samples of input ${name} were required, as of ${inputs[0]?.name}, got ${list.length}; give as many of each`,
    );
  }
  return Array.from({ length: count }, (_, index) =>
    Object.fromEntries(perInput.map(([{ name }, list]) => [name, list[index] as GraphArray])),
  );
}

function arraysFor(
  input: GraphValue,
  inputs: readonly GraphValue[],
  arrays: ReadonlyMap<string, GraphArray>,
  path: string,
): readonly GraphArray[] {
  const { name } = input;
  const one = arrays.get(name) ?? (inputs.length === 1 ? arrays.get('') : undefined);
  const found: GraphArray[] = one === undefined ? [] : [one];
  for (let index = 0; one === undefined; index++) {
    const next = arrays.get(`${name}_${index}`);
    if (next === undefined) break;
    found.push(next);
  }
  if (found.length === 0) {
    const has = [...arrays.keys()].map((key) => key || 'an array without a name').join(', ');
    throw new InputError(
      `${path}: an array ${name}, or ${name}_0, ${name}_1 and so on, was required for input ${name}, got ${has}; save it under that name`,
    );
  }
  return found.flatMap((array) => fitted(array, input, path));
}

function fitted(array: GraphArray, { name, type, shape }: GraphValue, path: string): readonly GraphArray[] {
  if (array.type !== type) {
    throw new InputError(`${path}: ${type} was required for input ${name}, got ${array.type}; convert it with astype`);
  }
  const stacked = array.shape.length === shape.length + 1;
  const dims = stacked ? array.shape.slice(1) : array.shape;
  const fits = dims.length === shape.length && dims.every((dim, axis) => isFree(shape[axis]) || shape[axis] === dim);
  if (!fits || dims.includes(0)) {
    const wanted = shape.map((dim) => (isFree(dim) ? '?' : dim)).join(', ');
    throw new InputError(
      `${path}: [${wanted}] was required for input ${name}, or one axis of samples more, got [${array.shape.join(', ')}]; check its shape`,
    );
  }
  const count = stacked ? (array.shape[0] ?? 0) : 1;
  const size = array.data.length / Math.max(count, 1);
  return Array.from({ length: count }, (_, index) => ({
    type: array.type,
    shape: dims,
    data: array.data.slice(index * size, (index + 1) * size) as Elements,
  }));
}
