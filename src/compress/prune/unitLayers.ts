import type { NodeProto } from 'onnx-buf';
import { intAttribute } from '../../onnx/graph/node.js';
import { shapeOf } from '../../onnx/tensor/tensor.js';
import type { Watched } from '../calibrators/moments.js';
import { requireForm } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { constantFloats } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import { type UnitReaders, unitReaders } from './unitReaders.js';

/** Operators whose units can be taken out: of a convolution its channels, of a product its columns. */
export const UNIT_OP_TYPES = ['LSTM', 'GRU', 'RNN', 'Conv', 'MatMul', 'Gemm'] as const;

/** An operator whose units can be taken out. */
export type UnitOpType = (typeof UNIT_OP_TYPES)[number];

/** A constant of a layer that has places for its units along an axis, one block of units behind the other. */
export interface OwnPart {
  readonly constant: string;
  readonly axis: number;
  /** Places of a unit in each block. Default 1. */
  readonly run?: number;
  /** Whether it tells how strong a unit is: weights do, biases do not. */
  readonly counts: boolean;
  /** What it multiplies, where that is what the units say: their outputs of all directions beside each other. */
  readonly read?: Watched;
}

/** A layer whose units can be taken out. */
export interface UnitLayer extends UnitReaders {
  /** What its units are called. */
  readonly what: 'units' | 'heads';
  readonly directions: number;
  readonly units: number;
  readonly own: readonly OwnPart[];
}

/**
 * Reads a layer, and all that reads it.
 *
 * @param attention - whose heads are the units of the node
 * @throws {LeftInFloat} when its units cannot be taken out
 */
export function readUnitLayer(
  graph: NormalGraph,
  node: NodeProto,
  opType: UnitOpType,
  scope: Scope,
  attention?: { read(): UnitLayer },
): UnitLayer {
  const layer =
    attention?.read() ??
    (isRecurrent(opType) ? recurrentLayer(graph, node, scope) : productLayer(graph, node, opType, scope));
  const { directions, units, own, readers } = layer;
  requireForm(directions > 0 && units > 1, 'it has one unit');
  for (const name of new Set(own.map(({ constant }) => constant))) {
    constantFloats(scope, name);
    const isStored = graph.graph.initializer.some((tensor) => tensor.name === name);
    requireForm(isStored && graph.users.get(name)?.length === 1, `its ${name} is computed, or read by others, too`);
  }
  requireForm(
    readers.some(({ role }) => role === 'product'),
    'no product reads its units',
  );
  return layer;
}

function isRecurrent(opType: UnitOpType): boolean {
  return opType === 'LSTM' || opType === 'GRU' || opType === 'RNN';
}

function recurrentLayer(graph: NormalGraph, node: NodeProto, scope: Scope): UnitLayer {
  const [w = '', r = '', b = '', , , , p = ''] = node.input.slice(1);
  const [directions = 0, rows = 0] = shapeOf(constantFloats(scope, w).tensor);
  const units = intAttribute(node, 'hidden_size', 0);
  const [y = '', ...states] = node.output;
  requireForm(Number.isInteger(rows / units), 'its weights do not fit its units');
  requireForm((node.input[5] ?? '') === '' && (node.input[6] ?? '') === '', 'it begins with a state');
  const isRead = (name: string): boolean => graph.isOutput(name) || graph.users.has(name);
  requireForm(!states.some((name) => name !== '' && isRead(name)), 'its last state is read');
  const directionAxis = intAttribute(node, 'layout', 0) === 0 ? 1 : 2;
  // Directions are beside the units already where the batch comes first.
  const perm = directionAxis === 1 ? [0, 2, 1, 3] : undefined;
  const read = { value: y, size: directions * units, perm };
  const own: readonly OwnPart[] = [
    { constant: w, axis: 1, counts: true },
    { constant: r, axis: 1, counts: true },
    // A unit's own column of the recurrent weights.
    { constant: r, axis: 2, counts: true, read },
    { constant: b, axis: 1, counts: false },
    { constant: p, axis: 1, counts: false },
  ];
  const source = { directions, units, value: y, rank: 4, fromEnd: 1, directionAxis };
  return {
    what: 'units',
    directions,
    units,
    own: own.filter(({ constant }) => constant !== ''),
    ...unitReaders(graph, source),
  };
}

function productLayer(graph: NormalGraph, node: NodeProto, opType: UnitOpType, scope: Scope): UnitLayer {
  const [, weight = '', bias = ''] = node.input;
  const shape = shapeOf(constantFloats(scope, weight).tensor);
  const isConvolution = opType === 'Conv';
  requireForm(isConvolution || shape.length === 2, `its weight has shape [${shape.join(', ')}], not two dimensions`);
  requireForm(!isConvolution || intAttribute(node, 'group', 1) === 1, 'its channels are in groups');
  const axis = isConvolution ? 0 : opType === 'Gemm' && intAttribute(node, 'transB', 0) !== 0 ? 0 : 1;
  const units = shape[axis] ?? 0;
  const own: OwnPart[] = [{ constant: weight, axis, counts: true }];
  if (bias !== '') {
    const biasShape = shapeOf(constantFloats(scope, bias).tensor);
    const last = biasShape.length - 1;
    if ((biasShape[last] ?? 1) > 1) own.push({ constant: bias, axis: last, counts: false });
  }
  const rank = isConvolution ? shape.length : opType === 'Gemm' ? 2 : graph.ranks.get(node.input[0] ?? '');
  const source = {
    directions: 1,
    units,
    value: node.output[0] ?? '',
    rank,
    fromEnd: isConvolution ? shape.length - 1 : 1,
  };
  return { what: 'units', directions: 1, units, own, ...unitReaders(graph, source) };
}
