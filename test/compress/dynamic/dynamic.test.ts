import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import type { DynamicOpType } from '../../../src/compress/dynamic/dynamicOptions.js';
import { InputError } from '../../../src/errors.js';
import { readModel } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { modelNodes } from '../../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { smallModel, weightValues } from '../../onnx/smallModels.js';
import { type Fed, pattern, runModel, signalToErrorDb } from '../runModel.js';

const io = { inputs: { x: ['float32', ['n', 16]] }, outputs: { y: ['float32', ['n', 16]] } } as const;
const matrix = (name = 'w', seed = 1) => makeTensor(name, 'float32', [16, 16], weightValues(256, seed));
const feeds = { x: pattern([3, 16], 1) };

function operators(model: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of modelNodes(model.proto)) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

async function near(model: OnnxModel, quantized: OnnxModel, fed: Record<string, Fed> = feeds): Promise<void> {
  const [expected, actual] = [await runModel(model, fed), await runModel(quantized, fed)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    expect(signalToErrorDb(data, actual[name]?.data ?? new Float32Array())).toBeGreaterThan(30);
  }
}

describe('the report', () => {
  it('names each weight of the shipped model, small or left', async () => {
    const model = await readModel((await resolveModel('deepspeech2-lstm')).path);
    const { model: quantized, report } = quantizeDynamic(model);
    expect(report.compressed.map(({ name, granularity, to }) => [name, granularity, to])).toEqual([
      ['lstm0.W', 'direction', 'int8'],
      ['lstm0.R', 'direction', 'int8'],
      ['lstm1.W', 'direction', 'int8'],
      ['lstm1.R', 'direction', 'int8'],
      ['lstm2.W', 'direction', 'int8'],
      ['lstm2.R', 'direction', 'int8'],
      ['labels.weight', 'tensor', 'int8'],
    ]);
    expect(report.leftWeights.map(({ name, opType }) => `${opType} ${name}`)).toEqual([
      'Conv conv0.weight',
      'Conv conv0.bias',
      'Conv conv1.weight',
      'Conv conv1.bias',
      'DynamicQuantizeLSTM lstm0.B',
      'DynamicQuantizeLSTM lstm1.B',
      'DynamicQuantizeLSTM lstm2.B',
      'Add labels.bias',
    ]);
    expect(report.replacedNodes).toEqual({ LSTM: 3, MatMul: 1 });
    for (const { signalToErrorDb: decibels } of report.compressed) expect(decibels).toBeGreaterThan(25);
    // Each of the 8,009,453 parameters is either small or left, as the card counts them.
    const shapes = [...report.compressed, ...report.leftWeights].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(shapes.reduce((a, b) => a + b, 0)).toBe(8_009_453);
    const bytes = modelToBytes(quantized).length;
    expect(bytes).toBeLessThan(8.3e6);
    expect(report.weightBytesAfter).toBeLessThan(bytes);
    expect(report.weightBytesBefore).toBe(8_009_453 * 4);
  });

  it('gives the reason for each node left', () => {
    const nodes = [
      makeNode('MatMul', ['x', 'w'], ['a'], { name: 'one' }),
      makeNode('MatMul', ['a', 'w'], ['b'], { name: 'two' }),
      makeNode('Transpose', ['b'], ['c']),
      makeNode('MatMul', ['b', 'c'], ['d'], { name: 'three' }),
      makeNode('MatMul', ['d', 'v'], ['y'], { name: 'four' }),
    ];
    const nan = weightValues(48, 2);
    nan[7] = Number.NaN;
    const weights = [matrix(), makeTensor('v', 'float32', [3, 16], nan)];
    const { report } = quantizeDynamic(smallModel({ nodes, ...io, weights }), { nodesToExclude: ['two'] });
    expect(report.leftNodes.map(({ node, reason }) => `${node}: ${reason}`)).toEqual([
      'one: its weight w is read in float, too: stored twice, the model would be larger',
      'two: it is in nodesToExclude',
      'three: its right-hand side is computed at run time, not constant',
      'four: its weight v: values to quantize: finite values were required, got others',
    ]);
    expect(report.leftWeights.map(({ name, node, reason }) => [name, node, reason])).toEqual([
      ['w', 'one', 'MatMul: its weight w is read in float, too: stored twice, the model would be larger'],
      ['v', 'four', 'MatMul: its weight v: values to quantize: finite values were required, got others'],
    ]);
  });
});

