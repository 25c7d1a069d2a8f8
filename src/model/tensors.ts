import { InputError } from '../errors.js';
import { Tensor } from '../runtime.js';
import type { Features } from '../speech/types.js';
import type { CardTensors, ModelCard } from './card.js';

/** Log-probabilities of one recording, as the network gives them. */
export interface LogProbabilities {
  /** Row-major, shape [steps, labels]. */
  readonly data: Float32Array;
  readonly steps: number;
}

/**
 * Lays the features of several recordings out as the tensors that a graph reads, by its card. Shorter recordings are padded
 * with zeros.
 *
 * @param features - of one recording or more; of one where the card names no lengths
 * @throws {InputError} when there are none, or more than the graph can tell apart
 */
export function feedsOf(card: ModelCard, features: readonly Features[]): Record<string, Tensor> {
  const first = features[0];
  if (first === undefined) {
    throw new InputError('batch: at least one recording was required, got none; pass one');
  }
  const { features: name, lengths, lengthsType = 'int64' } = card.tensors;
  if (lengths === undefined && features.length > 1) {
    throw new InputError(
      `model ${card.id}: one recording at a time was required, since its graph has no lengths, got ${features.length}; pass them one by one`,
    );
  }
  const counts = features.map(({ frames }) => frames);
  const feeds = { [name]: layOut(card, features, Math.max(...counts), first.bins) };
  if (lengths !== undefined) feeds[lengths] = lengthTensor(counts, lengthsType);
  return feeds;
}

function layOut(card: ModelCard, features: readonly Features[], frames: number, bins: number): Tensor {
  const layout = card.tensors.featuresLayout ?? (card.frontEnd.kind === 'waveform' ? 'nt' : 'ntf');
  const count = features.length;
  if (layout === 'nft') {
    const data = new Float32Array(count * frames * bins);
    for (const [index, one] of features.entries()) turn(one, data, index * frames * bins, frames);
    return new Tensor('float32', data, [count, bins, frames]);
  }
  const shape = layout === 'nt' ? [count, frames] : [count, frames, bins];
  const [first] = features;
  if (count === 1 && first !== undefined) return new Tensor('float32', first.data, shape);
  const data = new Float32Array(count * frames * bins);
  for (const [index, one] of features.entries()) data.set(one.data, index * frames * bins);
  return new Tensor('float32', data, shape);
}

/** Writes [frames, bins] as [bins, padded frames]. */
function turn({ data, frames, bins }: Features, to: Float32Array, from: number, padded: number): void {
  for (let bin = 0; bin < bins; bin++) {
    for (let frame = 0; frame < frames; frame++) {
      to[from + bin * padded + frame] = data[frame * bins + bin] as number;
    }
  }
}

function lengthTensor(counts: readonly number[], type: NonNullable<CardTensors['lengthsType']>): Tensor {
  const shape = [counts.length];
  switch (type) {
    case 'int64':
      return new Tensor('int64', BigInt64Array.from(counts, BigInt), shape);
    case 'int32':
      return new Tensor('int32', Int32Array.from(counts), shape);
    case 'float32':
      return new Tensor('float32', Float32Array.from(counts), shape);
    case 'relative': {
      const longest = Math.max(...counts);
      return new Tensor(
        'float32',
        Float32Array.from(counts, (frames) => frames / longest),
        shape,
      );
    }
  }
}

/** Names of the outputs that are read. */
export function outputNames({ tensors }: ModelCard): string[] {
  const { logProbabilities, outputLengths } = tensors;
  return outputLengths === undefined ? [logProbabilities] : [logProbabilities, outputLengths];
}

/**
 * Takes what a graph gave apart into the log-probabilities of each recording.
 *
 * @param outputs - what the session returned
 * @param frames - of each recording
 * @throws {InputError} when the tensors are not those that the card promises
 */
export function readOutputs(
  card: ModelCard,
  outputs: Readonly<Record<string, Tensor | undefined>>,
  frames: readonly number[],
): LogProbabilities[] {
  const { logProbabilities, outputLengths, scores: kind = 'log-probabilities' } = card.tensors;
  const scores = outputs[logProbabilities];
  const [count, padded, labels] = scores?.dims ?? [];
  if (
    !(scores?.data instanceof Float32Array) ||
    scores.dims.length !== 3 ||
    count !== frames.length ||
    padded === undefined ||
    labels !== card.labels.length
  ) {
    throw new InputError(
      `model ${card.id}: float32 log-probabilities of ${card.labels.length} labels were required, got ${scores?.type} of shape [${scores?.dims}]; mend the card`,
    );
  }
  const steps = outputLengths === undefined ? stepsOf(card, frames, padded) : stepsIn(card, outputs[outputLengths]);
  const rows = scores.data;
  return frames.map((_, index) => {
    const own = Math.min(padded, steps[index] ?? 0);
    const start = index * padded * labels;
    const data = rows.subarray(start, start + own * labels);
    return { data: kind === 'logits' ? logSoftmax(data, labels) : data, steps: own };
  });
}

/** A recording alone has all steps; of several, the shorter ones have theirs by the time stride. */
function stepsOf({ timeStride }: ModelCard, frames: readonly number[], padded: number): number[] {
  if (frames.length === 1) return [padded];
  return frames.map((own) => Math.min(padded, Math.ceil(own / timeStride)));
}

function stepsIn(card: ModelCard, tensor: Tensor | undefined): number[] {
  const data = tensor?.data;
  if (data instanceof BigInt64Array || data instanceof Int32Array) return Array.from(data, Number);
  throw new InputError(
    `model ${card.id}: output lengths in int64 or int32 were required, got ${tensor?.type ?? 'none'}; mend the card`,
  );
}

/** Natural logarithm of the softmax of each row. */
function logSoftmax(logits: Float32Array, labels: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let row = 0; row < logits.length; row += labels) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = row; i < row + labels; i++) highest = Math.max(highest, logits[i] as number);
    let sum = 0;
    for (let i = row; i < row + labels; i++) sum += Math.exp((logits[i] as number) - highest);
    const normaliser = highest + Math.log(sum);
    for (let i = row; i < row + labels; i++) result[i] = (logits[i] as number) - normaliser;
  }
  return result;
}

/** Seconds of one output step: time stride × hop / sample rate. */
export function secondsPerStep({ frontEnd, timeStride }: ModelCard): number {
  const hopSamples = frontEnd.kind === 'waveform' ? 1 : frontEnd.hopSamples;
  return (timeStride * hopSamples) / frontEnd.sampleRateHz;
}
