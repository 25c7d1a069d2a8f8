import { isDeepStrictEqual } from 'node:util';
import { layersOf } from '../compress/choose/layers.js';
import { withOutputs } from '../compress/choose/sensitivity.js';
import type { CalibrationSample } from '../compress/pass.js';
import { NormalGraph } from '../compress/rewrite/normalGraph.js';
import { SignalToError } from '../compress/rewrite/signalToError.js';
import { InputError } from '../errors.js';
import type { Heard } from '../measure/accuracy/accuracy.js';
import { compareTexts, type TextComparison } from '../measure/accuracy/textComparison.js';
import { mean } from '../measure/statistics/statistics.js';
import { readModel } from '../onnx/file/read.js';
import { producersOf } from '../onnx/graph/graph.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { operatorSetsOf } from '../onnx/types/signature.js';
import { valueTypes } from '../onnx/types/valueTypes.js';
import { kindOf } from '../recognise/kinds/kinds.js';
import { graphOf, graphsOf, type ResolvedModel } from '../recognise/model.js';
import { Recognizer } from '../recognise/recognizer.js';
import { UNKNOWN_SPEAKER } from '../speech/corpora/manifest.js';
import { normaliseTranscript } from '../speech/text/transcript.js';
import type { Audio } from '../speech/types.js';
import { arrayFeeds, floatOutputs } from './arrays/onArrays.js';
import type { ArrayOptions } from './arrays/samples.js';
import { runModel, threadsOf } from './runModel.js';
import { runOverSpeech, type SpeechOptions, soundsOf } from './speechRunner.js';

/** How far one value of two models is apart. */
export interface ValueComparison {
  /** Name of the graph that it is in. */
  readonly graph: string;
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
  /** What the layers of the first model give and the second has, too, in order; last its output; graph by graph. */
  readonly values: readonly ValueComparison[];
  /** Layers of the first model whose output the second does not have as float32. */
  readonly missing: readonly string[];
  /** Share of the utterances with the same text. */
  readonly sameText: number;
  /** What was heard beside the transcripts, with the test of the margin; `null` where the manifest has no word. */
  readonly texts: TextComparison | null;
}

/**
 * Compares a model with one that was made from it, layer by layer, on speech; of several graphs, each reads what the others of the first
 * model give.
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
  const names = graphsOf(first).map(({ name }) => name);
  const others = graphsOf(second).map(({ name }) => name);
  if (names.join() !== others.join()) {
    throw mismatch(second, `the graphs ${names.join(', ')} of ${first.path}`, others.join(', '));
  }
  if (!isDeepStrictEqual(first.card.frontEnd, second.card.frontEnd)) {
    throw mismatch(second, `the front end of ${first.path}`, 'another in its card');
  }
  const graphs: ValueComparisons[] = [];
  for (const graph of names) graphs.push(await compareGraphs(first, second, graph, options));
  return {
    values: graphs.flatMap(({ values }) => values),
    missing: graphs.flatMap(({ missing }) => missing),
    ...(await compareHeard(first, second, options)),
  };
}

function mismatch({ path }: { readonly path: string }, required: string, got: string): InputError {
  return new InputError(`${path}: ${required} was required, got ${got}; compare a model with its own variant`);
}

/** What two graphs were compared by. */
export type ValueComparisons = Pick<ModelComparison, 'values' | 'missing'>;

async function compareGraphs(
  first: ResolvedModel,
  second: ResolvedModel,
  graph: string,
  options: SpeechOptions,
): Promise<ValueComparisons> {
  // In normal form, values that are made in functions have names that both models can be asked for.
  const [one, other] = [await preparedGraph(first, graph), await preparedGraph(second, graph)];
  const judged = [kindOf(first.card).judgedOutput(first.card, graph)];
  return await compareValues(one, other, judged, graph, (form, names) =>
    runOverSpeech(form, names, first, { ...options, graph }),
  );
}

/**
 * Compares a graph with one that was made from it, layer by layer, on arrays: neither needs a card.
 *
 * @param first - the reference
 * @param second - a variant: values that still have their names are compared
 * @param onOrigin - told what both are fed with
 * @throws {InputError} when the arrays do not fit, or the graphs do not match
 */
export async function compareOnArrays(
  first: OnnxModel,
  second: OnnxModel,
  options: ArrayOptions = {},
  onOrigin?: (origin: string) => void,
): Promise<ValueComparisons> {
  const [one, other] = [NormalGraph.enter(first).model, NormalGraph.enter(second).model];
  const judged = floatOutputs(one);
  if (judged.length === 0) throw mismatch(first, 'an output of float32', 'none');
  return await compareValues(one, other, judged, 'model', (form, names) =>
    runModel(form, names, arrayFeeds(options, form.path === first.path ? onOrigin : undefined), options),
  );
}

