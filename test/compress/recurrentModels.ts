import { type AttributeValue, makeNode } from '../../src/onnx/graph/node.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { smallModel, weightValues } from '../onnx/smallModels.js';
import { type Fed, pattern } from './runModel.js';

/** What a recurrent node of a test is like. */
export interface RecurrentCase {
  readonly opType: 'GRU' | 'RNN' | 'LSTM';
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly units?: number;
  readonly inputs?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly bias?: boolean;
  readonly lengths?: boolean;
  readonly initial?: boolean;
  readonly peepholes?: boolean;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly opset?: number;
  readonly scale?: number;
}

const GATES = { GRU: 3, RNN: 1, LSTM: 4 } as const;

/** A model of one recurrent node, and inputs for it. */
export function recurrentCase(one: RecurrentCase): { model: OnnxModel; feeds: Record<string, Fed> } {
  const { opType, units = 5, inputs = 4, steps = 6, batch = 3, direction = 'forward', scale = 0.8 } = one;
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = GATES[opType] * units;
  const lstm = opType === 'LSTM';
  const weights = [
    makeTensor('W', 'float32', [directions, rows, inputs], weightValues(directions * rows * inputs, 1, scale)),
    makeTensor('R', 'float32', [directions, rows, units], weightValues(directions * rows * units, 2, scale)),
  ];
  const batchFirst = one.attributes?.['layout'] === 1;
  const named = ['x', 'W', 'R', '', '', '', '', ''];
  const feeds: Record<string, Fed> = { x: pattern(batchFirst ? [batch, steps, inputs] : [steps, batch, inputs], 1) };
  if (one.bias !== false) {
    weights.push(makeTensor('B', 'float32', [directions, 2 * rows], weightValues(directions * 2 * rows, 3)));
    named[3] = 'B';
  }
  if (one.lengths) {
    named[4] = 'lengths';
    const data = Int32Array.from({ length: batch }, (_, row) => Math.max(1, steps - 2 * row));
    feeds['lengths'] = { type: 'int32', shape: [batch], data };
  }
  const stateShape = batchFirst ? [batch, directions, units] : [directions, batch, units];
  if (one.initial) {
    named[5] = 'h0';
    feeds['h0'] = pattern(stateShape, 2);
    if (lstm) {
      named[6] = 'c0';
      feeds['c0'] = pattern(stateShape, 3);
    }
  }
  if (one.peepholes) {
    weights.push(makeTensor('P', 'float32', [directions, 3 * units], weightValues(directions * 3 * units, 4)));
    named[7] = 'P';
  }
  while (named.at(-1) === '') named.pop();
  const outputs = ['y', 'last', ...(lstm ? ['cell'] : [])];
  const model = smallModel({
    nodes: [
      makeNode(opType, named, outputs, {
        name: 'layer',
        attributes: { hidden_size: units, direction, ...one.attributes },
      }),
    ],
    inputs: Object.fromEntries(
      Object.entries(feeds).map(([name, fed]) => [
        name,
        [fed.type === 'int32' ? 'int32' : 'float32', fed.shape.map((_, axis) => `${name}${axis}`)],
      ]),
    ),
    outputs: Object.fromEntries(
      outputs.map((name) => [name, ['float32', Array.from({ length: name === 'y' ? 4 : 3 }, (_, i) => `${name}${i}`)]]),
    ),
    weights,
    ...(one.opset === undefined ? {} : { opset: one.opset }),
  });
  return { model, feeds };
}
