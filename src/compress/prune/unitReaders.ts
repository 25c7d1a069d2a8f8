import type { NodeProto } from 'onnx-buf';
import { attributeOf, intAttribute, isOp, nodeTitle } from '../../onnx/graph/node.js';
import { elementCount, shapeOf, tensorIntegers } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';

/** A constant that has a place for each unit of a layer: along one of its axes, or as a number in a shape. */
export interface UnitReader {
  /** Name of the constant. */
  readonly constant: string;
  readonly node: NodeProto;
  /** Its axis of the units; of a shape, where the number of units stands. */
  readonly axis: number;
  readonly isShape: boolean;
  /** Whether the units of both directions follow one another along that axis; otherwise both directions share its places. */
  readonly isMerged: boolean;
}

/** A value that has the units of a layer along its last axis. */
interface Carrier {
  readonly value: string;
  readonly rank: number;
  /** Its axis of the directions; `undefined` where it has none any more. */
  readonly directionAxis: number | undefined;
  readonly isMerged: boolean;
}

/** The layer whose units are followed. */
export interface UnitSource {
  readonly directions: number;
  readonly units: number;
}

/** Operators that work on each number by itself. */
const ELEMENTWISE = ['Identity', 'Dropout', 'Cast', 'Relu', 'LeakyRelu', 'Elu', 'Tanh', 'Sigmoid', 'Gelu', 'Clip'];
const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div'];
const RECURRENT = ['LSTM', 'GRU', 'RNN'];

/**
 * Finds every constant that has a place for each unit of a recurrent layer, from its output on.
 *
 * @param value - Y of the layer: [time, directions, batch, units], or with the batch first
 * @param directionAxis - 1, or 2 with the batch first
 * @throws {LeftInFloat} when something reads the units whose form is not known here
 */
export function unitReaders(
  graph: NormalGraph,
  value: string,
  directionAxis: number,
  source: UnitSource,
): readonly UnitReader[] {
  const found: UnitReader[] = [];
  const waiting: Carrier[] = [{ value, rank: 4, directionAxis, isMerged: false }];
  for (const carrier of waiting) {
    if (graph.isOutput(carrier.value)) throw unknown('the model itself answers it');
    for (const node of graph.users.get(carrier.value) ?? []) {
      const { next, reader } = follow(graph, node, carrier, source);
      if (next !== undefined) waiting.push(next);
      if (reader !== undefined) found.push(reader);
    }
  }
  for (const { constant } of found) {
    if (!graph.graph.initializer.some(({ name }) => name === constant)) throw unknown(`${constant} is computed`);
    if (graph.users.get(constant)?.length !== 1) throw unknown(`${constant} is read by other nodes, too`);
  }
  return found;
}

function unknown(why: string): LeftInFloat {
  return new LeftInFloat('form', `its units cannot be taken out of what reads them: ${why}`);
}

/** What becomes of the units in a node that reads them: the value that has them next, and a constant that has places for them. */
interface Step {
  readonly next?: Carrier;
  readonly reader?: UnitReader;
}

/** Follows the units through a node. */
function follow(graph: NormalGraph, node: NodeProto, carrier: Carrier, source: UnitSource): Step {
  const { rank, directionAxis, isMerged } = carrier;
  const [output = ''] = node.output;
  const place = node.input.indexOf(carrier.value);
  const is = (...opTypes: readonly string[]): boolean => opTypes.some((opType) => isOp(node, opType));
  const reads = (constant: string, axis: number, isShape = false): UnitReader => {
    return { constant, node, axis, isShape, isMerged };
  };
  const none = (): LeftInFloat => unknown(`${nodeTitle(node)} (${node.opType})`);
  if (is(...ELEMENTWISE) && place === 0) return { next: { ...carrier, value: output } };
  if (is(...ARITHMETIC)) {
    const other = node.input[1 - place] ?? '';
    const shape = shapeOfConstant(graph, other);
    if (shape === undefined || shape.length > rank) throw none();
    const last = shape.at(-1) ?? 1;
    return { next: { ...carrier, value: output }, ...(last !== 1 && { reader: reads(other, shape.length - 1) }) };
  }
  if (place !== 0) throw none();
  if (is('MatMul')) {
    const weight = node.input[1] ?? '';
    if (shapeOfConstant(graph, weight)?.length !== 2) throw none();
    return { reader: reads(weight, 0) };
  }
  if (is('Gemm')) {
    if (intAttribute(node, 'transA', 0) !== 0) throw none();
    return { reader: reads(node.input[1] ?? '', intAttribute(node, 'transB', 0) === 0 ? 0 : 1) };
  }
  if (is(...RECURRENT)) return { reader: reads(node.input[1] ?? '', 2) };
  if (is('Transpose')) {
    const perm = attributeOf(node, 'perm')?.ints.map(Number) ?? [];
    if (perm.at(-1) !== rank - 1) throw none();
    const moved = directionAxis === undefined ? undefined : perm.indexOf(directionAxis);
    return { next: { ...carrier, value: output, directionAxis: moved } };
  }
  if (is('ReduceSum', 'Squeeze')) {
    const axes = axesOf(graph, node, rank);
    if (directionAxis === undefined || axes?.length !== 1 || axes[0] !== directionAxis) throw none();
    if (is('Squeeze') && source.directions !== 1) throw none();
    const keeps = is('ReduceSum') && intAttribute(node, 'keepdims', 1) !== 0;
    return { next: { ...carrier, value: output, rank: keeps ? rank : rank - 1, directionAxis: undefined } };
  }
  const step = is('Reshape') ? reshaped(graph, node, carrier, source) : undefined;
  if (step === undefined) throw none();
  return step;
}

/** A reshape that puts the directions beside each other, or leaves the last axis alone; `undefined` where it does anything else. */
function reshaped(
  graph: NormalGraph,
  node: NodeProto,
  { rank, directionAxis, isMerged }: Carrier,
  { directions, units }: UnitSource,
): Step | undefined {
  const constant = node.input[1] ?? '';
  const tensor = graph.constantOf(constant)?.tensor;
  if (tensor === undefined) return undefined;
  const wanted = tensorIntegers(tensor);
  const last = wanted.at(-1) ?? 0;
  const places = isMerged ? directions * units : units;
  const merges = directionAxis !== undefined && directionAxis === rank - 2;
  const value = node.output[0] ?? '';
  const next = { value, rank: wanted.length, directionAxis: undefined };
  const reader = { constant, node, axis: wanted.length - 1, isShape: true };
  if (directionAxis === undefined && last === places)
    return { next: { ...next, isMerged }, reader: { ...reader, isMerged } };
  const merged = { next: { ...next, isMerged: true } };
  if (merges && last === directions * units) return { ...merged, reader: { ...reader, isMerged: true } };
  const copies = wanted.length === rank - 1 && wanted.slice(0, -1).every((size) => size === 0);
  return merges && last === -1 && copies ? merged : undefined;
}

function shapeOfConstant(graph: NormalGraph, name: string): readonly number[] | undefined {
  const tensor = graph.constantOf(name)?.tensor;
  if (tensor === undefined) return undefined;
  return elementCount(tensor) === 1 ? [] : shapeOf(tensor);
}

/** Axes of a node, as an attribute or as its second input, from the front. */
function axesOf(graph: NormalGraph, node: NodeProto, rank: number): readonly number[] | undefined {
  const tensor = graph.constantOf(node.input[1] ?? '')?.tensor;
  const axes = tensor === undefined ? attributeOf(node, 'axes')?.ints.map(Number) : tensorIntegers(tensor);
  return axes?.map((axis) => (axis < 0 ? axis + rank : axis));
}
