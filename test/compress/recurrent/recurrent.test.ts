import { describe, expect, it } from 'vitest';
import { quantizeRecurrent } from '../../../src/compress/recurrent/recurrent.js';
import type { QuantizeRecurrentOptions } from '../../../src/compress/recurrent/recurrentOptions.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { modelNodes } from '../../../src/onnx/graph/subgraphs.js';
import { transposeAxes } from '../../../src/onnx/graph/transpose.js';
import type { OnnxModel } from '../../../src/onnx/model.js';
import { type RecurrentCase, recurrentCase } from '../recurrentModels.js';
import { type Fed, largestDifference, pattern, runModel, signalToErrorDb } from '../runModel.js';

const inFloat = (model: OnnxModel) =>
  quantizeRecurrent(model, {
    opTypesToQuantize: ['GRU', 'RNN', 'LSTM'],
    projection: 'float',
    recurrence: 'float',
  });

function turn(fed: Fed, perm: readonly number[]): Fed {
  const data = new Float32Array(fed.data.length);
  transposeAxes(fed.data as Float32Array<ArrayBuffer>, fed.shape, perm, data);
  return { type: 'float32', shape: perm.map((axis) => fed.shape[axis] ?? 0), data };
}

async function expectEqual(one: RecurrentCase): Promise<void> {
  const { model, feeds } = recurrentCase(one);
  const { model: rewritten, report } = inFloat(model);
  expect(report.leftNodes).toEqual([]);
  const [expected, actual] = [await runModel(model, feeds), await runModel(rewritten, feeds)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    // Softplus lets a state grow: then the difference counts relative to it.
    const bound = 1e-5 * data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    expect(largestDifference(data, actual[name]?.data ?? new Float32Array()), name).toBeLessThan(bound);
  }
}

const opTypes = ['GRU', 'RNN', 'LSTM'] as const;
const directions = ['forward', 'reverse', 'bidirectional'] as const;

describe.each(opTypes)('%s in float equals the runtime', (opType) => {
  describe.each(directions)('%s', (direction) => {
    it.each([
      {},
      { lengths: true },
      { initial: true },
      { lengths: true, initial: true },
      { bias: false },
      { batch: 1, steps: 1 },
      { attributes: { clip: { float: 0.3 } }, lengths: true },
      { opset: 12, lengths: true },
    ])('%j', async (rest) => {
      await expectEqual({ opType, direction, ...rest });
    });
    if (opType === 'GRU')
      it.each([{}, { lengths: true, initial: true }, { bias: false }, { attributes: { clip: { float: 0.3 } } }])(
        'linear before reset %j',
        async (rest) => {
          await expectEqual({ opType, direction, ...rest, attributes: { ...rest.attributes, linear_before_reset: 1 } });
        },
      );
    if (opType === 'LSTM')
      it.each([
        { peepholes: true },
        { peepholes: true, lengths: true, initial: true },
        { attributes: { input_forget: 1 } },
        { peepholes: true, attributes: { input_forget: 1 } },
        { peepholes: true, attributes: { clip: { float: 0.3 } } },
      ])('%j', async (rest) => {
        await expectEqual({ opType, direction, ...rest });
      });
    it('batch first, which the runtime itself refuses, as time first turned', async () => {
      const one = { opType, direction, lengths: true, initial: true } as const;
      const { model, feeds } = recurrentCase(one);
      const { model: batchFirst } = recurrentCase({ ...one, attributes: { layout: 1 } });
      const turned = Object.fromEntries(
        Object.entries(feeds).map(([name, fed]) => [name, fed.shape.length === 3 ? turn(fed, [1, 0, 2]) : fed]),
      );
      const [expected, actual] = [await runModel(model, feeds), await runModel(inFloat(batchFirst).model, turned)];
      for (const [name, { data, shape }] of Object.entries(expected)) {
        const wanted = turn({ type: 'float32', data, shape }, name === 'y' ? [2, 0, 1, 3] : [1, 0, 2]);
        expect(actual[name]?.shape).toEqual(wanted.shape);
        expect(largestDifference(wanted.data as Float32Array, actual[name]?.data ?? new Float32Array())).toBeLessThan(
          1e-5,
        );
      }
    });
  });
});