/** Compares two graphs in normal form by what their layers give, and by outputs. */
async function compareValues(
  one: OnnxModel,
  other: OnnxModel,
  judged: readonly string[],
  graph: string,
  runOver: (form: OnnxModel, names: readonly string[]) => AsyncGenerator<CalibrationSample>,
): Promise<ValueComparisons> {
  const has = producersOf(mainGraph(other));
  const lost = judged.filter((name) => !has.has(name));
  if (lost.length > 0) throw mismatch(other, `an output named ${lost.join(' and ')}`, 'none');
  const [inputs, otherInputs] = [one, other].map((model) =>
    mainGraph(model)
      .input.map(({ name }) => name)
      .sort()
      .join(', '),
  );
  if (inputs !== otherInputs) throw mismatch(other, `the inputs ${inputs} of ${one.path}`, `${otherInputs}`);
  const types = valueTypes(mainGraph(other), operatorSetsOf(other.proto));
  const all = layersOf(one).filter(({ output }) => !judged.includes(output));
  const layers = all.filter(({ output }) => has.has(output) && (types.get(output) ?? 'float32') === 'float32');
  const names = [...layers.map(({ output }) => output), ...judged];
  const run = (form: OnnxModel): AsyncGenerator<CalibrationSample> => runOver(withOutputs(form, names), names);
  const seconds = run(other);
  const found = names.map(() => ({ decibels: [] as number[], largest: 0 }));
  for await (const was of run(one)) {
    const { value: is } = await seconds.next();
    for (const [index, name] of names.entries()) {
      const [a, b] = [was[name] ?? new Float32Array(), is?.[name] ?? new Float32Array()];
      if (a.length !== b.length) {
        throw mismatch(other, `${a.length} numbers in ${name}, as in ${one.path},`, `${b.length}`);
      }
      const apart = new SignalToError();
      apart.add(a, b);
      const entry = found[index];
      if (entry === undefined || apart.largestDifference === 0) continue;
      entry.decibels.push(apart.decibels);
      entry.largest = Math.max(entry.largest, apart.largestDifference);
    }
  }
  // Left at its last utterance, it would keep its session and its folder.
  await seconds.return(undefined);
  return {
    values: names.map((name, index) => ({
      graph,
      name,
      opType: layers[index]?.opType ?? 'output',
      signalToErrorDb: meanOf(found[index]?.decibels ?? []),
      largestDifference: found[index]?.largest ?? 0,
    })),
    missing: all.filter((layer) => !layers.includes(layer)).map(({ node }) => node),
  };
}

async function preparedGraph(model: ResolvedModel, graph: string): Promise<OnnxModel> {
  return NormalGraph.enter(await readModel(graphOf(model, graph).path)).model;
}

/** Whether both give the same texts, and how right these are. */
async function compareHeard(
  first: ResolvedModel,
  second: ResolvedModel,
  options: SpeechOptions,
): Promise<Pick<ModelComparison, 'utterances' | 'sameText' | 'texts'>> {
  const recognizers: Recognizer[] = [];
  const heard: [Heard[], Heard[]] = [[], []];
  let same = 0;
  try {
    for (const model of [first, second]) recognizers.push(await Recognizer.load(model, threadsOf(options)));
    for await (const { audio, utterance } of soundsOf(options)) {
      options.signal?.throwIfAborted();
      const texts = [];
      for (const recognizer of recognizers) texts.push(await textOf(recognizer, audio));
      if (texts[0] !== null && texts[0] === texts[1]) same++;
      const { text: reference, speaker } = utterance;
      const said = { reference, speaker: speaker === UNKNOWN_SPEAKER ? undefined : speaker };
      for (const [place, own] of heard.entries()) own.push({ ...said, text: texts[place] ?? '' });
    }
  } finally {
    for (const recognizer of recognizers) await recognizer.release();
  }
  const hasWords = heard[0].some(({ reference }) => normaliseTranscript(reference) !== '');
  return {
    utterances: heard[0].length,
    sameText: same / heard[0].length,
    texts: hasWords ? compareTexts(...heard) : null,
  };
}

/** `null` where the outputs of the model are no numbers: there is no text. */
async function textOf(recognizer: Recognizer, audio: Audio): Promise<string | null> {
  try {
    return (await recognizer.recognize(audio)).text;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
