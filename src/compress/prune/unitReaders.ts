import type { NodeProto } from 'onnx-buf';
import { attributeOf, intAttribute, isOp, nodeTitle } from '../../onnx/graph/node.js';
import { UNARY } from '../../onnx/graph/unary.js';
import { shapeOf, tensorDtype, tensorIntegers } from '../../onnx/tensor/tensor.js';
import { channelsLast, type Watched } from '../calibrators/moments.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';

/** A constant that has a place for each unit of a layer. */
export interface UnitReader {
  /** Name of the constant. */
  readonly constant: string;
  readonly node: NodeProto;
  /** Its axis of the units; of a shape, where the number of units stands. */
  readonly axis: number;
  /** Whether units are multiplied by it and added up, or each has a number of its own in it, or their number stands there. */
  readonly role: 'product' | 'numbers' | 'shape';
  /** Whether the units of both directions follow one another along that axis; otherwise both directions share its places. */
  readonly isMerged: boolean;
  /** Places of a unit along that axis: more than one where what belongs to a unit was laid behind it. */
  readonly run: number;
  /** What a product reads: of a product alone. */
  readonly read?: Watched;
}

/** All that reads the units of a layer. */
export interface UnitReaders {
  readonly readers: readonly UnitReader[];
  /** Nodes an attribute of which is the number of units: the groups of a convolution of a kernel for each, the heads of an attention. */
  readonly sized: readonly { readonly node: NodeProto; readonly attribute: string }[];
}

/** A value that has the units of a layer along an axis. */
interface Carrier {
  readonly value: string;
  /** How many axes it has; `undefined` where that is not known, and the units are along the last. */
  readonly rank: number | undefined;
  /** Axis of the units, from the end: 1 is the last. */
  readonly fromEnd: number;
  /** Its axis of the directions, from the front; `undefined` where it has none any more. */
  readonly directionAxis: number | undefined;
  readonly isMerged: boolean;
  /** Whether the axis behind the units was joined with theirs. */
  readonly isFlat: boolean;
}

/** The layer whose units are followed, and where its output has them. */
export interface UnitSource {
  readonly directions: number;
  readonly units: number;
  readonly value: string;
  readonly rank: number | undefined;
  readonly fromEnd: number;
  readonly directionAxis?: number | undefined;
  /** Whether several places beside each other belong to a unit, as to a head. Default: false. */
  readonly isFlat?: boolean;
}

const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div', 'PRelu'];
const RECURRENT = ['LSTM', 'GRU', 'RNN'];
/** Operators that work on each channel, the second axis, by itself. */
const POOLS = ['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool'];

/**
 * Finds every constant that has a place for each unit of a layer, from its output on.
 *
 * @throws {LeftInFloat} when something reads the units whose form is not known here
 */
export function unitReaders(graph: NormalGraph, source: UnitSource): UnitReaders {
  const { value, rank, fromEnd, directionAxis, isFlat = false } = source;
  const readers: UnitReader[] = [];
  const sized: UnitReaders['sized'][number][] = [];
  const first: Carrier = { value, rank, fromEnd, directionAxis, isMerged: false, isFlat };
  const carriers = new Map([[value, first]]);
  const met: Meeting[] = [];
  for (const carrier of carriers.values()) {
    if (graph.isOutput(carrier.value)) throw unknown('the model itself answers it');
    for (const node of graph.users.get(carrier.value) ?? []) {
      const step = follow(graph, node, carrier, source);
      if (step.next !== undefined) addCarrier(carriers, step.next);
      if (step.meets !== undefined) met.push({ node, value: step.meets, carrier });
      if (step.isDepthwise === true) sized.push({ node, attribute: 'group' });
      readers.push(...(step.readers ?? []));
    }
  }
  for (const { node, value: other, carrier } of met) {
    const meets = carriers.get(other);
    if (meets === undefined || !isAlike(meets, carrier)) throw unknown(describe(node));
  }
  for (const { constant, role } of readers) {
    const tensor = graph.constantOf(constant)?.tensor;
    if (role !== 'shape' && (tensor === undefined || tensorDtype(tensor) !== 'float32')) {
      throw unknown(`${constant} is not float32`);
    }
    if (!graph.graph.initializer.some(({ name }) => name === constant)) throw unknown(`${constant} is computed`);
    if (graph.users.get(constant)?.length !== 1) throw unknown(`${constant} is read by other nodes, too`);
  }
  return { readers, sized };
}

