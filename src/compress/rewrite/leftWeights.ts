import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { capturedBy, consumersOf } from '../../onnx/graph/graph.js';
import { attributeOf, isOp, nodeTitle } from '../../onnx/graph/node.js';
import { nestedGraphs, subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { elementCount, shapeOf, storedSizeBytes, tensorDtype } from '../../onnx/tensor/tensor.js';
import { ownValue } from '../../ownValue.js';
import type { LeftCause, LeftWeight } from './report.js';

/** Why a node stays in float. */
export type Reason = Pick<LeftWeight, 'cause' | 'reason'>;

const FLOATS: ReadonlySet<string> = new Set(['float32', 'float16', 'bfloat16', 'float64']);

/** Operators that hand a constant on unchanged in value. */
const CARRIERS: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** Inputs that are no matrices, by operator and place: what they hold stays float on purpose. */
const KEPT_INPUTS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Gemm: { 2: 'a bias, added in float' },
  Conv: { 2: 'a bias, added in float' },
  LSTM: { 3: 'a bias, added in float', 5: 'an initial state', 6: 'an initial state', 7: 'peepholes' },
  GRU: { 3: 'a bias, added in float', 5: 'an initial state' },
  RNN: { 3: 'a bias, added in float', 5: 'an initial state' },
  DynamicQuantizeLSTM: { 3: 'a bias, added in float', 5: 'an initial state', 6: 'an initial state', 7: 'peepholes' },
};

/**
 * The floating-point constants of more than one element that a rewritten graph still has, nested graphs included,
 * each with the reason.
 *
 * @param graph - the new main graph
 * @param title - what was done: `dynamic quantization`
 * @param reasons - why nodes stay in float, by their titles
 * @param params - names of scales, which are no weights
 */
export function leftWeights(
  graph: GraphProto,
  title: string,
  reasons: ReadonlyMap<string, Reason>,
  params: ReadonlySet<string>,
): LeftWeight[] {
  const left: LeftWeight[] = [];
  for (const inner of nestedGraphs(graph)) {
    const consumers = consumersOf(inner);
    for (const [name, tensor] of floatConstants(inner)) {
      if (params.has(name) || elementCount(tensor) <= 1) continue;
      const [reader, place] = readerOf(name, consumers);
      left.push({
        name,
        node: reader === undefined ? '' : nodeTitle(reader),
        opType: reader?.opType ?? '',
        shape: shapeOf(tensor),
        dtype: tensorDtype(tensor),
        sizeBytes: storedSizeBytes(tensor),
        ...reasonFor(reader, place, title, reasons),
      });
    }
  }
  return left;
}

function* floatConstants(graph: GraphProto): Generator<[string, TensorProto]> {
  for (const tensor of graph.initializer) if (FLOATS.has(tensorDtype(tensor))) yield [tensor.name, tensor];
  for (const node of graph.node) {
    const tensor = isOp(node, 'Constant') ? attributeOf(node, 'value')?.t : undefined;
    if (tensor !== undefined && FLOATS.has(tensorDtype(tensor))) yield [node.output[0] ?? '', tensor];
  }
}

/**
 * The node that computes with a constant, and at which input: the first behind nodes that only hand it on, in a nested
 * graph where only that reads it.
 */
function readerOf(name: string, consumers: ReadonlyMap<string, readonly NodeProto[]>): [NodeProto | undefined, number] {
  let value = name;
  let readers = consumers;
  const seen = new Set<string>();
  for (;;) {
    const reader = readers.get(value)?.[0];
    const place = reader?.input.indexOf(value) ?? -1;
    const inner = reader === undefined || place !== -1 ? undefined : subgraphsOf(reader).find(capturing(value));
    if (inner !== undefined) {
      readers = consumersOf(inner);
      continue;
    }
    const next = reader?.output[0];
    if (reader === undefined || next === undefined || !CARRIERS.has(reader.opType) || seen.has(next)) {
      return [reader, place];
    }
    seen.add(next);
    value = next;
  }
}

function capturing(value: string): (graph: GraphProto) => boolean {
  return (graph) => capturedBy(graph).has(value);
}

function reasonFor(
  reader: NodeProto | undefined,
  place: number,
  title: string,
  reasons: ReadonlyMap<string, Reason>,
): Reason {
  const because = (cause: LeftCause, reason: string): Reason => ({ cause, reason });
  if (reader === undefined) return because('unread', 'it is an output of the model or read by nothing');
  const kept = ownValue(KEPT_INPUTS, reader.opType)?.[place];
  if (kept !== undefined) return because('kept', kept);
  const left = reasons.get(nodeTitle(reader));
  if (left !== undefined) return because(left.cause, `${reader.opType}: ${left.reason}`);
  return because('no-form', `${title} has no form of ${reader.opType}`);
}
