import { create } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { makeNode } from '../../src/onnx/graph/node.js';
import { modelNodes } from '../../src/onnx/graph/subgraphs.js';
import { makeValueInfo } from '../../src/onnx/graph/valueInfo.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import type { Dtype } from '../../src/onnx/tensor/dtype.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { xorshiftCubed } from './xorshift.js';

/** A value of a graph; a dimension by name is free. */
export function valueInfo(name: string, shape: readonly (number | string)[], dtype: Dtype = 'float32'): ValueInfoProto {
  return makeValueInfo(name, dtype, shape);
}

/** A float32 constant of numbers in −scale…scale, most near zero. */
export function weight(name: string, shape: readonly number[], seed: number, scale = 1): TensorProto {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return makeTensor(
    name,
    'float32',
    shape,
    xorshiftCubed(seed, count).map((value) => value * scale),
  );
}

/** A model made of nodes and constants. */
export function smallModel(
  node: NodeProto[],
  initializer: TensorProto[],
  input: ValueInfoProto[],
  output: ValueInfoProto[],
  opset = 17,
): OnnxModel {
  const graph = create(GraphProtoSchema, { name: 'small', node, initializer, input, output });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })];
  return { proto: create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport }), path: '<small>' };
}

/** How often each operator stands in a model, nested graphs counted too. */
export function operatorCounts(model: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of modelNodes(model.proto)) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

/** Conv, BatchNormalization, clipped ReLU, Conv, ReLU, then a Gemm over what is left: x [n, 2, 12, 9] → y [n, 5]. */
export function convolutionModel(seed: number): OnnxModel {
  const ones = (name: string, count: number, seedOf: number): TensorProto =>
    makeTensor(
      name,
      'float32',
      [count],
      xorshiftCubed(seedOf, count).map((value) => 1 + value / 2),
    );
  return smallModel(
    [
      makeNode('Conv', ['x', 'w1'], ['c1'], { name: 'conv1', attributes: { pads: [1, 1, 1, 1] } }),
      makeNode('BatchNormalization', ['c1', 'gamma', 'beta', 'mean', 'variance'], ['n1'], { name: 'norm1' }),
      makeNode('Clip', ['n1', 'zero', 'six'], ['a1'], { name: 'clip1' }),
      makeNode('Conv', ['a1', 'w2', 'b2'], ['c2'], { name: 'conv2', attributes: { strides: [2, 2] } }),
      makeNode('Relu', ['c2'], ['a2'], { name: 'relu2' }),
      makeNode('Flatten', ['a2'], ['f'], { name: 'flatten' }),
      makeNode('Gemm', ['f', 'w3', 'b3'], ['y'], { name: 'gemm', attributes: { transB: 1 } }),
    ],
    [
      weight('w1', [6, 2, 3, 3], seed),
      ones('gamma', 6, seed + 1),
      weight('beta', [6], seed + 2),
      weight('mean', [6], seed + 3),
      ones('variance', 6, seed + 4),
      makeTensor('zero', 'float32', [], Float32Array.of(0)),
      makeTensor('six', 'float32', [], Float32Array.of(6)),
      weight('w2', [8, 6, 3, 3], seed + 5, 0.5),
      weight('b2', [8], seed + 6),
      weight('w3', [5, 8 * 5 * 4], seed + 7, 0.3),
      weight('b3', [5], seed + 8),
    ],
    [valueInfo('x', ['n', 2, 12, 9])],
    [valueInfo('y', ['n', 5])],
  );
}

/** A bidirectional LSTM over x [t, n, 12] with 10 units a direction, and a MatMul to 7 classes. */
export function recurrentModel(seed: number): OnnxModel {
  return smallModel(
    [
      makeNode('LSTM', ['x', 'w', 'r', 'b'], ['h'], {
        name: 'lstm',
        attributes: { hidden_size: 10, direction: 'bidirectional' },
      }),
      makeNode('Transpose', ['h'], ['ht'], { name: 'turn', attributes: { perm: [0, 2, 1, 3] } }),
      makeNode('Reshape', ['ht', 'shape'], ['flat'], { name: 'join' }),
      makeNode('MatMul', ['flat', 'm'], ['y'], { name: 'classes' }),
    ],
    [
      weight('w', [2, 40, 12], seed),
      weight('r', [2, 40, 10], seed + 1),
      weight('b', [2, 80], seed + 2),
      makeTensor('shape', 'int64', [3], BigInt64Array.of(0n, 0n, 20n)),
      weight('m', [20, 7], seed + 3),
    ],
    [valueInfo('x', ['t', 'n', 12])],
    [valueInfo('y', ['t', 'n', 7])],
  );
}
