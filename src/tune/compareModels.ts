import { isDeepStrictEqual } from 'node:util';
import { layersOf } from '../compress/choose/layers.js';
import { showing } from '../compress/choose/sensitivity.js';
import { prepare } from '../compress/rewrite/prepare.js';
import { signalToErrorDb } from '../compress/rewrite/signalToError.js';
import { InputError } from '../errors.js';
import { mean } from '../measure/statistics/statistics.js';
import { readModel } from '../onnx/file/read.js';
import { producersOf } from '../onnx/graph/graph.js';
import { mainGraph } from '../onnx/model.js';
import { operatorSetsOf } from '../onnx/types/signature.js';
import { valueTypes } from '../onnx/types/valueTypes.js';
import type { ResolvedModel } from '../recognise/registry/registry.js';
import { decodeGreedy } from '../speech/decode/ctc.js';
import { runOverSpeech, type SpeechOptions } from './speechRunner.js';

/** How far one value of two models is apart. */
export interface ValueComparison {
  readonly name: string;
  /** Operator of the first model that gives it, or `output`. */
  readonly opType: string;
  /**
   * In decibels, the mean over the utterances that differ; `null` where both are equal on all of them, minus infinity where
   * one of them is no number.
   */
  readonly signalToErrorDb: number | null;
  /** Largest absolute difference. */
  readonly largestDifference: number;
}

/** How far two models are apart. */
export interface ModelComparison {
  readonly utterances: number;
  /** What the layers of the first model give and the second has, too, in order; last the log-probabilities. */
  readonly values: readonly ValueComparison[];
  /** Layers of the first model whose output the second does not have as float32. */
  readonly missing: readonly string[];
  /** Share of the utterances with the same greedy text. */
  readonly sameText: number;
}

/**
 * Compares a model with one that was made from it, layer by layer, on speech.
 *
 * @param first - the reference, for example the float32 model
 * @param second - a variant: values that still have their names are compared
 * @throws {InputError} when a model, the manifest or a recording cannot be read, or the graphs do not match: other inputs
 * or outputs, or values of other sizes
 */
export async function compareModels(
  first: ResolvedModel,
  second: ResolvedModel,
  options: SpeechOptions,
): Promise<ModelComparison> {
  // In normal form, values that are made in functions have names that both models can be asked for.
  const [one, other] = [prepare(await readModel(first.path)).model, prepare(await readModel(second.path)).model];
  const { logProbabilities } = first.card.tensors;
  const has = producersOf(mainGraph(other));
  const mismatch = (required: string, got: string): InputError =>
    new InputError(`${second.path}: ${required} was required, got ${got}; compare a model with its own variant`);
  if (!has.has(logProbabilities)) throw mismatch(`an output named ${logProbabilities}`, 'none');
  const [inputs, otherInputs] = [one, other].map((model) =>
    mainGraph(model)
      .input.map(({ name }) => name)
      .sort()
      .join(', '),
  );
  if (inputs !== otherInputs) throw mismatch(`the inputs ${inputs} of ${first.path}`, `${otherInputs}`);
  if (!isDeepStrictEqual(first.card.frontEnd, second.card.frontEnd)) {
    throw mismatch(`the front end of ${first.path}`, 'another in its card');
  }
  const types = valueTypes(mainGraph(other), operatorSetsOf(other.proto));
  const all = layersOf(one).filter(({ output }) => output !== logProbabilities);
  const layers = all.filter(({ output }) => has.has(output) && (types.get(output) ?? 'float32') === 'float32');
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
      if (a.length !== b.length) throw mismatch(`${a.length} numbers in ${name}, as in ${first.path},`, `${b.length}`);
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
    missing: all.filter((layer) => !layers.includes(layer)).map(({ node }) => node),
    sameText: same / utterances,
  };
}

function greedy(logProbabilities: Float32Array | undefined, { card }: ResolvedModel): string {
  const values = logProbabilities ?? new Float32Array();
  return decodeGreedy(values, values.length / card.labels.length, card.labels, card.blank).text;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const [one, other] = [a[i] ?? 0, b[i] ?? 0];
    if (Object.is(one, other)) continue;
    const difference = Math.abs(one - other);
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
