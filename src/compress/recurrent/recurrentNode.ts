import type { NodeProto } from 'onnx-buf';
import { floatAttribute, intAttribute, stringAttribute } from '../../onnx/graph/node.js';
import { shapeOf, tensorDtype, tensorFloats } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { constantFloats } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { type Activation, activationsOf } from './recurrentActivations.js';
import type { RecurrentOpType } from './recurrentOptions.js';

/** A recurrent node, read and checked. */
export interface RecurrentNode {
  readonly node: NodeProto;
  readonly opType: RecurrentOpType;
  /** Rows of the weights for each unit. */
  readonly gates: number;
  readonly units: number;
  /** Width of the input. */
  readonly inputs: number;
  readonly w: Constant;
  readonly r: Constant;
  /** [directions, 2 · gates · units], or `null` where there is none. */
  readonly bias: Float32Array | null;
  /** LSTM's peepholes, [directions, 3 · units] in the order input, output, forget; or `null`. */
  readonly peepholes: Float32Array | null;
  /** Whether each direction runs from the end. */
  readonly reversed: readonly boolean[];
  readonly activations: readonly (readonly Activation[])[];
  /** Bound of what the activations read; 0 for none. */
  readonly clip: number;
  readonly linearBeforeReset: boolean;
  readonly inputForget: boolean;
  readonly batchFirst: boolean;
  /** Names of the lengths and the initial states; empty where there are none. */
  readonly lengths: string;
  readonly initialState: string;
  readonly initialCell: string;
}

const GATES: Readonly<Record<RecurrentOpType, number>> = { GRU: 3, RNN: 1, LSTM: 4 };

const DEFAULT_ACTIVATIONS: Readonly<Record<RecurrentOpType, readonly string[]>> = {
  GRU: ['Sigmoid', 'Tanh'],
  RNN: ['Tanh'],
  LSTM: ['Sigmoid', 'Tanh', 'Tanh'],
};

/**
 * Reads a recurrent node.
 *
 * @throws {LeftInFloat} when a weight is not constant or not float32, or something does not fit
 */
export function readRecurrent(node: NodeProto, opType: RecurrentOpType, scope: Scope): RecurrentNode {
  const w = constantFloats(scope, node.input[1]);
  const r = constantFloats(scope, node.input[2]);
  const gates = GATES[opType];
  const [directions = 0, rows = 0, inputs = 0] = shapeOf(w.tensor);
  const units = intAttribute(node, 'hidden_size', rows / gates);
  const direction = stringAttribute(node, 'direction', 'forward');
  const wanted = direction === 'bidirectional' ? 2 : 1;
  if (!['forward', 'reverse', 'bidirectional'].includes(direction)) {
    throw new LeftInFloat('form', `its direction ${direction} is unknown`);
  }
  if (
    directions !== wanted ||
    rows !== gates * units ||
    shapeOf(r.tensor).join() !== `${directions},${rows},${units}`
  ) {
    throw new LeftInFloat(
      'form',
      `weights for ${wanted} × ${units} units were required, got [${shapeOf(w.tensor)}] and [${shapeOf(r.tensor)}]`,
    );
  }
  for (const { name, tensor } of [w, r]) {
    if (!tensorFloats(tensor).every(Number.isFinite))
      throw new LeftInFloat('values', `its weight ${name} is not finite`);
  }
  const lstm = opType === 'LSTM';
  return {
    node,
    opType,
    gates,
    units,
    inputs,
    w,
    r,
    bias: optionalFloats(scope, node.input[3], directions * 2 * rows, 'bias'),
    peepholes: lstm ? optionalFloats(scope, node.input[7], directions * 3 * units, 'peepholes') : null,
    reversed: direction === 'bidirectional' ? [false, true] : [direction === 'reverse'],
    activations: activationsOf(node, DEFAULT_ACTIVATIONS[opType], directions),
    clip: floatAttribute(node, 'clip', 0),
    linearBeforeReset: intAttribute(node, 'linear_before_reset', 0) !== 0,
    inputForget: intAttribute(node, 'input_forget', 0) !== 0,
    batchFirst: intAttribute(node, 'layout', 0) === 1,
    lengths: node.input[4] ?? '',
    initialState: node.input[5] ?? '',
    initialCell: lstm ? (node.input[6] ?? '') : '',
  };
}

function optionalFloats(scope: Scope, name: string | undefined, count: number, what: string): Float32Array | null {
  if (name === undefined || name === '') return null;
  const constant = scope.constantOf(name);
  if (constant === undefined)
    throw new LeftInFloat('not-constant', `its ${what} is computed at run time, not constant`);
  if (tensorDtype(constant.tensor) !== 'float32') throw new LeftInFloat('type', `its ${what} is not float32`);
  const values = tensorFloats(constant.tensor);
  if (values.length !== count) throw new LeftInFloat('form', `its ${what} of ${values.length} numbers does not fit`);
  return values;
}