const perDirection = { GRU: 2, RNN: 1, LSTM: 3 } as const;
describe.each(opTypes)('%s with other activations', (opType) => {
  it.each([
    'Relu',
    'Tanh',
    'Sigmoid',
    'Affine',
    'LeakyRelu',
    'ThresholdedRelu',
    'ScaledTanh',
    'HardSigmoid',
    'Elu',
    'Softsign',
    'Softplus',
  ])('%s', async (name) => {
    const count = perDirection[opType];
    for (const [activations, extra] of [
      [Array.from({ length: count }, (_, place) => (place === count - 1 ? name : 'Sigmoid')), {}],
      [Array.from({ length: count }, (_, place) => (place === 0 ? name : 'Tanh')), {}],
      [
        Array.from({ length: count }, () => name),
        {
          activation_alpha: { floats: Array.from({ length: count }, (_, i) => 0.7 - 0.1 * i) },
          activation_beta: { floats: Array.from({ length: count }, (_, i) => 0.3 + 0.1 * i) },
        },
      ],
    ] as const) {
      await expectEqual({ opType, lengths: true, scale: 0.4, steps: 5, attributes: { activations, ...extra } });
    }
  });
});

describe.each(opTypes)('%s quantized', (opType) => {
  it.each([
    ['int8', undefined, 32],
    ['nbits8', undefined, 32],
    ['nbits8', 32, 32],
    ['nbits4', 128, 15],
    ['nbits4', 16, 20],
  ] as const)('%s, blocks of %s: at least %d dB', async (recurrence, blockSize, leastDb) => {
    for (const linear of opType === 'GRU' ? [0, 1] : [0]) {
      const { model, feeds } = recurrentCase({
        opType,
        direction: 'bidirectional',
        units: 80,
        inputs: 48,
        steps: 20,
        lengths: true,
        initial: true,
        scale: 0.15,
        attributes: opType === 'GRU' ? { linear_before_reset: linear } : {},
      });
      const { model: quantized, report } = quantizeRecurrent(model, {
        opTypesToQuantize: [opType],
        recurrence,
        ...(blockSize === undefined ? {} : { blockSize }),
      });
      const [expected, actual] = [await runModel(model, feeds), await runModel(quantized, feeds)];
      for (const [name, { data }] of Object.entries(expected)) {
        expect(signalToErrorDb(data, actual[name]?.data ?? new Float32Array()), name).toBeGreaterThan(leastDb);
      }
      // Both weights of both directions, and nothing left but biases.
      expect(report.replacedNodes).toEqual({ [opType]: 1 });
      expect(new Set(report.compressed.map(({ name }) => name))).toEqual(new Set(['W', 'R']));
      expect(report.leftWeights.every(({ reason }) => reason.includes('bias'))).toBe(true);
      const counted = [...report.compressed, ...report.leftWeights].map(({ shape }) =>
        shape.reduce((a, b) => a * b, 1),
      );
      const rows = { GRU: 3, RNN: 1, LSTM: 4 }[opType] * 80;
      const biases = opType === 'GRU' && linear === 1 ? 4 * rows : 2 * rows;
      expect(counted.reduce((a, b) => a + b, 0)).toBe(2 * rows * (48 + 80) + biases);
    }
  });
});

