import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { inspectModel } from '../../src/onnx/inspect.js';

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
    ],
  });
});

it('computes no hash unless asked to', async () => {
  const { initializers } = await inspectModel(`${fixtures}branches.onnx`);
  expect(initializers.map((one) => one.sha256)).toEqual([null, null]);
});
