import type { NodeProto, ValueInfoProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { valuesRead } from '../graph/graph.js';
import { makeValueInfo } from '../graph/valueInfo.js';
import { mainGraph, type OnnxModel } from '../model.js';
import type { Dtype } from '../tensor/dtype.js';

/** What is known of a value that one stage hands to another. */
export interface CrossingValue {
  readonly dtype: Dtype;
  /** How many axes it has; `null` where that is not known. */
  readonly rank: number | null;
}

/** A part of a model that is run as a model of its own. */
export interface Stage {
  readonly model: OnnxModel;
  /** Names of what it reads: inputs of the whole model, and values of stages before it. */
  readonly inputs: readonly string[];
  /** Names of what it gives: values that stages behind it read, and outputs of the whole model. */
  readonly outputs: readonly string[];
}

/**
 * Values that are handed over at each place between two nodes: made before it by a node, and read behind it by one. What a stage
 * behind reads of the inputs of the whole model is given to it directly, and an output of the whole model is taken where it is made.
 *
 * @param model - in normal form, so that each node stands behind those that make what it reads
 * @returns for each node the names of the values that cross where a stage begins with it; none for the first
 */
export function crossingValues(model: OnnxModel): readonly (readonly string[])[] {
  const { node: nodes } = mainGraph(model);
  const lastReader = new Map<string, number>();
  for (const [index, node] of nodes.entries()) for (const name of valuesRead(node)) lastReader.set(name, index);
  const crossing: string[][] = [];
  let open: string[] = [];
  for (const [index, node] of nodes.entries()) {
    open = open.filter((name) => (lastReader.get(name) ?? -1) >= index);
    crossing.push(open);
    open = [...open, ...node.output.filter((name) => name !== '')];
  }
  return crossing;
}

/**
 * Cuts a model into stages that give the same when they are run one after another. A weight that several of them read is in each.
 *
 * @param model - in normal form
 * @param starts - index of the first node of each stage but the first; ascending
 * @param values - what is known of the values that cross
 * @throws {InputError} when a stage would have no node, or nothing is known of a value that crosses
 */
export function cutGraph(
  model: OnnxModel,
  starts: readonly number[],
  values: ReadonlyMap<string, CrossingValue>,
): readonly Stage[] {
  const graph = mainGraph(model);
  const bounds = [0, ...starts, graph.node.length];
  const pieces = bounds.slice(1).map((end, index) => graph.node.slice(bounds[index], end));
  if (pieces.some((nodes) => nodes.length === 0)) {
    throw new InputError(`${model.path}: a node for each stage was required, got a stage without one; cut elsewhere`);
  }
  const madeIn = new Map<string, number>();
  for (const [stage, nodes] of pieces.entries())
    for (const node of nodes) for (const name of node.output) madeIn.set(name, stage);
  const declared = new Map<string, ValueInfoProto>();
  for (const value of [...graph.valueInfo, ...graph.input, ...graph.output]) declared.set(value.name, value);
  const given = new Set(graph.input.map(({ name }) => name));
  const results = graph.output.map(({ name }) => name);
  const reads = pieces.map(readBy);
  const describe = (name: string): ValueInfoProto => declared.get(name) ?? made(name, values.get(name), model.path);

  return pieces.map((nodes, stage) => {
    const own = reads[stage] ?? new Set();
    const inputs = [...own].filter((name) => given.has(name) || (madeIn.get(name) ?? stage) < stage);
    const later = new Set(reads.slice(stage + 1).flatMap((names) => [...names]));
    const handed = nodes.flatMap((node) => node.output).filter((name) => name !== '' && later.has(name));
    // An output that no node makes is an input or a weight: the first stage gives it.
    const answers = results.filter((name) => (madeIn.get(name) ?? 0) === stage);
    const outputs = [...new Set([...handed, ...answers])];
    const needed = new Set([...own, ...answers]);
    const all = [...new Set([...inputs, ...answers.filter((name) => given.has(name))])];
    return {
      model: {
        path: model.path,
        proto: copyMessage(model.proto, {
          graph: copyMessage(graph, {
            node: nodes,
            input: all.map(describe),
            output: outputs.map(describe),
            initializer: graph.initializer.filter(({ name }) => needed.has(name)),
            sparseInitializer: graph.sparseInitializer.filter((sparse) => needed.has(sparse.values?.name ?? '')),
            valueInfo: graph.valueInfo.filter(({ name }) => own.has(name) && madeIn.get(name) === stage),
            quantizationAnnotation: graph.quantizationAnnotation.filter(({ tensorName }) => needed.has(tensorName)),
          }),
        }),
      },
      inputs: all,
      outputs,
    };
  });
}

function readBy(nodes: readonly NodeProto[]): ReadonlySet<string> {
  return new Set(nodes.flatMap((node) => [...valuesRead(node)]));
}

function made(name: string, value: CrossingValue | undefined, path: string): ValueInfoProto {
  if (value === undefined) {
    throw new InputError(`${path}: values of a known type were required where it is cut, got ${name}; cut elsewhere`);
  }
  const { dtype, rank } = value;
  const axes = Array.from({ length: rank ?? 0 }, (_, axis) => `${name}.${axis}`);
  const info = makeValueInfo(name, dtype, axes);
  // Without a shape the runtime takes any; with an empty one, a single number alone.
  if (rank === null && info.type?.value.case === 'tensorType') delete info.type.value.value.shape;
  return info;
}
