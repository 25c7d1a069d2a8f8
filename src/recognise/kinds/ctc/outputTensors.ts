import { InputError } from '../../../errors.js';
import { decodeFloat16 } from '../../../onnx/tensor/halfFloat.js';
import { ownValue } from '../../../ownValue.js';
import type { Tensor } from '../../../runtime.js';
import type { LoadedGraph } from '../../session/modelSession.js';
import type { Scores } from '../kind.js';
import type { CardTensors, CtcCard } from './card.js';
import { toLogProbabilities } from './scoreRows.js';

/** Scores that are natural logarithms of probabilities of each label: row-major, shape [steps, labels]. */
export type LogProbabilities = Scores;

type Layout = NonNullable<CardTensors['scoresLayout']>;

/** How a graph gives its scores. */
export interface ScoresBinding {
  /** Order of the axes, where card or graph tell it. */
  readonly layout: Layout | undefined;
}

/** What went into a run, in frames. */
interface Frames {
  readonly frames: readonly number[];
  /** Of each recording with its padding. */
  readonly padded: number;
}

/**
 * Finds out how a graph gives the scores that its card describes.
 *
 * @param batchAxis - what the graph calls the recordings' axis of its input
 * @throws {InputError} when the graph has another number of classes than the card
 */
export function bindScores(
  { tensors, labels }: CtcCard,
  { path, outputs }: LoadedGraph,
  batchAxis: number | string,
): ScoresBinding {
  const shape = outputs.find(({ name }) => name === tensors.logProbabilities)?.shape ?? [];
  const layout = tensors.scoresLayout ?? layoutOf(shape, labels.length, batchAxis);
  if (shape.length === 0) return { layout };
  const classes = shape[(layout ?? 'ntv').slice(3 - shape.length).indexOf('v')];
  if ((shape.length !== 3 && shape.length !== 2) || (typeof classes === 'number' && classes !== labels.length)) {
    throw new InputError(
      `${path}: an output ${tensors.logProbabilities} of ${labels.length} classes, as many as the card has labels, was required, got one of shape [${shape.map((size) => size || '?').join(', ')}]; mend the labels or scoresLayout of the card`,
    );
  }
  return { layout };
}

/** By the axis that has as many places as there are labels, and the one that is called like the recordings of the input. */
function layoutOf(shape: readonly (number | string)[], labels: number, batchAxis: number | string): Layout | undefined {
  const [first, second, third] = shape;
  if (shape.length !== 3) return undefined;
  if (second === labels && third !== labels) return 'nvt';
  const isBatch = (size: number | string | undefined): boolean => size !== '' && size === batchAxis;
  if (isBatch(second) && !isBatch(first)) return 'tnv';
  return isBatch(first) && !isBatch(second) ? 'ntv' : undefined;
}

/** Takes the outputs of a run apart; see `GraphTensors.read`. */
export function readScores(
  card: CtcCard,
  path: string,
  { layout: known }: ScoresBinding,
  outputs: Readonly<Record<string, Tensor | undefined>>,
  given: Frames,
): LogProbabilities[] {
  const { logProbabilities: name, outputLengths, scores: kind } = card.tensors;
  const tensor = ownValue(outputs, name);
  const values = valuesOf(tensor);
  const labels = card.labels.length;
  const count = given.frames.length;
  // Without an axis of recordings there is one.
  const dims = tensor?.dims.length === 2 ? [1, ...tensor.dims] : (tensor?.dims ?? []);
  const isAlone = count === 1 && dims[1] === 1 && dims[0] !== 1;
  const layout = known ?? (isAlone ? 'tnv' : 'ntv');
  const sizeOf = (axis: 'n' | 't' | 'v'): number => dims[layout.indexOf(axis)] as number;
  if (values === undefined || dims.length !== 3 || sizeOf('n') !== count || sizeOf('v') !== labels) {
    throw new InputError(
      `${path}: scores of ${labels} classes for ${count} recordings in the order ${layout} were required in ${name}, got ${tensor?.type ?? 'none'} of shape [${dims.join(', ')}]; mend scoresLayout or the labels of the card`,
    );
  }
  if (known === undefined && count > 1 && dims[1] === count) {
    throw new InputError(
      `${path}: the order of the axes of ${name} was required, since ${count} are both recordings and steps, got none; write "scoresLayout" into the card`,
    );
  }
  const steps = sizeOf('t');
  requireStride(card, path, steps, given.padded);
  const own =
    outputLengths === undefined ? stepsOf(card, given, steps) : stepsIn(path, outputLengths, outputs, given, steps);
  const strideOf = (axis: 'n' | 't' | 'v'): number =>
    dims.slice(layout.indexOf(axis) + 1).reduce((product, size) => product * size, 1);
  return own.map((ownSteps, index) => {
    const from = index * strideOf('n');
    const rows = gather(values, from, ownSteps, labels, strideOf('t'), strideOf('v'));
    return { data: toLogProbabilities(rows, labels, kind, `${path}: ${name}`), steps: ownSteps };
  });
}