function unknown(why: string): LeftInFloat {
  return new LeftInFloat('form', `its units cannot be taken out of what reads them: ${why}`);
}

function describe(node: NodeProto): string {
  return `${nodeTitle(node)} (${node.opType})`;
}

/** A node that puts a value which has the units together with another one, which has to have them likewise. */
interface Meeting {
  readonly node: NodeProto;
  readonly value: string;
  readonly carrier: Carrier;
}

/** What two ways lead to has to have the units in the same places. */
function addCarrier(carriers: Map<string, Carrier>, next: Carrier): void {
  const known = carriers.get(next.value);
  if (known === undefined) carriers.set(next.value, next);
  else if (!isAlike(known, next)) throw unknown(`${next.value} has them in two ways`);
}

function isAlike(one: Carrier, other: Carrier): boolean {
  return (
    one.rank === other.rank &&
    one.fromEnd === other.fromEnd &&
    one.directionAxis === other.directionAxis &&
    one.isMerged === other.isMerged &&
    one.isFlat === other.isFlat
  );
}

/** What becomes of the units in a node that reads them. */
interface Step {
  /** The value that has them next. */
  readonly next?: Carrier;
  /** Constants that have places for them. */
  readonly readers?: readonly UnitReader[];
  /** Another value that has to have them, too. */
  readonly meets?: string;
  readonly isDepthwise?: boolean;
}

