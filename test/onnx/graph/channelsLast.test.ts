import { describe, expect, it } from 'vitest';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { alignConvolutions } from '../../../src/onnx/graph/alignConvolutions.js';
import { readChannelsLast } from '../../../src/onnx/graph/channelsLast.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, largestDifference, pattern, runModel } from '../../compress/runModel.js';
import { smallModel, weightValues } from '../smallModels.js';

async function expectSame(before: OnnxModel, after: OnnxModel, feeds: Record<string, Fed>): Promise<void> {
  const [expected, actual] = [await runModel(before, feeds), await runModel(after, feeds)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    expect(largestDifference(data, actual[name]?.data ?? new Float32Array()), name).toBeLessThan(1e-4);
  }
}

const stepsOrder = (model: OnnxModel) =>
  mainGraph(model)
    .node.find(({ name }) => name === 'steps.first')
    ?.attribute[0]?.ints.map(Number);

interface Ending {
  /** Axes of the transpose after the convolution. */
  readonly perm?: readonly number[];
  readonly shape?: readonly bigint[];
  readonly outputs?: number;
  readonly extra?: 'second reader' | 'weight read twice' | 'steps are an output';
}

/** A convolution, steps, and a product with two columns. */
function ending({ perm = [3, 0, 1, 2], shape = [0n, 0n, -1n], outputs = 3, extra }: Ending): OnnxModel {
  const nodes = [
    makeNode('Conv', ['x', 'kernel'], ['c'], { name: 'conv' }),
    makeNode('Transpose', ['c'], ['t'], { attributes: { perm } }),
    makeNode('Reshape', ['t', 'shape'], ['s']),
    makeNode('MatMul', ['s', 'w'], ['y'], { name: 'product' }),
  ];
  if (extra === 'second reader') nodes.push(makeNode('Relu', ['s'], ['z']));
  if (extra === 'weight read twice') nodes.push(makeNode('Identity', ['w'], ['z']));
  return smallModel({
    nodes,
    inputs: { x: ['float32', ['n', 1, 4, 'w0']] },
    outputs: {
      y: ['float32', ['a', 'b', 2]],
      ...(extra === 'second reader' ? { z: ['float32', ['a', 'b', 12]] as const } : {}),
      ...(extra === 'weight read twice' ? { z: ['float32', [12, 2]] as const } : {}),
      ...(extra === 'steps are an output' ? { s: ['float32', ['a', 'b', 12]] as const } : {}),
    },
    weights: [
      makeTensor('kernel', 'float32', [outputs, 1, 1, 1], weightValues(outputs, 1)),
      makeTensor('shape', 'int64', [shape.length], BigInt64Array.from(shape)),
      makeTensor('w', 'float32', [outputs * 4, 2], weightValues(outputs * 8, 2)),
    ],
  });
}

describe('readChannelsLast', () => {
  it.each([
    ['lstm', 'deepspeech2', [3, 0, 2, 1], 'layer0.recurrent', 161],
    ['gru', 'deepspeech2', [3, 0, 2, 1], 'layer0.recurrent', 161],
    ['gru', 'residual', [3, 0, 2, 1], 'front.product', 128],
  ] as const)('reorders the first layer of a %s with the front %s', async (cell, front, perm, layer, bins) => {
    const model = buildDeepSpeech2({ cell, front, layers: 1, units: 8, channels: 4 });
    const { model: changed, reordered } = readChannelsLast(model);
    expect(reordered).toEqual([layer]);
    expect(stepsOrder(changed)).toEqual(perm);
    const lengths: Fed = { type: 'int64', shape: [2], data: BigInt64Array.of(21n, 14n) };
    await expectSame(model, changed, { features: pattern([2, 21, bins], 1), lengths });
  });

  it('works on what aligning left', async () => {
    const model = buildDeepSpeech2({ front: 'residual', cell: 'gru', layers: 1, units: 8, channels: 4 });
    const { model: changed, reordered } = readChannelsLast(alignConvolutions(model).model);
    expect(reordered).toEqual(['front.product']);
    expect(stepsOrder(changed)).toEqual([2, 0, 3, 1]);
    const lengths: Fed = { type: 'int64', shape: [2], data: BigInt64Array.of(21n, 14n) };
    await expectSame(model, changed, { features: pattern([2, 21, 128], 1), lengths });
  });

  it('keeps the answers of a product', async () => {
    const model = ending({});
    expect(readChannelsLast(model).reordered).toEqual(['product']);
    await expectSame(model, readChannelsLast(model).model, { x: pattern([2, 1, 4, 5], 1) });
  });

  it.each<[string, Ending]>([
    ['channels that are last already', { perm: [3, 0, 2, 1] }],
    ['axes joined in another way', { shape: [-1n, 12n] }],
    ['a single channel, which may be broadcast', { outputs: 1 }],
    ['steps that others read', { extra: 'second reader' }],
    ['a weight that others read', { extra: 'weight read twice' }],
    ['steps that are an output', { extra: 'steps are an output' }],
  ])('leaves %s', (_, parts) => {
    const model = ending(parts);
    expect(readChannelsLast(model)).toEqual({ model, reordered: [] });
  });

  it('gives the same bytes each time and leaves the original as it was', () => {
    const model = buildDeepSpeech2({ layers: 1, units: 4, channels: 2 });
    const before = modelToBytes(model);
    const bytes = () => modelToBytes(readChannelsLast(model).model);
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
    expect(Buffer.compare(modelToBytes(model), before)).toBe(0);
  });
});
