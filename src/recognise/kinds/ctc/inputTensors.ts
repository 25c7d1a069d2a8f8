import { InputError } from '../../../errors.js';
import { encodeFloat16 } from '../../../onnx/tensor/halfFloat.js';
import { Tensor } from '../../../runtime.js';
import type { Features } from '../../../speech/types.js';
import { type GraphValue, type LoadedGraph, requireNames } from '../../session/modelSession.js';
import type { CtcCard } from './card.js';

/** An axis of the features: recordings, frames, features of a frame, or one place that says nothing. */
type Axis = 'n' | 't' | 'f' | '1';
type FloatType = 'float32' | 'float16' | 'float64';

/** What a card says of how its graph is fed. */
type FedCard = Pick<CtcCard, 'frontEnd' | 'tensors'>;

/** How a graph reads its inputs. */
export interface InputBinding {
  readonly axes: readonly Axis[];
  readonly type: FloatType;
  /** Frames of every recording, where the graph fixes them. */
  readonly fixedFrames: number | undefined;
  readonly takesBatches: boolean;
  /** What the graph calls the axis of recordings: a name, a number, or an empty string. */
  readonly batchAxis: number | string;
  readonly lengths: { readonly name: string; readonly type: string; readonly rank: number } | undefined;
  readonly mask: { readonly name: string; readonly type: string } | undefined;
}

/** The name that Hugging Face's exports give to the input that tells sound from padding. */
export const USUAL_MASK = 'attention_mask';
/** Of features and scores. */
export const FLOAT_TYPES: readonly string[] = ['float32', 'float16', 'float64'] satisfies FloatType[];
/** Of lengths. */
export const LENGTH_TYPES: readonly string[] = ['int64', 'int32', 'float32'];
/** Of masks. */
export const MASK_TYPES: readonly string[] = ['int64', 'int32', 'float32', 'bool'];

/**
 * Finds out how a graph reads what its card describes.
 *
 * @throws {InputError} when it cannot be served
 */
export function bindInputs(card: FedCard, { path, inputs }: LoadedGraph): InputBinding {
  const { features: name, lengths, lengthsType, outputLengths } = card.tensors;
  const mask = card.tensors.mask ?? (inputs.some((input) => input.name === USUAL_MASK) ? USUAL_MASK : undefined);
  const named = [name, lengths, mask].filter((one) => one !== undefined);
  requireNames(path, 'inputs', inputs, named);
  const others = inputs.filter((input) => !named.includes(input.name));
  if (others.length > 0) {
    throw new InputError(
      `${path}: no inputs but ${named.join(', ')} were required, got also ${others.map((input) => input.name).join(', ')}; name them as lengths or mask in the card, or export the graph without them`,
    );
  }
  const inputOf = (wanted: string): GraphValue => inputs.find((input) => input.name === wanted) as GraphValue;
  const features = inputOf(name);
  const axes = axesOf(card, path, features);
  const sizeOf = (axis: Axis): number | string => features.shape[axes.indexOf(axis)] ?? '';
  const batchAxis = sizeOf('n');
  if (typeof batchAxis === 'number' && batchAxis > 1) {
    throw new InputError(
      `${path}: a graph for one recording, or for any number, was required, got one for ${batchAxis} at a time; export it with a free first axis`,
    );
  }
  const fixed = sizeOf('t');
  const binding = {
    axes,
    type: typeOf(path, features, FLOAT_TYPES) as FloatType,
    fixedFrames: typeof fixed === 'number' ? fixed : undefined,
    batchAxis,
    lengths: undefined,
    mask: mask === undefined ? undefined : { name: mask, type: typeOf(path, inputOf(mask), MASK_TYPES) },
    takesBatches: batchAxis !== 1 && (lengths !== undefined || (mask !== undefined && outputLengths !== undefined)),
  };
  if (lengths === undefined) return binding;
  const value = inputOf(lengths);
  const type = typeOf(path, value, lengthsType === 'relative' ? ['float32'] : LENGTH_TYPES);
  return { ...binding, lengths: { name: lengths, type, rank: Math.max(1, value.shape.length) } };
}

function typeOf(path: string, { name, type }: GraphValue, served: readonly string[]): string {
  if (served.includes(type)) return type;
  throw new InputError(
    `${path}: ${served.join(', ')} was required of the input ${name}, got ${type}; export the graph with such an input`,
  );
}

