import { describe, expect, it } from 'vitest';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { alignConvolutions } from '../../../src/onnx/graph/alignConvolutions.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, largestDifference, pattern, runModel } from '../../compress/runModel.js';
import { smallModel, weightValues } from '../smallModels.js';

const transposes = (model: OnnxModel) => mainGraph(model).node.filter(({ opType }) => opType === 'Transpose').length;

async function expectSame(before: OnnxModel, after: OnnxModel, feeds: Record<string, Fed>): Promise<void> {
  const [expected, actual] = [await runModel(before, feeds), await runModel(after, feeds)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    expect(largestDifference(data, actual[name]?.data ?? new Float32Array()), name).toBeLessThan(1e-4);
  }
}

describe('alignConvolutions', () => {
  it('takes the transposes out of a residual front and keeps its answers', async () => {
    const model = buildDeepSpeech2({ front: 'residual', cell: 'gru', layers: 1, units: 8, channels: 4 });
    const { model: aligned, swapped, transposesSaved } = alignConvolutions(model);
    // Of the twelve transposes around the norms none is left; one turns the features, and one the mask.
    const blocks = [0, 1, 2].flatMap((block) => [0, 1].map((half) => `block${block}.${half}.conv`));
    expect(swapped).toEqual(['conv0.conv', ...blocks]);
    // The mask reads the number of steps from a shape, whose dimensions are put in order.
    expect(new Set(mainGraph(aligned).initializer.map(({ name }) => name))).toEqual(
      new Set([...mainGraph(model).initializer.map(({ name }) => name), 'swapped_order']),
    );
    expect(transposesSaved).toBe(10);
    expect(transposes(aligned)).toBe(transposes(model) - 10);
    const lengths: Fed = { type: 'int64', shape: [2], data: BigInt64Array.of(21n, 14n) };
    await expectSame(model, aligned, { features: pattern([2, 21, 128], 1), lengths });
  });

  it('swaps kernels, strides, dilations and paddings of unequal axes', async () => {
    const swap = { attributes: { perm: [0, 1, 3, 2] } };
    const model = smallModel({
      nodes: [
        makeNode('Transpose', ['x'], ['a'], swap),
        makeNode('Conv', ['a', 'w', 'b'], ['c'], {
          name: 'conv',
          attributes: { kernel_shape: [3, 2], strides: [2, 1], dilations: [1, 3], pads: [1, 0, 2, 3] },
        }),
        makeNode('Relu', ['c'], ['d']),
        makeNode('Mul', ['d', 'scale'], ['e']),
        makeNode('Transpose', ['e'], ['y'], swap),
        makeNode('Transpose', ['e'], ['z'], { attributes: { perm: [3, 0, 1, 2] } }),
      ],
      inputs: { x: ['float32', ['n', 2, 'h', 'w0']] },
      outputs: {
        y: ['float32', ['n', 3, 'p', 'q']],
        z: ['float32', ['q2', 'n', 3, 'p2']],
        d: ['float32', ['n', 3, 'i', 'j']],
      },
      weights: [
        makeTensor('w', 'float32', [3, 2, 3, 2], weightValues(36, 1)),
        makeTensor('b', 'float32', [3], weightValues(3, 2)),
        makeTensor('scale', 'float32', [1, 3, 1, 1], weightValues(3, 3)),
      ],
    });
    const { model: aligned, swapped } = alignConvolutions(model);
    expect(swapped).toEqual(['conv']);
    await expectSame(model, aligned, { x: pattern([2, 2, 7, 9], 1) });
  });

  it.each([
    ['no transposes', buildDeepSpeech2({ layers: 1, units: 4, channels: 2 })],
    [
      'a transpose that nothing cancels',
      smallModel({
        nodes: [
          makeNode('Transpose', ['x'], ['a'], { attributes: { perm: [0, 1, 3, 2] } }),
          makeNode('Conv', ['a', 'w'], ['y'], {}),
        ],
        inputs: { x: ['float32', [1, 1, 4, 5]] },
        outputs: { y: ['float32', [1, 1, 5, 4]] },
        weights: [makeTensor('w', 'float32', [1, 1, 1, 1], Float32Array.of(2))],
      }),
    ],
  ])('leaves a model with %s as it is', (_, model) => {
    expect(alignConvolutions(model)).toEqual({ model, swapped: [], transposesSaved: 0 });
  });

  it('gives the same bytes each time', () => {
    const build = () => buildDeepSpeech2({ front: 'residual', layers: 1, units: 4, channels: 2 });
    const bytes = () => modelToBytes(alignConvolutions(build()).model);
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });
});