/** Follows the units through a node. */
function follow(graph: NormalGraph, node: NodeProto, carrier: Carrier, source: UnitSource): Step {
  const { rank, fromEnd, directionAxis } = carrier;
  const [output = '', ...otherOutputs] = node.output;
  const place = node.input.indexOf(carrier.value);
  const is = (...opTypes: readonly string[]): boolean => opTypes.some((opType) => isOp(node, opType));
  const none = (): LeftInFloat => unknown(describe(node));
  const next = { ...carrier, value: output };
  const axis = rank === undefined ? undefined : rank - fromEnd;
  const reads = (constant: string, at: number, role: 'product' | 'numbers'): UnitReader => {
    const reader = readerOf(graph, node, carrier, source, constant, at, role);
    if (reader === undefined) throw none();
    return reader;
  };
  if (is(...UNARY, 'Dropout') && place === 0 && otherOutputs.every((name) => name === '')) return { next };
  if (is(...ARITHMETIC)) {
    const other = node.input[1 - place] ?? '';
    if (other === carrier.value) return { next };
    const constant = graph.constantOf(other)?.tensor;
    if (constant === undefined) return isOneAlong(graph, other, fromEnd) ? { next } : { next, meets: other };
    const shape = shapeOf(constant);
    if (shape.some((size) => size !== 1) && shape.length > (rank ?? 1)) throw none();
    const at = shape.length - fromEnd;
    return { next, readers: (shape[at] ?? 1) === 1 ? [] : [reads(other, at, 'numbers')] };
  }
  if (place !== 0 || node.input.lastIndexOf(carrier.value) !== 0) throw none();
  if (is('Shape')) {
    if (!readsOtherSizes(graph, node, axis, rank)) throw none();
    return {};
  }
  const isLast = fromEnd === 1;
  if (is('MatMul') && isLast) {
    const weight = node.input[1] ?? '';
    if (graph.constantOf(weight)?.tensor.dims.length !== 2) throw none();
    return { readers: [reads(weight, 0, 'product')] };
  }
  if (is('Gemm') && isLast) {
    if (intAttribute(node, 'transA', 0) !== 0) throw none();
    return { readers: [reads(node.input[1] ?? '', intAttribute(node, 'transB', 0) === 0 ? 0 : 1, 'product')] };
  }
  if (is(...RECURRENT) && isLast) return { readers: [reads(node.input[1] ?? '', 2, 'product')] };
  if (axis === undefined || rank === undefined) throw none();
  if (is('Conv') && axis === 1 && directionAxis === undefined) {
    const group = intAttribute(node, 'group', 1);
    const weight = node.input[1] ?? '';
    if (group === 1) return { readers: [reads(weight, 1, 'product')] };
    const outputs = Number(graph.constantOf(weight)?.tensor.dims[0] ?? 0);
    if (group !== source.units || outputs !== group || carrier.isFlat) throw none();
    const bias = node.input[2] ?? '';
    const own = [reads(weight, 0, 'numbers'), ...(bias === '' ? [] : [reads(bias, 0, 'numbers')])];
    return { next, readers: own, isDepthwise: true };
  }
  if (is('BatchNormalization') && axis === 1 && directionAxis === undefined) {
    if (intAttribute(node, 'training_mode', 0) !== 0 || otherOutputs.some((name) => name !== '')) throw none();
    return { next, readers: node.input.slice(1).map((constant) => reads(constant, 0, 'numbers')) };
  }
  if (is(...POOLS) && axis === 1 && otherOutputs.length === 0) return { next };
  if (is('Transpose')) {
    const perm = attributeOf(node, 'perm')?.ints.map(Number) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    const moved = directionAxis === undefined ? undefined : perm.indexOf(directionAxis);
    return { next: { ...next, fromEnd: rank - perm.indexOf(axis), directionAxis: moved } };
  }
  if (is('Unsqueeze') && directionAxis === undefined) {
    const added = axesOf(graph, node);
    if (added === undefined) throw none();
    const all = rank + added.length;
    const places = new Set(added.map((one) => (one < 0 ? one + all : one)));
    const old = Array.from({ length: all }, (_, i) => i).filter((i) => !places.has(i));
    return { next: { ...next, rank: all, fromEnd: all - (old[axis] ?? 0) } };
  }
  if (is('ReduceSum', 'Squeeze')) {
    const axes = axesOf(graph, node)?.map((one) => (one < 0 ? one + rank : one));
    const [only = -1] = axes ?? [];
    if (axes?.length !== 1 || only === axis) throw none();
    const keeps = is('ReduceSum') && intAttribute(node, 'keepdims', 1) !== 0;
    const isDirection = only === directionAxis;
    if (isDirection && is('Squeeze') && source.directions !== 1) throw none();
    if (directionAxis !== undefined && !isDirection) throw none();
    const left = keeps ? rank : rank - 1;
    return {
      next: { ...next, rank: left, fromEnd: keeps || only < axis ? fromEnd : fromEnd - 1, directionAxis: undefined },
    };
  }
  if (is('Flatten') && intAttribute(node, 'axis', 1) === axis && axis === 1 && directionAxis === undefined) {
    return { next: { ...next, rank: 2, fromEnd: 1, isFlat: rank > 2 } };
  }
  const step = is('Reshape') ? reshaped(graph, node, carrier, source) : undefined;
  if (step === undefined) throw none();
  return step;
}

/** A constant that has the units along an axis; `undefined` where its size does not fit them. */
function readerOf(
  graph: NormalGraph,
  node: NodeProto,
  { value, rank, fromEnd, isMerged, isFlat }: Carrier,
  { directions, units }: UnitSource,
  constant: string,
  axis: number,
  role: 'product' | 'numbers',
): UnitReader | undefined {
  const tensor = graph.constantOf(constant)?.tensor;
  const size = tensor === undefined ? 0 : (shapeOf(tensor)[axis] ?? 0);
  const run = size / (units * (isMerged ? directions : 1));
  if (!Number.isInteger(run) || run === 0 || (run > 1 && !isFlat)) return undefined;
  const read = { value, size, ...(fromEnd > 1 && { perm: channelsLast(rank ?? 0) }) };
  return { constant, node, axis, role, isMerged, run, ...(role === 'product' && { read }) };
}

/**
 * A reshape that puts the directions beside each other, or what belongs to a unit behind it, or leaves the last axis alone;
 * `undefined` where it does anything else.
 */
