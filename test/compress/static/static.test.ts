import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CalibrationOptions } from '../../../src/compress/calibrators/observer.js';
import { layersOf } from '../../../src/compress/choose/layers.js';
import type { Compressed } from '../../../src/compress/pass.js';
import { NormalGraph } from '../../../src/compress/rewrite/normalGraph.js';
import { calibrateRanges } from '../../../src/compress/static/calibrate.js';
import { foldBatchNorm } from '../../../src/compress/static/foldBatchNorm.js';
import { quantizeStatic } from '../../../src/compress/static/static.js';
import type { QuantizeStaticOptions } from '../../../src/compress/static/staticOptions.js';
import { planCalibration } from '../../../src/compress/static/staticPlan.js';
import { InputError } from '../../../src/errors.js';
import { readModel } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { DTYPE_CODE } from '../../../src/onnx/tensor/dtype.js';
import { encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';
import { makeTensor, tensorDtype, tensorFloats, tensorIntegers } from '../../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { type Fed, largestDifference, pattern, runModel, signalToErrorDb } from '../runModel.js';
import { convolutionModel, operatorCounts, smallModel, valueInfo, weight } from '../smallModels.js';

/** Calibrates on the feeds given, then quantizes. */
async function calibrated(
  model: OnnxModel,
  feeds: readonly Record<string, Fed>[],
  options: QuantizeStaticOptions = {},
  calibration: CalibrationOptions = {},
): Promise<Compressed> {
  const plan = planCalibration(model, options);
  async function* samples(): AsyncGenerator<Record<string, Float32Array>> {
    for (const feed of feeds) {
      const outputs = await runModel(plan.model, feed);
      yield Object.fromEntries([
        ...Object.entries(feed).map(([name, { data }]) => [name, data as Float32Array] as const),
        ...Object.entries(outputs).map(([name, { data }]) => [name, data] as const),
      ]);
    }
  }
  return quantizeStatic(model, await calibrateRanges(plan.tensors, samples(), calibration), options);
}

const feeds = [1, 2, 3].map((seed) => ({ x: pattern([3, 2, 12, 9], seed) }));

async function decibels(
  model: OnnxModel,
  smaller: OnnxModel,
  feed: Record<string, Fed>,
  output = 'y',
): Promise<number> {
  const [before, after] = [await runModel(model, feed), await runModel(smaller, feed)];
  expect(after[output]?.shape).toEqual(before[output]?.shape);
  return signalToErrorDb(before[output]?.data ?? new Float32Array(), after[output]?.data ?? new Float32Array());
}

describe('batch normalisation', () => {
  it('becomes part of the convolution before it: the same answers within 1e-5', async () => {
    const model = convolutionModel(3);
    const { graph, folded: names } = foldBatchNorm(NormalGraph.enter(model));
    const folded = graph.model;
    expect(names).toEqual(['norm1']);
    expect(operatorCounts(folded)).toEqual({ Conv: 2, Clip: 1, Relu: 1, Flatten: 1, Gemm: 1 });
    const [before, after] = [await runModel(model, feeds[0] ?? {}), await runModel(folded, feeds[0] ?? {})];
    expect(
      largestDifference(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array()),
    ).toBeLessThan(1e-5);
  });

  it('stays where something else reads the convolution, or its numbers come from outside', () => {
    const model = convolutionModel(3);
    const graph = mainGraph(model);
    graph.output.push(valueInfo('c1', ['n', 6, 12, 9]));
    const entered = NormalGraph.enter(model);
    expect(foldBatchNorm(entered).graph).toBe(entered);
  });
});

describe('static quantization', () => {
  it('answers nearly the same with each calibrator', async () => {
    const model = convolutionModel(3);
    for (const [method, floor] of [
      ['minmax', 28],
      ['moving-average', 28],
      ['percentile', 28],
      ['entropy', 10],
    ] as const) {
      const { model: smaller } = await calibrated(model, feeds, {}, { method });
      expect(await decibels(model, smaller, feeds[0] ?? {}), method).toBeGreaterThan(floor);
    }
  });

  it('answers nearly the same with each option', async () => {
    const model = convolutionModel(3);
    for (const options of [
      { perChannel: false },
      { reduceRange: true },
      { activationType: 'int8' },
      { activationType: 'int8', activationSymmetric: true },
      { activationSymmetric: true },
    ] as const) {
      const { model: smaller } = await calibrated(model, feeds, options);
      expect(await decibels(model, smaller, feeds[0] ?? {}), JSON.stringify(options)).toBeGreaterThan(20);
    }
  });

  it('writes what the report says: int8 weights, int32 biases, no clipping left', async () => {
    const { model, report } = await calibrated(convolutionModel(3), feeds);
    // Activations x, a1, a2, f; weights and biases of three layers.
    expect(operatorCounts(model)).toEqual({
      Conv: 2,
      Flatten: 1,
      Gemm: 1,
      QuantizeLinear: 4,
      DequantizeLinear: 4 + report.compressed.length,
    });
    expect(report.replacedNodes).toEqual({ Conv: 2, Gemm: 1 });
    expect(report.compressed.map(({ name, to, granularity }) => [name, to, granularity])).toEqual([
      ['w1_folded', 'int8', 'channel'],
      ['w1_bias_folded', 'int32', 'channel'],
      ['w2', 'int8', 'channel'],
      ['b2', 'int32', 'channel'],
      ['w3', 'int8', 'channel'],
      ['b3', 'int32', 'channel'],
    ]);
    expect(report.leftWeights).toEqual([]);
    expect(report.notes.length).toBe(3);
    const stored = mainGraph(model).initializer.map((tensor) => tensorDtype(tensor));
    expect(stored.filter((dtype) => dtype === 'int32').length).toBe(3);
  });

  it('keeps a clip that saturation cannot replace', async () => {
    const { model } = await calibrated(convolutionModel(3), feeds, {
      activationType: 'int8',
      activationSymmetric: true,
    });
    expect(operatorCounts(model)).toMatchObject({ Clip: 1, Relu: 1 });
  });

  it('leaves excluded nodes in float, and says why', async () => {
    const { model, report } = await calibrated(convolutionModel(3), feeds, { nodesToExclude: ['conv2'] });
    expect(report.leftNodes).toEqual([
      { node: 'conv2', opType: 'Conv', cause: 'excluded', reason: 'it is in nodesToExclude' },
    ]);
    expect(operatorCounts(model)).toMatchObject({ Relu: 1 });
    expect(await decibels(convolutionModel(3), model, feeds[0] ?? {})).toBeGreaterThan(28);
    const none = quantizeStatic(convolutionModel(3), new Map());
    expect(none.report.compressed).toEqual([]);
    expect(none.report.leftNodes.map(({ reason }) => reason)).toEqual([
      'calibration has no range of x',
      'calibration has no range of a1',
      'calibration has no range of f',
    ]);
  });

  it('coarsens a weight scale whose bias would not fit into int32', async () => {
    const model = smallModel(
      [makeNode('Conv', ['x', 'w', 'b'], ['y'], { name: 'conv' })],
      [weight('w', [2, 1, 1, 1], 3, 1e-6), makeTensor('b', 'float32', [2], Float32Array.of(900, -900))],
      [valueInfo('x', ['n', 1, 4, 4])],
      [valueInfo('y', ['n', 2, 4, 4])],
    );
    const feed = { x: pattern([1, 1, 4, 4], 1) };
    const { model: smaller } = await calibrated(model, [feed]);
    const bias = mainGraph(smaller).initializer.find(({ name }) => name === 'b_quantized');
    expect(bias && tensorIntegers(bias).every((value) => Math.abs(value) > 2 ** 30)).toBe(true);
    expect(await decibels(model, smaller, feed)).toBeGreaterThan(40);
  });

  it('has the scales of ONNX Runtime: affine between the extremes and zero', async () => {
    const { model } = await calibrated(convolutionModel(3), [
      { x: { type: 'float32', shape: [1, 2, 12, 9], data: new Float32Array(216).fill(0.5).fill(-1, 0, 100) } },
    ]);
    const of = (name: string): number[] => {
      const tensor = mainGraph(model).initializer.find((one) => one.name === name);
      return tensor === undefined
        ? []
        : tensorDtype(tensor) === 'float32'
          ? [...tensorFloats(tensor)]
          : tensorIntegers(tensor);
    };
    // compute_scale_zp(-1, 0.5, 0, 255) of ONNX Runtime 1.31: scale 1.5 / 255, zero point round(1 / scale).
    expect(of('x_scale')).toEqual([Math.fround(1.5 / 255)]);
    expect(of('x_zero_point')).toEqual([170]);
  });

  it('keeps random small networks near: calibrate, quantize, run', async () => {
    const any = fc.record({
      inputs: fc.integer({ min: 1, max: 4 }),
      filters: fc.integer({ min: 1, max: 6 }),
      kernel: fc.constantFrom(1, 2, 3),
      classes: fc.integer({ min: 1, max: 8 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      bias: fc.boolean(),
      perChannel: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(any, async ({ inputs, filters, kernel, classes, seed, bias, perChannel }) => {
        const model = smallModel(
          [
            makeNode('Conv', bias ? ['x', 'w', 'b'] : ['x', 'w'], ['c'], { attributes: { strides: [2, 1] } }),
            makeNode('Relu', ['c'], ['r']),
            makeNode('Transpose', ['r'], ['t'], { attributes: { perm: [0, 2, 3, 1] } }),
            makeNode('MatMul', ['t', 'm'], ['y']),
          ],
          [
            weight('w', [filters, inputs, kernel, kernel], seed),
            weight('b', [filters], seed + 1),
            weight('m', [filters, classes], seed + 2),
          ],
          [valueInfo('x', ['n', inputs, 8, 6])],
          [valueInfo('y', ['n', 'h', 'w', classes])],
        );
        const feed = { x: pattern([2, inputs, 8, 6], seed % 50) };
        const { model: smaller } = await calibrated(model, [feed], { perChannel });
        const before = (await runModel(model, feed))['y']?.data ?? new Float32Array();
        const after = (await runModel(smaller, feed))['y']?.data ?? new Float32Array();
        // One step of 1/127 in each factor of two layers, of sums of at most |largest| terms: 5 % of the largest answer.
        const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
        expect(largestDifference(before, after)).toBeLessThan(0.05 * largest + 0.02 * filters);
      }),
      { numRuns: 15 },
    );
  });

  it('is deterministic and leaves its input alone', async () => {
    const model = convolutionModel(5);
    const before = modelToBytes(model);
    const [one, two] = [await calibrated(model, feeds), await calibrated(model, feeds)];
    expect(modelToBytes(one.model)).toEqual(modelToBytes(two.model));
    expect(modelToBytes(model)).toEqual(before);
  });

  it('works per tensor below operator set 13, and says so', async () => {
    for (const version of [7n, 9n, 10n, 12n]) {
      const model = convolutionModel(5);
      // Until 11 the bounds of Clip were attributes.
      mainGraph(model).node = mainGraph(model).node.map((node) =>
        version < 11n && node.opType === 'Clip'
          ? makeNode('Clip', ['n1'], ['a1'], { attributes: { min: { float: 0 }, max: { float: 6 } } })
          : node,
      );
      for (const entry of model.proto.opsetImport) entry.version = version;
      const { model: smaller, report } = await calibrated(model, feeds);
      expect(report.replacedNodes).toEqual({ Conv: 2, Gemm: 1 });
      expect(report.compressed.every(({ granularity }) => granularity === 'tensor')).toBe(true);
      expect(report.notes.join()).toContain('has no scales per channel');
      expect(await decibels(model, smaller, feeds[0] ?? {})).toBeGreaterThan(25);
    }
  });

  it('leaves layers of other types than float32 as they are, by name', async () => {
    const doubles = Float64Array.from({ length: 64 }, (_, index) => ((index * 37) % 17) / 17 - 0.5);
    const model = smallModel(
      [
        makeNode('Cast', ['x'], ['wide'], { attributes: { to: DTYPE_CODE.float64 } }),
        makeNode('MatMul', ['wide', 'doubles'], ['a'], { name: 'double' }),
        makeNode('Cast', ['x'], ['whole'], { attributes: { to: DTYPE_CODE.int32 } }),
        makeNode('MatMul', ['whole', 'integers'], ['b'], { name: 'integer' }),
        makeNode('Cast', ['x'], ['short'], { attributes: { to: DTYPE_CODE.float16 } }),
        makeNode('MatMul', ['short', 'halves'], ['c'], { name: 'half' }),
        makeNode('MatMul', ['x', 'singles'], ['y'], { name: 'single' }),
      ],
      [
        makeTensor('doubles', 'float64', [8, 8], doubles),
        makeTensor(
          'integers',
          'int32',
          [8, 8],
          Int32Array.from(doubles, (value) => 9 * value),
        ),
        makeTensor('halves', 'float16', [8, 8], encodeFloat16(Float32Array.from(doubles))),
        weight('singles', [8, 8], 3),
      ],
      [valueInfo('x', ['n', 8])],
      [
        valueInfo('a', ['n', 8], 'float64'),
        valueInfo('b', ['n', 8], 'int32'),
        valueInfo('c', ['n', 8], 'float16'),
        valueInfo('y', ['n', 8]),
      ],
    );
    const feed = { x: pattern([5, 8], 1) };
    const { model: smaller, report } = await calibrated(model, [feed]);
    expect(report.compressed.map(({ name }) => name)).toEqual(['singles']);
    expect(report.leftNodes.map(({ node, reason }) => [node, reason])).toEqual([
      ['double', 'its weight is float64, not float32'],
      ['integer', 'its weight is int32, not float32'],
      ['half', 'its weight is float16, not float32'],
    ]);
    expect(await decibels(model, smaller, feed)).toBeGreaterThan(30);
    expect(layersOf(model).map(({ node }) => node)).toEqual(['single']);
  });

  it('leaves a layer whose weight or bias is not finite, by name', async () => {
    const values = [new Float32Array(64).fill(0.5), new Float32Array(8).fill(0.5)];
    for (const broken of [0, 1]) {
      for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
        const [w = new Float32Array(), b = new Float32Array()] = values.map((one, index) =>
          index === broken ? one.with(3, bad) : one,
        );
        const model = smallModel(
          [
            makeNode('Gemm', ['x', 'w', 'b'], ['a'], { name: 'one' }),
            makeNode('MatMul', ['x', 'v'], ['y'], { name: 'two' }),
          ],
          [makeTensor('w', 'float32', [8, 8], w), makeTensor('b', 'float32', [8], b), weight('v', [8, 8], 3)],
          [valueInfo('x', ['n', 8])],
          [valueInfo('a', ['n', 8]), valueInfo('y', ['n', 8])],
        );
        const { report } = await calibrated(model, [{ x: pattern([5, 8], 1) }]);
        expect(report.compressed.map(({ name }) => name)).toEqual(['v']);
        const reason = `its weight ${broken === 0 ? 'w' : 'b'}: finite values were required, got NaN or an infinity`;
        expect(report.leftNodes).toEqual([{ node: 'one', opType: 'Gemm', cause: 'values', reason }]);
      }
    }
  });

  it('refuses what it cannot do', async () => {
    const model = convolutionModel(5);
    for (const entry of model.proto.opsetImport) entry.version = 12n;
    expect(() => planCalibration(model, { perChannel: true })).toThrow(/perChannel: operator set 13 or later/);
    expect(() => planCalibration(convolutionModel(5), { activationType: 'int4' as 'int8' })).toThrow(InputError);
    expect(() => quantizeStatic(convolutionModel(5), new Map(), { nodesToExclude: ['nobody'] })).toThrow(InputError);
    await expect(calibrateRanges(['x'], [])).rejects.toThrow(/at least one sample/);
    await expect(calibrateRanges(['x'], [{ y: Float32Array.of(1) }])).rejects.toThrow(/values of x/);
    const samples = [{ x: Float32Array.of(1, Number.NaN), z: Float32Array.of(1) }];
    await expect(calibrateRanges(['x'], samples)).rejects.toThrow(/tensor x/);
    expect([...(await calibrateRanges(['x', 'z'], samples, {}, 'leave')).keys()]).toEqual(['z']);
  });
});

describe('the shipped model', () => {
  let model: OnnxModel;
  beforeAll(async () => {
    model = await readModel((await resolveModel('deepspeech2-lstm')).path);
  });

  it('has quantized convolutions and nearly the same answers', async () => {
    const feed = {
      features: pattern([1, 80, 161], 1),
      lengths: { type: 'int64', shape: [1], data: BigInt64Array.of(80n) } as Fed,
    };
    const { model: smaller, report } = await calibrated(model, [feed], { opTypesToQuantize: ['Conv'] });
    expect(report.replacedNodes).toEqual({ Conv: 2 });
    expect(await decibels(model, smaller, feed, 'log_probabilities')).toBeGreaterThan(25);
  });
});