/** Order of the axes: the card's, else the one that the graph's fixed sizes tell, else the usual one. */
function axesOf({ frontEnd, tensors }: FedCard, path: string, { name, shape }: GraphValue): readonly Axis[] {
  const isWaveform = frontEnd.kind === 'waveform';
  const bins = isWaveform ? 1 : frontEnd.bins;
  const rank = isWaveform ? 2 : 3;
  // An axis of one place besides: channels.
  const extra = shape.length === rank + 1 ? shape.indexOf(1, 1) : -1;
  const sizes = extra < 0 ? shape : shape.toSpliced(extra, 1);
  const layout = tensors.featuresLayout ?? (isWaveform ? 'nt' : sizes[1] === bins && sizes[2] !== bins ? 'nft' : 'ntf');
  const axes = [...layout] as Axis[];
  const found = sizes[axes.indexOf('f')];
  if ((sizes.length > 0 && sizes.length !== rank) || (typeof found === 'number' && found !== bins)) {
    const wanted = axes.map((axis) => (axis === 'f' ? bins : axis.toUpperCase())).join(', ');
    throw new InputError(
      `${path}: an input ${name} of shape [${wanted}] was required by the card, got [${shape.map((size) => size || '?').join(', ')}]; mend featuresLayout or the front end of the card`,
    );
  }
  return extra < 0 ? axes : axes.toSpliced(extra, 0, '1');
}

/** Lays features out as the tensors of a run; see `GraphTensors.feeds`. */
export function layOutInputs(
  card: FedCard,
  path: string,
  binding: InputBinding,
  features: readonly Features[],
): Record<string, Tensor> {
  const { lengths, mask, fixedFrames } = binding;
  if (features.length === 0) {
    throw new InputError('batch: at least one recording was required, got none; pass one');
  }
  if (features.length > 1 && !binding.takesBatches) {
    throw new InputError(
      `${path}: one recording at a time was required, since its graph does not tell several apart, got ${features.length}; pass them one by one`,
    );
  }
  const counts = features.map(({ frames }) => frames);
  const longest = Math.max(...counts);
  if (fixedFrames !== undefined && longest > fixedFrames) {
    throw new InputError(
      `${path}: ${fixedFrames} frames at most were required, since its graph has a fixed length, got ${longest}; cut the recording, or export the graph with a free length`,
    );
  }
  const frames = fixedFrames ?? longest;
  const feeds = new Map([[card.tensors.features, layOut(binding, features, frames)]]);
  if (mask !== undefined) feeds.set(mask.name, maskTensor(counts, frames, mask.type));
  if (lengths !== undefined) {
    const shares = card.tensors.lengthsType === 'relative' ? counts.map((count) => count / frames) : counts;
    feeds.set(
      lengths.name,
      numbersTensor(shares, lengths.type, lengths.rank === 1 ? [counts.length] : [counts.length, 1]),
    );
  }
  return Object.fromEntries(feeds);
}

function layOut({ axes, type }: InputBinding, features: readonly Features[], frames: number): Tensor {
  const { bins } = features[0] as Features;
  const sizes: Readonly<Record<Axis, number>> = { n: features.length, t: frames, f: bins, 1: 1 };
  const shape = axes.map((axis) => sizes[axis]);
  const stride = (axis: Axis): number =>
    shape.slice(axes.indexOf(axis) + 1).reduce((product, size) => product * size, 1);
  const [byRecording, byFrame, byBin] = [stride('n'), stride('t'), axes.includes('f') ? stride('f') : 1];
  const [first] = features;
  const asItIs = features.length === 1 && first?.frames === frames && byFrame === bins;
  if (asItIs) return floatTensor(first.data, type, shape);
  const values = new Float32Array(features.length * frames * bins);
  for (const [index, one] of features.entries()) {
    const from = index * byRecording;
    if (byFrame === bins) values.set(one.data, from);
    else spread(one, values, from, byFrame, byBin);
  }
  return floatTensor(values, type, shape);
}

/** Writes [frames, bins] with other strides. */
function spread(
  { data, frames, bins }: Features,
  to: Float32Array,
  from: number,
  byFrame: number,
  byBin: number,
): void {
  for (let bin = 0; bin < bins; bin++) {
    for (let frame = 0, at = from + bin * byBin; frame < frames; frame++, at += byFrame) {
      to[at] = data[frame * bins + bin] as number;
    }
  }
}

function floatTensor(values: Float32Array, type: FloatType, shape: readonly number[]): Tensor {
  if (type === 'float16') return new Tensor('float16', encodeFloat16(values), shape);
  if (type === 'float64') return new Tensor('float64', Float64Array.from(values), shape);
  return new Tensor('float32', values, shape);
}

/** 1 for each frame of a recording, 0 for each of its padding: [N, T]. */
function maskTensor(counts: readonly number[], frames: number, type: string): Tensor {
  const values = new Uint8Array(counts.length * frames);
  for (const [index, count] of counts.entries()) values.fill(1, index * frames, index * frames + count);
  return numbersTensor(values, type, [counts.length, frames]);
}

function numbersTensor(values: ArrayLike<number>, type: string, shape: readonly number[]): Tensor {
  if (type === 'int64') return new Tensor('int64', BigInt64Array.from(Array.from(values), BigInt), shape);
  if (type === 'int32') return new Tensor('int32', Int32Array.from(values), shape);
  if (type === 'bool') return new Tensor('bool', Uint8Array.from(values), shape);
  return new Tensor('float32', Float32Array.from(values), shape);
}