function reshaped(
  graph: NormalGraph,
  node: NodeProto,
  { rank, fromEnd, directionAxis, isMerged, isFlat }: Carrier,
  { directions, units }: UnitSource,
): Step | undefined {
  const constant = node.input[1] ?? '';
  const tensor = graph.constantOf(constant)?.tensor;
  if (tensor === undefined || rank === undefined || isFlat) return undefined;
  const wanted = tensorIntegers(tensor);
  const last = wanted.at(-1) ?? 0;
  const next = { value: node.output[0] ?? '', rank: wanted.length, fromEnd: 1, directionAxis: undefined, isFlat };
  const size = (merged: boolean, run: number): readonly UnitReader[] => [
    { constant, node, axis: wanted.length - 1, role: 'shape', isMerged: merged, run },
  ];
  const copies = wanted.length === rank - 1 && wanted.slice(0, -1).every((one) => one === 0);
  if (fromEnd === 2 && directionAxis === undefined && copies) {
    const run = last / (isMerged ? directions * units : units);
    if (last !== -1 && !Number.isInteger(run)) return undefined;
    return { next: { ...next, isMerged, isFlat: true }, readers: last === -1 ? [] : size(isMerged, run) };
  }
  if (fromEnd !== 1) return undefined;
  const places = isMerged ? directions * units : units;
  if (directionAxis === undefined && last === places)
    return { next: { ...next, isMerged }, readers: size(isMerged, 1) };
  const merges = directionAxis !== undefined && directionAxis === rank - 2;
  const merged = { ...next, isMerged: true };
  if (merges && last === directions * units) return { next: merged, readers: size(true, 1) };
  return merges && last === -1 && copies ? { next: merged } : undefined;
}

/** Whether a value has one place along an axis, or none: a mask that is the same for all units. */
export function isOneAlong(graph: NormalGraph, value: string, fromEnd: number): boolean {
  const constant = graph.constantOf(value)?.tensor;
  if (constant !== undefined) return (shapeOf(constant).at(-fromEnd) ?? 1) === 1;
  if ((graph.ranks.get(value) ?? fromEnd) < fromEnd) return true;
  const maker = graph.makers.get(value);
  if (maker === undefined) return false;
  if (ARITHMETIC.some((opType) => isOp(maker, opType))) {
    return maker.input.every((input) => isOneAlong(graph, input, fromEnd));
  }
  if ([...UNARY].some((opType) => isOp(maker, opType))) return isOneAlong(graph, maker.input[0] ?? '', fromEnd);
  if (!isOp(maker, 'Unsqueeze')) return false;
  const axes = axesOf(graph, maker);
  const rank = graph.ranks.get(value);
  return axes?.some((axis) => axis === -fromEnd || (rank !== undefined && axis === rank - fromEnd)) ?? false;
}

/** Whether of a shape only sizes of other axes are read: because it has no others, or by their places. */
function readsOtherSizes(
  graph: NormalGraph,
  node: NodeProto,
  axis: number | undefined,
  rank: number | undefined,
): boolean {
  if (axis === undefined || rank === undefined) return false;
  const [shape = ''] = node.output;
  const fromFront = (at: number): number => (at < 0 ? at + rank : at);
  const [start, end] = [fromFront(intAttribute(node, 'start', 0)), fromFront(intAttribute(node, 'end', rank))];
  if (axis < start || axis >= end) return true;
  if (graph.isOutput(shape)) return false;
  return (graph.users.get(shape) ?? []).every((user) => {
    const indices = graph.constantOf(user.input[1] ?? '')?.tensor;
    if (!isOp(user, 'Gather') || user.input[0] !== shape || indices === undefined) return false;
    return tensorIntegers(indices).every((index) => start + (index < 0 ? index + end - start : index) !== axis);
  });
}

/** Axes of a node as they are written, as an attribute or as its second input. */
function axesOf(graph: NormalGraph, node: NodeProto): readonly number[] | undefined {
  const tensor = graph.constantOf(node.input[1] ?? '')?.tensor;
  return tensor === undefined ? attributeOf(node, 'axes')?.ints.map(Number) : tensorIntegers(tensor);
}