function valuesOf(tensor: Tensor | undefined): Float32Array | undefined {
  const data = tensor?.data;
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (tensor?.type !== 'float16') return undefined;
  // Bits, or, where JavaScript has them, numbers of 16 bits.
  const { buffer, byteOffset, length } = data as Uint16Array;
  return decodeFloat16(new Uint16Array(buffer, byteOffset, length));
}

/** Rows of one recording one after the other; a view where they lie so. */
function gather(
  values: Float32Array,
  from: number,
  steps: number,
  labels: number,
  byStep: number,
  byLabel: number,
): Float32Array {
  if (byStep === labels && byLabel === 1) return values.subarray(from, from + steps * labels);
  const rows = new Float32Array(steps * labels);
  for (let step = 0, at = 0; step < steps; step++) {
    for (let label = 0; label < labels; label++) rows[at++] = values[from + step * byStep + label * byLabel] as number;
  }
  return rows;
}

/** Steps that a few frames at the ends may cost or add besides the stride. */
const STEPS_AT_ENDS = 8;
const FRAMES_AT_ENDS = 64;

/** A card with another stride than its graph's tells wrong times, and cuts the recordings of a batch at wrong places. */
function requireStride({ timeStride, frontEnd }: CtcCard, path: string, steps: number, frames: number): void {
  const expected = Math.ceil(frames / timeStride);
  const ends = frontEnd.kind === 'waveform' ? STEPS_AT_ENDS : FRAMES_AT_ENDS / timeStride;
  if (steps <= 1.5 * expected + STEPS_AT_ENDS && expected <= 1.5 * steps + ends + STEPS_AT_ENDS) return;
  throw new InputError(
    `${path}: about ${expected} steps for ${frames} frames were required by the card's timeStride of ${timeStride}, got ${steps}; mend timeStride (${Math.max(1, Math.round(frames / Math.max(1, steps)))} fits)`,
  );
}

/** A recording alone has all steps; of several, and of one that was padded, the shorter ones have theirs by the time stride. */
function stepsOf({ timeStride }: CtcCard, { frames, padded }: Frames, steps: number): number[] {
  return frames.map((own) => (own === padded ? steps : Math.min(steps, Math.ceil(own / timeStride))));
}

function stepsIn(
  path: string,
  name: string,
  outputs: Readonly<Record<string, Tensor | undefined>>,
  { frames }: Frames,
  steps: number,
): number[] {
  const tensor = ownValue(outputs, name);
  const data = tensor?.data;
  const isNumeric = data instanceof BigInt64Array || data instanceof Int32Array || data instanceof Float32Array;
  if (!isNumeric || data.length !== frames.length) {
    throw new InputError(
      `${path}: a number for each of ${frames.length} recordings was required in ${name}, got ${tensor?.type ?? 'none'} of shape [${tensor?.dims ?? ''}]; mend outputLengths of the card`,
    );
  }
  const own = Array.from(data as ArrayLike<number | bigint>, Number);
  const wrong = own.find((one) => !(Number.isInteger(one) && one >= 0 && one <= steps));
  if (wrong === undefined) return own;
  throw new InputError(
    `${path}: lengths of 0…${steps} steps were required in ${name}, got ${wrong}; mend outputLengths of the card`,
  );
}
