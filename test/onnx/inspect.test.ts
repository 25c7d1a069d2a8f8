import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import {
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  SparseTensorProtoSchema,
} from 'onnx-buf';
import { expect, it } from 'vitest';
import { makeNode } from '../../src/onnx/graph/node.js';
import { makeValueInfo } from '../../src/onnx/graph/valueInfo.js';
import { inspectModel, summarizeModel } from '../../src/onnx/inspect.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { smallModel } from './smallModels.js';

const fixtures = fileURLToPath(new URL('../fixtures/compress/', import.meta.url));

// Expected by onnx 1.23.0 and numpy 2.4.6: sha256 of numpy_helper.to_array(w).tobytes().
it('lists operators of nested graphs, values and hashed weights', async () => {
  const summary = await inspectModel(`${fixtures}branches.onnx`, { hash: true });
  expect(summary).toEqual({
    sizeBytes: 1623,
    opset: 17,
    operators: { If: 1, MatMul: 3 },
    inputs: [
      { name: 'x', dtype: 'float32', shape: ['n', 10] },
      { name: 'flag', dtype: 'bool', shape: [] },
    ],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['n', 8] }],
    initializers: [
      {
        name: 'w',
        dtype: 'float32',
        shape: [10, 12],
        sizeBytes: 480,
        sha256: '53ae9e82b5de24fb7714056e8fa67f1619de251d3931996b4ffa2589d0551780',
      },
      {
        name: 'outer',
        dtype: 'float32',
        shape: [12, 8],
        sizeBytes: 384,
        sha256: '241f57acf9ea6e1f1df18e58671c59e7cad5b8b377bd7912dc7470c875848de6',
      },
      {
        name: 'inner',
        dtype: 'float32',
        shape: [12, 8],
        sizeBytes: 384,
        sha256: '6fb5bf1c74c740e87a4e8229b0074c569bd7e078d3ca0522293641212f6c7a7d',
      },
    ],
  });
});

it('lists the weights of nested graphs, Constant nodes, functions and sparse ones', () => {
  const constant = (name: string, size: number): NodeProto =>
    makeNode('Constant', [], [name], {
      attributes: { value: { tensor: makeTensor('', 'float32', [size], new Float32Array(size)) } },
    });
  const branch = (name: string, size: number): GraphProto =>
    create(GraphProtoSchema, {
      node: [constant(name, 2), makeNode('Add', [name, 'w'], [`${name}_y`])],
      initializer: [makeTensor('w', 'float32', [size], new Float32Array(size))],
      output: [makeValueInfo(`${name}_y`, 'float32', ['n'])],
    });
  const model = smallModel({
    nodes: [
      constant('main', 3),
      makeNode('If', ['flag'], ['y'], {
        attributes: { then_branch: { graph: branch('t', 4) }, else_branch: { graph: branch('e', 5) } },
      }),
    ],
    inputs: { flag: ['bool', []] },
    outputs: { y: ['float32', ['n']] },
  });
  model.proto.functions = [create(FunctionProtoSchema, { name: 'F', node: [constant('inside', 6)] })];
  model.proto.graph?.sparseInitializer.push(
    create(SparseTensorProtoSchema, {
      values: makeTensor('sparse', 'float32', [2], new Float32Array(2)),
      indices: makeTensor('', 'int64', [2], new BigInt64Array(2)),
      dims: [10n, 10n],
    }),
  );
  const { initializers } = summarizeModel(model, 0, false);
  expect(initializers.map(({ name, shape, sizeBytes }) => [name, shape, sizeBytes])).toEqual([
    ['sparse', [10, 10], 24],
    ['main', [3], 12],
    ['w', [5], 20],
    ['e', [2], 8],
    ['w', [4], 16],
    ['t', [2], 8],
    ['inside', [6], 24],
  ]);
});

it('computes no hash unless asked to', async () => {
  const { initializers } = await inspectModel(`${fixtures}branches.onnx`);
  expect(initializers.map((one) => one.sha256)).toEqual([null, null, null]);
});
