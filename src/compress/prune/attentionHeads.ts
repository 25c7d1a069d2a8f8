import type { NodeProto, TensorProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { attributeOf, intAttribute, isOp, nodeTitle } from '../../onnx/graph/node.js';
import { pruneUnused } from '../../onnx/graph/prune.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { shapeOf, tensorIntegers } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import type { OwnPart, UnitLayer } from './unitLayers.js';
import { isOneAlong, type UnitReader, unitReaders } from './unitReaders.js';

/** An attention whose heads are units: those of the products that make queries, keys and values, and of what reads the joined answers. */
export interface Attention {
  /** Shapes that hold the number of heads, or that of all their places. */
  readonly shapes: readonly ShapePlace[];
  /** The products, in the order of the graph: heads go from all of them. */
  readonly products: readonly NodeProto[];
  /**
   * Reads all that has places for the heads.
   *
   * @throws {LeftInFloat} when heads cannot be taken out
   */
  read(): UnitLayer;
}

/** Where an attention reads and what it gives. */
interface Core {
  readonly heads: number;
  /** Values [n, s, heads · size] from which queries, keys and values come. */
  readonly sources: readonly string[];
  /** Value [n, s, heads · size] that it gives. */
  readonly joined: string;
  /** Shapes that hold the number of heads, or that of all their places. */
  readonly shapes: readonly ShapePlace[];
  readonly sized: UnitLayer['sized'];
}

/** A place of a shape where the number of heads stands, or that of all their places. */
export interface ShapePlace {
  readonly constant: string;
  readonly node: NodeProto;
  readonly axis: number;
  readonly isJoined: boolean;
}

/** A product whose outputs are queries, keys or values, or several of them beside each other. */
interface Projection {
  readonly product: NodeProto;
  readonly weight: string;
  readonly bias: string | undefined;
  readonly splits: readonly ShapePlace[];
}

/**
 * The attentions of a graph, by their first product: ONNX Runtime's `MultiHeadAttention`, or written out as MatMul, Softmax and MatMul
 * between reshapes, as PyTorch and this package export it. Those with other inputs or outputs than queries, keys and values (past
 * states, biases) are none: their heads are part of the model's interface.
 */
export function attentionsOf(graph: NormalGraph): readonly Attention[] {
  return graph.graph.node.flatMap((node) => {
    const core = isOp(node, 'Softmax') ? writtenOut(graph, node) : fused(graph, node);
    if (core === undefined) return [];
    const projections = core.sources.map((source) => projectionOf(graph, source));
    const found = projections.filter((one) => one !== undefined);
    if (found.length < core.sources.length) return [];
    const products = graph.graph.node.filter((one) => found.some(({ product }) => product === one));
    const shapes = [...core.shapes, ...new Set(found.flatMap(({ splits }) => splits))];
    return [{ products, shapes, read: () => layerOf(graph, core, found) }];
  });
}

/** The graph with shapes of their own for the nodes of attentions: that of a layer without some heads is another than that of the next. */
export function withOwnShapes(input: NormalGraph): NormalGraph {
  const shared = attentionsOf(input)
    .flatMap(({ shapes }) => shapes)
    .filter(({ constant }) => (input.users.get(constant)?.length ?? 0) > 1);
  if (shared.length === 0) return input;
  const names = new NameSource(input.model.proto);
  const added = new Map<NodeProto, TensorProto>();
  for (const { node, constant } of shared) {
    const tensor = input.constantOf(constant)?.tensor;
    if (tensor === undefined || added.has(node)) continue;
    added.set(node, copyMessage(tensor, { name: names.value(`${constant}_own`) }));
  }
  const node = input.graph.node.map((one) => {
    const own = added.get(one);
    return own === undefined ? one : copyMessage(one, { input: one.input.with(1, own.name) });
  });
  const graph = copyMessage(input.graph, { node, initializer: [...input.graph.initializer, ...added.values()] });
  // What was shared by attentions alone is read by nobody now.
  return input.with({ graph: pruneUnused(graph) });
}

function fused(graph: NormalGraph, node: NodeProto): Core | undefined {
  if (node.opType !== 'MultiHeadAttention' || node.domain !== MICROSOFT_DOMAIN) return undefined;
  const [query = '', key = '', value = '', ...others] = node.input;
  const [joined = '', ...states] = node.output;
  const isPlain = [...others, ...states].every((name) => name === '') && key !== '' && value !== '';
  const heads = intAttribute(node, 'num_heads', 0);
  if (!isPlain || heads < 1 || graph.isOutput(joined)) return undefined;
  return {
    heads,
    sources: [query, key, value],
    joined,
    shapes: [],
    sized: [{ node, attribute: 'num_heads' }],
  };
}

function writtenOut(graph: NormalGraph, softmax: NodeProto): Core | undefined {
  const rank = graph.ranks.get(softmax.input[0] ?? '') ?? 4;
  const axis = intAttribute(softmax, 'axis', -1);
  const scores = scoresBehind(graph, softmax.input[0] ?? '');
  const mixed = onlyUser(graph, softmax.output[0] ?? '', 'MatMul');
  if (rank !== 4 || (axis !== -1 && axis !== 3) || scores === undefined || mixed === undefined) return undefined;
  if (mixed.input[0] !== softmax.output[0]) return undefined;
  const parts = [
    apart(graph, scores.input[0] ?? '', '0,2,1,3'),
    apart(graph, scores.input[1] ?? '', '0,2,3,1'),
    apart(graph, mixed.input[1] ?? '', '0,2,1,3'),
  ];
  const turned = onlyUser(graph, mixed.output[0] ?? '', 'Transpose');
  const joint = turned && onlyUser(graph, turned.output[0] ?? '', 'Reshape');
  const found = parts.filter((one) => one !== undefined);
  const heads = found[0]?.heads ?? 0;
  if (found.length < 3 || found.some((one) => one.heads !== heads)) return undefined;
  if (turned === undefined || joint === undefined || permOf(turned) !== '0,2,1,3') return undefined;
  const shape = graph.constantOf(joint.input[1] ?? '')?.tensor;
  const sizes = shape === undefined ? [] : tensorIntegers(shape);
  if (sizes.length !== 3) return undefined;
  const wanted: readonly ShapePlace[] =
    sizes[2] === -1 ? [] : [{ constant: joint.input[1] ?? '', node: joint, axis: 2, isJoined: true }];
  return {
    heads,
    sources: found.map(({ source }) => source),
    joined: joint.output[0] ?? '',
    shapes: [...found.flatMap(({ shapes }) => shapes), ...wanted],
    sized: [],
  };
}

/** The product of queries and keys behind what a softmax reads: scaled, with a mask that is the same for all heads. */
function scoresBehind(graph: NormalGraph, value: string): NodeProto | undefined {
  const maker = graph.makers.get(value);
  if (maker === undefined || !isReadOnce(graph, value)) return undefined;
  if (isOp(maker, 'MatMul')) return maker;
  if (!isOp(maker, 'Add') && !isOp(maker, 'Mul') && !isOp(maker, 'Div')) return undefined;
  const [one = '', other = ''] = maker.input;
  if (isOneAlong(graph, other, 3)) return scoresBehind(graph, one);
  return !isOp(maker, 'Div') && isOneAlong(graph, one, 3) ? scoresBehind(graph, other) : undefined;
}

/** What a value [n, heads, …] is made from: a value [n, s, heads · size], its last axis taken apart and its axes put in order. */
function apart(
  graph: NormalGraph,
  value: string,
  wantedPerm: string,
): { readonly heads: number; readonly source: string; readonly shapes: readonly ShapePlace[] } | undefined {
  let perm = [0, 1, 2, 3];
  for (let name = value; ; ) {
    const maker = graph.makers.get(name);
    if (maker === undefined || !isReadOnce(graph, name)) return undefined;
    const [first = '', second = ''] = maker.input;
    if (isOp(maker, 'Transpose')) {
      const own = attributeOf(maker, 'perm')?.ints.map(Number) ?? [];
      if (own.length !== 4) return undefined;
      perm = perm.map((axis) => own[axis] ?? 0);
      name = first;
    } else if ((isOp(maker, 'Mul') || isOp(maker, 'Div')) && isScalar(graph, second)) {
      name = first;
    } else if (isOp(maker, 'Reshape')) {
      const shape = graph.constantOf(second)?.tensor;
      const sizes = shape === undefined ? [] : tensorIntegers(shape);
      const heads = sizes[2] ?? 0;
      if (sizes.length !== 4 || heads < 1 || perm.join() !== wantedPerm) return undefined;
      return { heads, source: first, shapes: [{ constant: second, node: maker, axis: 2, isJoined: false }] };
    } else return undefined;
  }
}

/** The product that makes queries, keys or values, alone or with others beside them. */
function projectionOf(graph: NormalGraph, source: string): Projection | undefined {
  let name = source;
  let maker = graph.makers.get(name);
  const splits: ShapePlace[] = [];
  if (maker !== undefined && isOp(maker, 'Split')) {
    const constant = maker.input[1] ?? '';
    const axis = intAttribute(maker, 'axis', 0);
    const isLast = axis === -1 || axis === (graph.ranks.get(maker.input[0] ?? '') ?? 3) - 1;
    if (!isLast || attributeOf(maker, 'split') !== undefined || !isReadOnce(graph, name)) return undefined;
    const node = maker;
    if (constant !== '') splits.push(...maker.output.map((_, at) => ({ constant, node, axis: at, isJoined: true })));
    name = maker.input[0] ?? '';
    maker = graph.makers.get(name);
  }
  let bias: string | undefined;
  for (;;) {
    if (maker === undefined || !isReadOnce(graph, name)) return undefined;
    const [first = '', second = ''] = maker.input;
    if (isOp(maker, 'MatMul')) {
      const tensor = graph.constantOf(second)?.tensor;
      return tensor?.dims.length === 2 ? { product: maker, weight: second, bias, splits } : undefined;
    }
    if ((isOp(maker, 'Mul') || isOp(maker, 'Div')) && isScalar(graph, second)) name = first;
    else if (isOp(maker, 'Add') && bias === undefined) {
      const isSecond = graph.constantOf(second) !== undefined;
      bias = isSecond ? second : first;
      name = isSecond ? first : second;
    } else return undefined;
    maker = graph.makers.get(name);
  }
}

function layerOf(graph: NormalGraph, core: Core, projections: readonly Projection[]): UnitLayer {
  const { heads, joined, sized } = core;
  const all = [...new Map(projections.map((one) => [one.product, one])).values()];
  const parts = projections.length / all.length;
  const width =
    (shapeOf(graph.constantOf(all[0]?.weight ?? '')?.tensor ?? fail('its weight is computed'))[1] ?? 0) / parts;
  const run = width / heads;
  const own = all.flatMap(({ weight, bias }): OwnPart[] => {
    const [, columns = 0] = shapeOf(graph.constantOf(weight)?.tensor ?? fail('its weight is computed'));
    const biasShape =
      bias === undefined ? undefined : shapeOf(graph.constantOf(bias)?.tensor ?? fail('its bias is computed'));
    const fits = columns === parts * width && Number.isInteger(run) && (biasShape?.at(-1) ?? columns) === columns;
    if (!fits) fail('queries, keys and values have not as many places');
    const of = { constant: weight, axis: 1, counts: true, run };
    return bias === undefined || biasShape === undefined
      ? [of]
      : [of, { constant: bias, axis: biasShape.length - 1, counts: false, run }];
  });
  const shapes = [...core.shapes, ...all.flatMap(({ splits }) => splits)].map(
    ({ constant, node, axis, isJoined }): UnitReader => {
      return { constant, node, axis, role: 'shape', isMerged: false, run: isJoined ? run : 1 };
    },
  );
  for (const { constant, node } of shapes) {
    const isStored = graph.graph.initializer.some(({ name }) => name === constant);
    if (!isStored || graph.users.get(constant)?.length !== 1)
      fail(`the shape of ${nodeTitle(node)} is read by others, too`);
  }
  const source = { directions: 1, units: heads, value: joined, rank: 3, fromEnd: 1, isFlat: true };
  const { readers, sized: more } = unitReaders(graph, source);
  return {
    what: 'heads',
    directions: 1,
    units: heads,
    own,
    readers: [...shapes, ...readers],
    sized: [...sized, ...more],
  };
}

function fail(why: string): never {
  throw new LeftInFloat('form', `its heads cannot be taken out: ${why}`);
}

function isReadOnce(graph: NormalGraph, value: string): boolean {
  return !graph.isOutput(value) && graph.users.get(value)?.length === 1;
}

/** The one node that reads a value, if it is of an operator. */
function onlyUser(graph: NormalGraph, value: string, opType: string): NodeProto | undefined {
  const [user] = isReadOnce(graph, value) ? (graph.users.get(value) ?? []) : [];
  return user !== undefined && isOp(user, opType) ? user : undefined;
}

function isScalar(graph: NormalGraph, value: string): boolean {
  return (graph.constantOf(value)?.tensor.dims ?? [0n]).every((size) => size === 1n);
}

function permOf(node: NodeProto): string {
  return (attributeOf(node, 'perm')?.ints ?? []).join();
}
