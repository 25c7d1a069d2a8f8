import { didYouMean, InputError } from '../../errors.js';
import { encodeFloat16 } from '../../onnx/tensor/halfFloat.js';
import { createRandom, DEFAULT_SEED, type Random } from '../../random.js';
import type { Elements, GraphSample } from '../../recognise/session/graphArrays.js';
import type { GraphValue, LoadedGraph } from '../../recognise/session/modelSession.js';
import type { RunOptions } from '../runModel.js';
import { shapeOf, sizesOfFreeAxes } from './freeAxes.js';
import { samplesOfFile } from './samplesOfFile.js';

/** What a graph without a card is given. */
export interface ArrayOptions extends RunOptions {
  /** A NumPy file, `.npz` or `.npy`. Default: arrays drawn at random. */
  readonly inputs?: string | undefined;
  /** Sizes of axes that may have any, by their names; an axis without one is called `input.1`. */
  readonly dims?: Readonly<Record<string, number>> | undefined;
  /** A number that fills a whole input, by its name: a sample rate, a count. */
  readonly values?: Readonly<Record<string, number>> | undefined;
  /** How many samples are drawn. Default: 4. */
  readonly samples?: number | undefined;
  /** Seed of what is drawn. */
  readonly seed?: number | undefined;
}

/** Samples, and where they are from. */
export interface Samples {
  readonly samples: readonly GraphSample[];
  /** For people: one line. */
  readonly origin: string;
}

const DEFAULT_SAMPLES = 4;

/**
 * What a graph is given: the arrays of a file, or arrays drawn at random, standard normal numbers; inputs of whole numbers
 * are filled with ones, which are in every vocabulary, mask nothing and count at least a step.
 *
 * @throws {InputError} when the file does not fit, an axis or an input is named that is not there, or a type cannot be drawn
 */
export async function samplesFor(graph: LoadedGraph, options: ArrayOptions = {}): Promise<Samples> {
  const { inputs, dims = {}, values = {}, samples: count = DEFAULT_SAMPLES, seed = DEFAULT_SEED } = options;
  if (inputs !== undefined) {
    if (Object.keys(dims).length > 0 || Object.keys(values).length > 0) {
      throw new InputError(`${inputs}: the shapes of its arrays count, got sizes or values beside it; leave those out`);
    }
    const samples = await samplesOfFile(inputs, graph.inputs);
    return { samples, origin: `${samples.length} ${samples.length === 1 ? 'sample' : 'samples'} of ${inputs}` };
  }
  const names = graph.inputs.map(({ name }) => name);
  for (const name of Object.keys(values)) {
    if (names.includes(name)) continue;
    throw new InputError(
      `${graph.path}: an input was required, got ${name}; it has ${names.join(', ')} ${didYouMean(name, names)}`.trimEnd(),
    );
  }
  const sizes = sizesOfFreeAxes(graph.path, graph.inputs, dims);
  const shapes = graph.inputs.map((input) => [input, shapeOf(input, sizes)] as const);
  const random = createRandom(seed);
  const samples = Array.from({ length: count }, () =>
    Object.fromEntries(
      shapes.map(([input, shape]) => {
        const data = drawn(graph.path, input, shape, values[input.name], random);
        return [input.name, { type: input.type, shape, data }] as const;
      }),
    ),
  );
  const shown = shapes.map(([{ name, type }, shape]) => {
    const filled = values[name] ?? (isWhole(type) ? 1 : undefined);
    return `${name} [${shape.join(', ')}]${filled === undefined ? '' : ` of ${filled}`}`;
  });
  const free = [...sizes].map(([name, size]) => `${name}=${size}`).join(' ');
  return {
    samples,
    origin: `${count} random samples: ${shown.join(', ')}${free && `; axes of any size (--dim): ${free}`}`,
  };
}

function isWhole(type: string): boolean {
  return /^(u?int|bool)/.test(type);
}

function drawn(
  path: string,
  { name, type }: GraphValue,
  shape: readonly number[],
  value: number | undefined,
  random: Random,
): Elements {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (size > 2 ** 28) {
    throw new InputError(`${path}: ${name} of at most 2^28 numbers was required, got ${size}; name smaller axes`);
  }
  const whole = Math.trunc(value ?? 1);
  switch (type) {
    case 'float32':
    case 'float16': {
      const floats = Float32Array.from({ length: size }, () => value ?? normal(random));
      return type === 'float16' ? encodeFloat16(floats) : floats;
    }
    case 'float64':
      return Float64Array.from({ length: size }, () => value ?? normal(random));
    case 'int64':
      return new BigInt64Array(size).fill(BigInt(whole));
    case 'int32':
      return new Int32Array(size).fill(whole);
    case 'int16':
      return new Int16Array(size).fill(whole);
    case 'int8':
      return new Int8Array(size).fill(whole);
    case 'uint8':
    case 'bool':
      return new Uint8Array(size).fill(whole);
    default:
      throw new InputError(
        `${path}: inputs of floats, signed whole numbers, uint8 or bool were required, got ${name} of ${type}; no other can be drawn or read`,
      );
  }
}

/** A standard normal number: Box and Muller (1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
