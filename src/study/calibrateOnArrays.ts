import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecipeResources } from '../compress/applyRecipe.js';
import { type CalibrationSample, calibrateRanges } from '../compress/static/calibrate.js';
import { InputError } from '../errors.js';
import { writeModel } from '../onnx/file/write.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { dtypeOf } from '../onnx/tensor/dtype.js';
import { openSession } from '../recognise/session/session.js';
import { Tensor } from '../runtime.js';
import { type NumpyArray, readNumpy } from './numpy.js';

/** An input of a graph as its file declares it. */
interface GraphInput {
  readonly name: string;
  readonly dtype: string | undefined;
  /** `undefined` for a free dimension; no shape at all where the file says none. */
  readonly shape: readonly (number | undefined)[] | undefined;
}

/**
 * Calibration on a person's own arrays, for models without a card. `name` of an `.npz` is what the input of that name is
 * given; `name_0`, `name_1`, … are given one after the other; an array with one axis more than the input holds a sample in
 * each place of its first axis. An `.npy` is for a model of one input.
 *
 * @param path - the NumPy file
 * @returns the resource that `applyRecipe` takes
 * @throws {InputError} when the file cannot be read, or an array does not fit its input; file and input are named
 * @example
 * const { model } = await applyRecipe(float, PRESETS.static, { calibrate: calibratorOnArrays('samples.npz') });
 */
export function calibratorOnArrays(path: string): NonNullable<RecipeResources['calibrate']> {
  return async (plan, calibration) => {
    const samples = samplesOf(await readNumpy(path), inputsOf(plan.model), path);
    return await calibrateRanges(plan.tensors, runOver(plan.model, plan.tensors, samples), calibration, 'leave');
  };
}

async function* runOver(
  model: OnnxModel,
  tensors: readonly string[],
  samples: readonly Readonly<Record<string, Tensor>>[],
): AsyncGenerator<CalibrationSample> {
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-run-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(model, path);
    const session = await openSession(path, { shownPath: model.path });
    try {
      for (const feeds of samples) {
        const shown = tensors.filter((name) => !Object.hasOwn(feeds, name));
        const all: Record<string, Tensor | undefined> = {
          ...feeds,
          ...(shown.length > 0 && (await session.run(feeds, shown))),
        };
        yield Object.fromEntries(tensors.map((name) => [name, all[name]?.data as Float32Array]));
      }
    } finally {
      await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The inputs that a caller has to give: those that no initializer fills. */
function inputsOf(model: OnnxModel): readonly GraphInput[] {
  const graph = mainGraph(model);
  const filled = new Set(graph.initializer.map(({ name }) => name));
  return graph.input
    .filter(({ name }) => !filled.has(name))
    .map(({ name, type }) => {
      const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
      // Some exporters write -1 for a free dimension, which the runtime takes so, too.
      const shape = tensor?.shape?.dim.map(({ value }) =>
        value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : undefined,
      );
      return { name, dtype: tensor && dtypeOf(tensor.elemType), shape };
    });
}

function samplesOf(
  arrays: ReadonlyMap<string, NumpyArray>,
  inputs: readonly GraphInput[],
  path: string,
): readonly Readonly<Record<string, Tensor>>[] {
  const perInput = inputs.map((input) => [input, arraysFor(input, inputs, arrays, path)] as const);
  const count = perInput[0]?.[1].length ?? 0;
  for (const [{ name }, list] of perInput) {
    if (list.length === count) continue;
    throw new InputError(
      `${path}: ${count} samples of input ${name} were required, as of ${inputs[0]?.name}, got ${list.length}; give as many of each`,
    );
  }
  return Array.from({ length: count }, (_, index) =>
    Object.fromEntries(perInput.map(([{ name }, list]) => [name, list[index] as Tensor])),
  );
}

function arraysFor(
  input: GraphInput,
  inputs: readonly GraphInput[],
  arrays: ReadonlyMap<string, NumpyArray>,
  path: string,
): readonly Tensor[] {
  const { name } = input;
  const one = arrays.get(name) ?? (inputs.length === 1 ? arrays.get('') : undefined);
  const found: NumpyArray[] = one === undefined ? [] : [one];
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
  return found.flatMap((array) => toTensors(array, input, path));
}

function toTensors(array: NumpyArray, { name, dtype, shape }: GraphInput, path: string): readonly Tensor[] {
  if (dtype !== undefined && array.dtype !== dtype) {
    throw new InputError(
      `${path}: ${dtype} was required for input ${name}, got ${array.dtype}; convert it with astype`,
    );
  }
  const stacked = shape !== undefined && array.shape.length === shape.length + 1;
  const dims = stacked ? array.shape.slice(1) : array.shape;
  const fits =
    shape === undefined || (dims.length === shape.length && dims.every((dim, axis) => (shape[axis] ?? dim) === dim));
  if (!fits || dims.includes(0)) {
    const wanted = shape?.map((dim) => dim ?? '?').join(', ') ?? '…';
    throw new InputError(
      `${path}: [${wanted}] was required for input ${name}, or one axis of samples more, got [${array.shape.join(', ')}]; check its shape`,
    );
  }
  const count = stacked ? (array.shape[0] ?? 0) : 1;
  const size = array.bytes.length / Math.max(count, 1);
  return Array.from({ length: count }, (_, index) => {
    const bytes = array.bytes.slice(index * size, (index + 1) * size);
    return new Tensor(array.dtype as 'float32', elements(array.dtype, bytes.buffer) as Float32Array, [...dims]);
  });
}

function elements(dtype: NumpyArray['dtype'], buffer: ArrayBufferLike): ArrayBufferView {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return new Float64Array(buffer);
    case 'float16':
      return new Uint16Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}
