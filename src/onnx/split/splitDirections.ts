import type { NodeProto, TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { valuesRead } from '../graph/graph.js';
import { attributeOf, makeNode, stringAttribute } from '../graph/node.js';
import { pruneUnused } from '../graph/prune.js';
import { makeValueInfo } from '../graph/valueInfo.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { makeTensor, shapeOf, tensorBytes, tensorDtype } from '../tensor/tensor.js';
import type { Stage } from './cutGraph.js';

const RECURRENT: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'RNN']);
const DIRECTIONS = ['forward', 'reverse'] as const;
/** Weights of both directions: W, R and B. */
const WEIGHTS: readonly number[] = [1, 2, 3];
const LENGTHS = 4;

/** A model whose layers of both directions are two layers each. */
export interface SplitDirections {
  readonly model: OnnxModel;
  /** Names of what both directions of each layer give, float32 [T, 1, N, units], in the order of the layers. */
  readonly layers: readonly (readonly [forward: string, reverse: string])[];
}

/**
 * Writes each bidirectional LSTM, GRU and RNN as its forward and its reverse one, which nothing ties to each other: they can run at the
 * same time.
 *
 * @param model - in normal form
 * @throws {InputError} when there is none, or one is given states, activations or weights that are not stored
 */
export function splitDirections(model: OnnxModel): SplitDirections {
  const graph = mainGraph(model);
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const halves = new Map<string, TensorProto>();
  const layers: (readonly [string, string])[] = [];
  const half = (name: string, direction: number): string => {
    const tensor = stored.get(name);
    if (tensor === undefined) return name;
    const [, ...rest] = shapeOf(tensor);
    const bytes = tensorBytes(tensor);
    const own = bytes.slice((direction * bytes.length) / 2, ((direction + 1) * bytes.length) / 2);
    const named = `${name}.${DIRECTIONS[direction]}`;
    halves.set(named, makeTensor(named, tensorDtype(tensor), [1, ...rest], own));
    return named;
  };
  const nodes = graph.node.flatMap((node): readonly NodeProto[] => {
    const isBoth =
      RECURRENT.has(node.opType) && node.domain === '' && stringAttribute(node, 'direction', '') === 'bidirectional';
    if (!isBoth) return [node];
    const [y = '', ...last] = node.output;
    const isPlain =
      y !== '' &&
      last.every((name) => name === '') &&
      node.input.slice(LENGTHS + 1).every((name) => name === '') &&
      WEIGHTS.every((at) => !node.input[at] || stored.has(node.input[at])) &&
      attributeOf(node, 'activations') === undefined;
    if (!isPlain) {
      throw new InputError(
        `${model.path}: recurrent layers with stored weights alone were required, got ${y}, which has states or activations of its own; split it into stages`,
      );
    }
    const inherited = node.attribute.filter(({ name }) => name !== 'direction');
    const outputs = [`${y}.forward`, `${y}.reverse`] as const;
    layers.push(outputs);
    const both = outputs.map((output, direction) => {
      const input = node.input
        .slice(0, LENGTHS + 1)
        .map((name, at) => (WEIGHTS.includes(at) ? half(name, direction) : name));
      return makeNode(node.opType, input, [output], {
        name: output,
        inherited,
        attributes: { direction: DIRECTIONS[direction] as string },
      });
    });
    return [...both, makeNode('Concat', outputs, [y], { name: `${y}.both`, attributes: { axis: 1 } })];
  });
  if (layers.length === 0) {
    throw new InputError(`${model.path}: layers of both directions were required, got none; split it into stages`);
  }
  const initializer = [...graph.initializer, ...halves.values()];
  const proto = copyMessage(model.proto, { graph: pruneUnused(copyMessage(graph, { node: nodes, initializer })) });
  return { model: { ...model, proto }, layers };
}

/**
 * The stages of a model whose directions run side by side: of each layer its forward and its reverse one, and at last the rest.
 * What stands between layers is in both, so that they hand on what directions gave, and nothing else.
 */
export function directionStages({ model, layers }: SplitDirections): readonly Stage[] {
  const results = mainGraph(model).output.map(({ name }) => name);
  const handed = layers.flat();
  return [...handed.map((name) => [name]), results].map((outputs) => stageOf(model, outputs, new Set(handed)));
}

/** What makes some values of others that are handed over. */
function stageOf(model: OnnxModel, outputs: readonly string[], handed: ReadonlySet<string>): Stage {
  const graph = mainGraph(model);
  const describe = (name: string) =>
    graph.output.find((value) => value.name === name) ??
    makeValueInfo(name, 'float32', ['steps', 1, 'recordings', 'units']);
  const given = [...handed].filter((name) => !outputs.includes(name));
  const pruned = pruneUnused(
    copyMessage(graph, {
      node: graph.node.filter(({ output }) => !output.some((name) => given.includes(name))),
      output: outputs.map(describe),
      valueInfo: [],
    }),
  );
  const read = new Set([...outputs, ...pruned.node.flatMap((node) => [...valuesRead(node)])]);
  const stored = new Set(pruned.initializer.map(({ name }) => name));
  const input = [...graph.input.filter(({ name }) => !stored.has(name)), ...given.map(describe)].filter(({ name }) =>
    read.has(name),
  );
  const proto = copyMessage(model.proto, { graph: copyMessage(pruned, { input }) });
  return { model: { ...model, proto }, inputs: input.map(({ name }) => name), outputs };
}