describe('options', () => {
  const nodes = [
    makeNode('MatMul', ['x', 'w'], ['a'], { name: 'one' }),
    makeNode('Gemm', ['a', 'v'], ['y'], { name: 'two' }),
  ];
  const model = () => smallModel({ nodes, ...io, weights: [matrix(), matrix('v', 2)] });
  const replaced = (options: Parameters<typeof quantizeDynamic>[1]) =>
    quantizeDynamic(model(), options).report.replacedNodes;

  it('choose the nodes', () => {
    expect(replaced({})).toEqual({ MatMul: 1, Gemm: 1 });
    expect(replaced({ opTypesToQuantize: ['Gemm'] })).toEqual({ Gemm: 1 });
    expect(replaced({ nodesToQuantize: ['one'] })).toEqual({ MatMul: 1 });
    expect(replaced({ nodesToExclude: ['one'] })).toEqual({ Gemm: 1 });
  });

  it('are refused by name when unknown', () => {
    expect(() => replaced({ nodesToExclude: ['thre'] })).toThrow(/nodesToExclude: .* got thre/);
    expect(() => replaced({ opTypesToQuantize: ['Softmax' as DynamicOpType] })).toThrow(/got Softmax/);
    expect(() => replaced({ weightType: 'int4' as 'int8' })).toThrow(InputError);
  });

  it('leave the original model as it was', () => {
    const original = model();
    const before = modelToBytes(original);
    quantizeDynamic(original);
    expect(Buffer.compare(modelToBytes(original), before)).toBe(0);
  });

  it('give the same bytes each time', () => {
    expect(
      Buffer.compare(modelToBytes(quantizeDynamic(model()).model), modelToBytes(quantizeDynamic(model()).model)),
    ).toBe(0);
  });
});

describe('MatMul', () => {
  it('takes weights that come through Constant, Transpose, Identity, Reshape and Concat', async () => {
    const half = (name: string, seed: number) => makeTensor(name, 'float32', [8, 16], weightValues(128, seed));
    const nodes = [
      makeNode('Constant', [], ['top'], { attributes: { value: { tensor: half('', 1) } } }),
      makeNode('Identity', ['bottom'], ['same']),
      makeNode('Concat', ['top', 'same'], ['joined'], { attributes: { axis: 0 } }),
      makeNode('Transpose', ['joined'], ['turned'], { attributes: { perm: [1, 0] } }),
      makeNode('Reshape', ['turned', 'shape'], ['flat']),
      makeNode('Reshape', ['flat', 'square'], ['w']),
      makeNode('MatMul', ['x', 'w'], ['y']),
    ];
    const weights = [
      half('bottom', 2),
      makeTensor('shape', 'int64', [1], BigInt64Array.of(-1n)),
      makeTensor('square', 'int64', [2], BigInt64Array.of(16n, -1n)),
    ];
    const model = smallModel({ nodes, ...io, weights });
    const { model: quantized, report } = quantizeDynamic(model);
    expect(report.leftNodes).toEqual([]);
    expect(operators(quantized)).toEqual({ DynamicQuantizeLinear: 1, MatMulInteger: 1, Cast: 1, Mul: 2 });
    expect(mainGraph(quantized).initializer.map(({ name }) => name)).toEqual([
      'w_scale',
      'w_zero_point',
      'w_quantized',
    ]);
    await near(model, quantized);
  });

  it('quantizes a shared weight and a shared activation once', () => {
    const nodes = [
      makeNode('MatMul', ['x', 'w'], ['a'], { name: 'one' }),
      makeNode('MatMul', ['x', 'w'], ['b'], { name: 'two' }),
      makeNode('Add', ['a', 'b'], ['y']),
    ];
    const { model } = quantizeDynamic(smallModel({ nodes, ...io, weights: [matrix()] }));
    expect(operators(model)['DynamicQuantizeLinear']).toBe(1);
    expect(mainGraph(model).initializer).toHaveLength(3);
  });

  it('keeps clear of names that are taken', async () => {
    const nodes = [
      makeNode('MatMul', ['x', 'w'], ['x_quantized'], { name: 'one' }),
      makeNode('MatMul', ['x_quantized', 'w_scale'], ['y'], { name: 'one_quant' }),
    ];
    const model = smallModel({ nodes, ...io, weights: [matrix(), matrix('w_scale', 2)] });
    await near(model, quantizeDynamic(model).model);
  });

  it('gives each matrix of a stack its own row of scales, which the runtime accepts', async () => {
    const model = smallModel({
      nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
      inputs: { x: ['float32', [3, 'n', 10]] },
      outputs: { y: ['float32', [3, 'n', 8]] },
      weights: [makeTensor('w', 'float32', [3, 10, 8], weightValues(240, 1))],
    });
    const { model: quantized } = quantizeDynamic(model, { perChannel: true });
    expect(mainGraph(quantized).initializer[0]?.dims).toEqual([3n, 1n, 8n]);
    await near(model, quantized, { x: pattern([3, 2, 10], 1) });
  });

  it('lets the runtime take in the bias that follows, whichever side the exporter wrote it on', async () => {
    const nodes = [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('Add', ['b', 'h'], ['y'])];
    const weights = [matrix(), makeTensor('b', 'float32', [16], weightValues(16, 2))];
    const model = smallModel({ nodes, ...io, weights });
    const { model: quantized } = quantizeDynamic(model);
    expect(mainGraph(quantized).node.at(-1)?.input).toEqual(['h', 'b']);
    await near(model, quantized);
  });

  it('takes a vector as weight', async () => {
    const model = smallModel({
      nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
      inputs: io.inputs,
      outputs: { y: ['float32', ['n']] },
      weights: [makeTensor('w', 'float32', [16], weightValues(16, 1))],
    });
    await near(model, quantizeDynamic(model, { perChannel: true }).model);
  });

  it('is quantized in half precision through float32', async () => {
    const halves = makeTensor('w', 'float16', [16, 16], encodeFloat16(weightValues(256, 1)));
    const nodes = [
      makeNode('Cast', ['x'], ['h'], { attributes: { to: 10 } }),
      makeNode('MatMul', ['h', 'w'], ['k']),
      makeNode('Cast', ['k'], ['y'], { attributes: { to: 1 } }),
    ];
    const model = smallModel({ nodes, ...io, weights: [halves] });
    const { model: quantized, report } = quantizeDynamic(model);
    expect(report.compressed[0]).toMatchObject({ from: 'float16', to: 'int8', sizeBytesBefore: 512 });
    await near(model, quantized);
  });
});

