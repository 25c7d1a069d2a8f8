import type { GraphValue, LoadedGraph } from '../../session/modelSession.js';
import type { CardTensors } from './card.js';
import { FLOAT_TYPES, LENGTH_TYPES, MASK_TYPES, USUAL_MASK } from './inputTensors.js';

/** What a graph's inputs and outputs tell of its tensors. */
export interface GuessedTensors {
  /** `undefined` where features or scores are not known. */
  readonly tensors: CardTensors | undefined;
  /** What must be asked, each with the option that answers it. */
  readonly gaps: readonly string[];
}

const WHOLE_TYPES: readonly string[] = ['int64', 'int32'];

/**
 * Finds which of a graph's values carry what, by their types and shapes.
 *
 * @param given - what is known already, which goes before what the graph tells
 * @param labels - how many classes there are, where that is known
 */
export function guessTensors(
  { inputs, outputs }: LoadedGraph,
  given: Partial<CardTensors> = {},
  labels?: number,
): GuessedTensors {
  const gaps: string[] = [];
  const named: string[] = [];
  const take = (name: string | undefined): string | undefined => {
    if (name !== undefined) named.push(name);
    return name;
  };
  for (const name of [given.features, given.lengths, given.mask]) take(name);
  const free = (): readonly GraphValue[] => inputs.filter(({ name }) => !named.includes(name) && name !== USUAL_MASK);

  const sounds = free().filter(({ type, shape }) => FLOAT_TYPES.includes(type) && shape.length !== 1);
  const most = Math.max(...sounds.map(rank));
  const features = given.features ?? take(only(sounds.filter((one) => rank(one) === most)));
  if (features === undefined) gaps.push(`--tensor features=NAME, the input that carries the sound: ${listed(inputs)}`);

  const perRecording = free().filter(
    ({ type, shape }) => LENGTH_TYPES.includes(type) && (shape.length === 1 || (shape.length === 2 && shape[1] === 1)),
  );
  const lengths = given.lengths ?? take(only(perRecording));
  if (given.lengthsType === undefined && inputs.some(({ name, type }) => name === lengths && type === 'float32')) {
    gaps.push(`--tensor lengthsType=relative (parts of the longest) or =float32 (frames), what ${lengths} holds`);
  }
  const perFrame = free().filter(({ type, shape }) => MASK_TYPES.includes(type) && shape.length === 2);
  const mask = given.mask ?? take(only(perFrame));
  const others = features === undefined ? [] : free();
  if (others.length > 0) {
    gaps.push(
      `--tensor lengths=NAME or mask=NAME, for nothing else is fed besides the sound: ${listed(others)}; a graph with other inputs must be exported without them`,
    );
  }

  const scores = outputs.filter(({ type, shape }) => FLOAT_TYPES.includes(type) && [0, 2, 3].includes(shape.length));
  const fitting = scores.filter(({ shape }) => labels !== undefined && shape.includes(labels));
  const logProbabilities = given.logProbabilities ?? only(scores) ?? only(fitting);
  if (logProbabilities === undefined) {
    gaps.push(`--tensor logProbabilities=NAME, the output with the score of each label: ${listed(outputs)}`);
  }
  const counts = outputs.filter(({ type, shape }) => WHOLE_TYPES.includes(type) && shape.length === 1);
  const outputLengths = given.outputLengths ?? only(counts);
  if (features === undefined || logProbabilities === undefined) return { tensors: undefined, gaps };
  const tensors = {
    ...given,
    features,
    ...(lengths !== undefined && { lengths }),
    ...(mask !== undefined && { mask }),
    logProbabilities,
    ...(outputLengths !== undefined && { outputLengths }),
  };
  return { tensors, gaps };
}

/** Axes; where the graph says nothing, any number will do. */
function rank({ shape }: GraphValue): number {
  return shape.length === 0 ? 3 : shape.length;
}

function only(values: readonly GraphValue[]): string | undefined {
  return values.length === 1 ? values[0]?.name : undefined;
}

function listed(values: readonly GraphValue[]): string {
  return values
    .map(({ name, type, shape }) => `${name} (${type} [${shape.map((size) => size || '?').join(', ')}])`)
    .join(', ');
}
