import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ValueRange } from '../../../src/compress/calibrators/range.js';
import { NormalGraph } from '../../../src/compress/rewrite/normalGraph.js';
import type { Changed } from '../../../src/compress/rewrite/rewrite.js';
import { gatherTaps } from '../../../src/compress/static/gatherTaps.js';
import { quantizeStatic } from '../../../src/compress/static/static.js';
import { planCalibration } from '../../../src/compress/static/staticPlan.js';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { type AttributeValue, makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, shapeOf, storedSizeBytes } from '../../../src/onnx/tensor/tensor.js';
import { smallModel, weightValues } from '../../onnx/smallModels.js';
import { type Fed, pattern, runModel } from '../runModel.js';

/** Static quantization of the convolutions, with one range for all: what it is does not matter here. */
function quantized(model: OnnxModel, perChannel = true): Changed {
  const options = { opTypesToQuantize: ['Conv'] as const, perChannel };
  const range: ValueRange = { lowest: -1.5, highest: 2 };
  const ranges = new Map(planCalibration(model, options).tensors.map((name) => [name, range]));
  const { model: made, report } = quantizeStatic(model, ranges, options);
  return { graph: NormalGraph.enter(made), report };
}

function convolution(
  kernel: readonly [number, number, number],
  attributes: Readonly<Record<string, AttributeValue>>,
  group = 1,
): OnnxModel {
  const [outputs, height, width] = kernel;
  return smallModel({
    nodes: [
      makeNode('Conv', ['x', 'w', 'b'], ['y'], {
        name: 'conv',
        attributes: { ...attributes, kernel_shape: [height, width], group },
      }),
    ],
    inputs: { x: ['float32', ['n', group, 'h', 'w0']] },
    outputs: { y: ['float32', ['n', outputs, 'p', 'q']] },
    weights: [
      makeTensor('w', 'float32', [outputs, 1, height, width], weightValues(outputs * height * width, 1)),
      makeTensor('b', 'float32', [outputs], weightValues(outputs, 2)),
    ],
  });
}

const kernelOf = (model: OnnxModel) => {
  const { node, initializer } = mainGraph(model);
  const conv = node.find(({ opType }) => opType === 'Conv');
  const dequantize = node.find(({ output }) => output[0] === conv?.input[1]);
  const weight = initializer.find(({ name }) => name === dequantize?.input[0]);
  return weight === undefined ? [] : shapeOf(weight);
};

async function expectEqual(before: OnnxModel, after: OnnxModel, feeds: Record<string, Fed>): Promise<void> {
  const [expected, actual] = [await runModel(before, feeds), await runModel(after, feeds)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    expect(Array.from(actual[name]?.data ?? []), name).toEqual(Array.from(data));
  }
}

describe('gatherTaps', () => {
  it('lets the first convolution over a spectrogram read its taps as channels: the same answers, to the bit', async () => {
    const before = quantized(buildDeepSpeech2({ cell: 'gru', layers: 1, units: 8, channels: 4 }));
    const after = gatherTaps(before);
    expect(kernelOf(before.graph.model)).toEqual([4, 1, 41, 11]);
    expect(kernelOf(after.graph.model)).toEqual([4, 12, 41, 1]);
    const lengths: Fed = { type: 'int64', shape: [2], data: BigInt64Array.of(31n, 14n) };
    await expectEqual(before.graph.model, after.graph.model, { features: pattern([2, 31, 161], 1), lengths });
  });

  it('counts the added zeros in its report', () => {
    const before = quantized(buildDeepSpeech2({ layers: 1, units: 8, channels: 4 }));
    const after = gatherTaps(before);
    expect(after.report.notes.at(-1)).toBe('conv0.conv reads its 11 taps of axis 3 as 12 channels');
    const size = ({ report }: Changed) => report.compressed.find(({ name }) => name === 'conv0.weight')?.sizeBytesAfter;
    expect(size(after)).toBe((size(before) ?? 0) + 4 * 41);
    const stored = (model: OnnxModel) =>
      mainGraph(model)
        .initializer.filter(({ dims }) => dims.length === 4)
        .reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0);
    const grown = stored(after.graph.model) - stored(before.graph.model);
    expect(after.report.weightBytesAfter - before.report.weightBytesAfter).toBe(grown);
  });

  it('does so for any kernel, stride, padding and dilation', async () => {
    const size = fc.integer({ min: 1, max: 6 });
    const few = fc.integer({ min: 0, max: 3 });
    const step = fc.integer({ min: 1, max: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size, size, size),
        fc.tuple(step, step),
        fc.tuple(step, step),
        fc.tuple(few, few, few, few),
        fc.boolean(),
        async (kernel, strides, dilations, pads, perChannel) => {
          const before = quantized(convolution(kernel, { strides, dilations, pads }), perChannel);
          const after = gatherTaps(before);
          const [, height, width] = kernel;
          const can = (height > 1 && dilations[0] === 1) || (width > 1 && dilations[1] === 1);
          expect(after === before).toBe(!can);
          await expectEqual(before.graph.model, after.graph.model, { x: pattern([2, 1, 17, 18], 1) });
        },
      ),
      { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40), seed: 20_261_121 },
    );
  });

  it.each<[string, OnnxModel]>([
    ['one tap', convolution([3, 1, 1], {})],
    ['dilated taps', convolution([3, 2, 2], { dilations: [2, 2] })],
    ['a group for each channel', convolution([3, 2, 2], {}, 3)],
    ['paddings that depend on the size', convolution([3, 3, 3], { auto_pad: 'SAME_UPPER' })],
    ['too many taps', convolution([3, 65, 70], {})],
  ])('leaves a convolution with %s', (_, model) => {
    const before = quantized(model);
    expect(before.report.replacedNodes).toEqual({ Conv: 1 });
    expect(gatherTaps(before)).toBe(before);
  });

  it('leaves a convolution in float', () => {
    const float = NormalGraph.enter(convolution([3, 2, 2], {}));
    const before: Changed = { ...quantized(convolution([3, 2, 2], {})), graph: float };
    expect(gatherTaps(before)).toBe(before);
  });

  it('gives the same bytes each time', () => {
    const bytes = () => modelToBytes(gatherTaps(quantized(convolution([3, 3, 2], {}))).graph.model);
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });
});