describe('LSTM', () => {
  const hidden = 8;
  const weights = [
    makeTensor('W', 'float32', [2, 4 * hidden, 16], weightValues(2 * 32 * 16, 1)),
    makeTensor('R', 'float32', [2, 4 * hidden, hidden], weightValues(2 * 32 * hidden, 2)),
    makeTensor('B', 'float32', [2, 8 * hidden], weightValues(2 * 64, 3)),
  ];
  const attributes = { hidden_size: hidden, direction: 'bidirectional' };

  it('with batch first is turned around, which ONNX Runtime’s tool forgets', async () => {
    const timeFirst = smallModel({
      nodes: [makeNode('LSTM', ['x', 'W', 'R', 'B', '', 'h', 'c'], ['y', 'yh', 'yc'], { attributes })],
      inputs: { x: ['float32', ['t', 'n', 16]], h: ['float32', [2, 'n', hidden]], c: ['float32', [2, 'n', hidden]] },
      outputs: {
        y: ['float32', ['t', 2, 'n', hidden]],
        yh: ['float32', [2, 'n', hidden]],
        yc: ['float32', [2, 'n', hidden]],
      },
      weights,
    });
    const batchFirst = smallModel({
      nodes: [
        makeNode('LSTM', ['x', 'W', 'R', 'B', '', 'h', 'c'], ['y', 'yh', 'yc'], {
          attributes: { ...attributes, layout: 1 },
        }),
      ],
      inputs: { x: ['float32', ['n', 't', 16]], h: ['float32', ['n', 2, hidden]], c: ['float32', ['n', 2, hidden]] },
      outputs: {
        y: ['float32', ['n', 't', 2, hidden]],
        yh: ['float32', ['n', 2, hidden]],
        yc: ['float32', ['n', 2, hidden]],
      },
      weights,
    });
    // One sentence: both orders then hold the same numbers in the same places.
    const state = { h: pattern([2, 1, hidden], 2), c: pattern([2, 1, hidden], 3) };
    const turned = { h: pattern([1, 2, hidden], 2), c: pattern([1, 2, hidden], 3) };
    const expected = await runModel(timeFirst, { x: pattern([5, 1, 16], 1), ...state });
    const actual = await runModel(quantizeDynamic(batchFirst).model, { x: pattern([1, 5, 16], 1), ...turned });
    expect(actual['y']?.shape).toEqual([1, 5, 2, hidden]);
    expect(actual['yh']?.shape).toEqual([1, 2, hidden]);
    for (const name of ['y', 'yh', 'yc']) {
      const [want, got] = [expected[name]?.data ?? new Float32Array(), actual[name]?.data ?? new Float32Array()];
      expect(signalToErrorDb(want, got)).toBeGreaterThan(25);
    }
  });

  it('with weights that are computed is left, with the reason', () => {
    const model = smallModel({
      nodes: [makeNode('LSTM', ['x', 'W', 'r'], ['y'], { attributes, name: 'odd' })],
      inputs: { x: ['float32', ['t', 'n', 16]], r: ['float32', [2, 4 * hidden, hidden]] },
      outputs: { y: ['float32', ['t', 2, 'n', hidden]] },
      weights,
    });
    const { model: same, report } = quantizeDynamic(model);
    expect(report.leftNodes).toEqual([
      {
        node: 'odd',
        opType: 'LSTM',
        cause: 'not-constant',
        reason: 'its recurrent weight R is computed at run time, not constant',
      },
    ]);
    expect(operators(same)).toEqual({ LSTM: 1 });
    expect(same.proto.opsetImport).toHaveLength(1);
  });
});