describe('quantizeRecurrent', () => {
  const bidirectional = { opType: 'GRU', direction: 'bidirectional', units: 32, inputs: 16, lengths: true } as const;

  it('gives the integers a scale for each column, and the recurrence its blocks', () => {
    const { report, model } = quantizeRecurrent(recurrentCase(bidirectional).model);
    expect(report.compressed.map(({ name, to, granularity, node }) => [name, to, granularity, node])).toEqual([
      ['R', 'uint8', 'block', 'layer'],
      ['R', 'uint8', 'block', 'layer'],
      ['R', 'uint8', 'block', 'layer'],
      ['R', 'uint8', 'block', 'layer'],
      ['W', 'int8', 'channel', 'layer'],
      ['W', 'int8', 'channel', 'layer'],
    ]);
    const operators = Array.from(modelNodes(model.proto), ({ opType }) => opType);
    expect(operators.filter((type) => type === 'MatMulNBits')).toHaveLength(4);
    expect(operators.filter((type) => type === 'MatMulInteger')).toHaveLength(2);
    expect(operators).not.toContain('MatMul');
    expect(operators).not.toContain('GRU');
    for (const { signalToErrorDb: decibels } of report.compressed) expect(decibels).toBeGreaterThan(38);
  });

  it('gives the same bytes each time and leaves the original as it was', () => {
    const { model } = recurrentCase(bidirectional);
    const before = modelToBytes(model);
    const first = modelToBytes(quantizeRecurrent(model).model);
    expect(Buffer.compare(first, modelToBytes(quantizeRecurrent(model).model))).toBe(0);
    expect(Buffer.compare(modelToBytes(model), before)).toBe(0);
  });

  it('takes any batch and length', async () => {
    const { model } = recurrentCase({ opType: 'GRU', direction: 'bidirectional' });
    const rewritten = inFloat(model).model;
    for (const [steps, batch] of [
      [1, 1],
      [9, 2],
      [3, 5],
    ] as const) {
      const feeds = { x: pattern([steps, batch, 4], 5) };
      const [expected, actual] = [await runModel(model, feeds), await runModel(rewritten, feeds)];
      expect(
        largestDifference(expected['y']?.data ?? new Float32Array([1]), actual['y']?.data ?? new Float32Array()),
      ).toBeLessThan(1e-5);
    }
  });

  it('says why a node is left', () => {
    const reasonFor = (one: RecurrentCase, options: QuantizeRecurrentOptions = {}) =>
      quantizeRecurrent(recurrentCase(one).model, options).report.leftNodes.map(({ reason }) => reason);
    expect(reasonFor({ opType: 'GRU', attributes: { activations: ['Sigmoid', 'Mish'] } })).toEqual([
      'its activation Mish is unknown',
    ]);
    expect(reasonFor({ opType: 'GRU', attributes: { activations: ['Sigmoid'] } })).toEqual([
      '2 activations were required, got 1',
    ]);
    expect(reasonFor({ opType: 'GRU', direction: 'both' as 'forward' })).toEqual(['its direction both is unknown']);
    expect(reasonFor({ opType: 'GRU' }, { nodesToExclude: ['layer'] })).toEqual(['it is in nodesToExclude']);
    expect(reasonFor({ opType: 'LSTM' })).toEqual([]);
    const { model } = recurrentCase({ opType: 'GRU' });
    const [, weight] = model.proto.graph?.initializer ?? [];
    weight?.rawData.set([0, 0, 0xc0, 0x7f]);
    expect(quantizeRecurrent(model).report.leftNodes.map(({ reason }) => reason)).toEqual([
      'its weight R is not finite',
    ]);
  });

  it('refuses unknown options by name', () => {
    const { model } = recurrentCase({ opType: 'GRU' });
    expect(() => quantizeRecurrent(model, { recurrence: 'nbits2' as 'nbits4' })).toThrow(/recurrence: .* got nbits2/);
    expect(() => quantizeRecurrent(model, { projection: 'nbits4' as 'int8' })).toThrow(/projection: .* got nbits4/);
    expect(() => quantizeRecurrent(model, { blockSize: 48 })).toThrow(/blockSize: .* got 48/);
    expect(() => quantizeRecurrent(model, { nodesToExclude: ['other'] })).toThrow(/nodesToExclude: .* got other/);
  });
});
