import { layersOf } from '../compress/layers.js';
import { signalToErrorDb } from '../compress/rewrite.js';
import { showing } from '../compress/sensitivity.js';
import { InputError } from '../errors.js';
import { mean } from '../measure/statistics/statistics.js';
import type { ResolvedModel } from '../model/registry.js';
import { producersOf } from '../onnx/graph.js';
import { mainGraph } from '../onnx/model.js';
import { readModel } from '../onnx/read.js';
import { decodeGreedy } from '../speech/ctc.js';
import { runOverSpeech, type SpeechOptions } from './speechRunner.js';

/** How far one value of two models is apart. */
export interface ValueComparison {
  readonly name: string;
  /** Operator of the first model that gives it, or `output`. */
  readonly opType: string;
  /** In decibels, the mean over the utterances; `null` where both are equal on all of them. */
  readonly signalToErrorDb: number | null;
  /** Largest absolute difference. */
  readonly largestDifference: number;
}

/** How far two models are apart. */
export interface ModelComparison {
  readonly utterances: number;
  /** What the layers of the first model give and the second has, too, in order; last the log-probabilities. */
  readonly values: readonly ValueComparison[];
  /** Share of the utterances with the same greedy text. */
  readonly sameText: number;
}

/**
 * Compares a model with one that was made from it, layer by layer, on speech.
 *
 * @param first - the reference, for example the float32 model
 * @param second - a variant: values that still have their names are compared
 * @throws {InputError} when a model, the manifest or a recording cannot be read, or the models have other outputs
 */
export async function compareOnSpeech(
  first: ResolvedModel,
  second: ResolvedModel,
  options: SpeechOptions,
): Promise<ModelComparison> {
  const [one, other] = [await readModel(first.path), await readModel(second.path)];
  const { logProbabilities } = first.card.tensors;
  const has = producersOf(mainGraph(other));
  if (!has.has(logProbabilities)) {
    throw new InputError(
      `${second.path}: an output named ${logProbabilities} was required, got none; compare a model with its own variant`,
    );
  }
  const layers = layersOf(one).filter(({ output }) => output !== logProbabilities && has.has(output));
  const names = [...layers.map(({ output }) => output), logProbabilities];
  const run = (model: typeof one, card = first.card) => runOverSpeech(showing(model, names), names, card, options);
  const seconds = run(other)[Symbol.asyncIterator]();
  const found = names.map(() => ({ decibels: [] as number[], largest: 0 }));
  let [utterances, same] = [0, 0];
  for await (const was of run(one)) {
    const { value: is } = await seconds.next();
    utterances++;
    for (const [index, name] of names.entries()) {
      const [a, b] = [was[name] ?? new Float32Array(), is?.[name] ?? new Float32Array()];
      const largest = largestDifference(a, b);
      const entry = found[index];
      if (entry === undefined || largest === 0) continue;
      entry.decibels.push(signalToErrorDb(a, b));
      entry.largest = Math.max(entry.largest, largest);
    }
    const [heard, heardToo] = [was, is].map((sample) => greedy(sample?.[logProbabilities], first));
    if (heard === heardToo) same++;
  }
  // Left at its last utterance, it would keep its session and its folder.
  await seconds.return(undefined);
  return {
    utterances,
    values: names.map((name, index) => ({
      name,
      opType: layers[index]?.opType ?? 'output',
      signalToErrorDb: meanOf(found[index]?.decibels ?? []),
      largestDifference: found[index]?.largest ?? 0,
    })),
    sameText: same / utterances,
  };
}

function greedy(logProbabilities: Float32Array | undefined, { card }: ResolvedModel): string {
  const values = logProbabilities ?? new Float32Array();
  return decodeGreedy(values, values.length / card.labels.length, card.labels, card.blank).text;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
