import { create } from '@bufbuild/protobuf';
import { FunctionProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { choicesFor, layersOf } from '../../../src/compress/choose/layers.js';
import {
  measureSensitivity,
  type SensitivityResources,
  withOutputs,
} from '../../../src/compress/choose/sensitivity.js';
import { calibrateRanges } from '../../../src/compress/static/calibrate.js';
import { copyModel } from '../../../src/onnx/graph/copy.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { makeValueInfo } from '../../../src/onnx/graph/valueInfo.js';
import { mainGraph } from '../../../src/onnx/model.js';
import { recurrentCase } from '../recurrentModels.js';
import { largestDifference, pattern, runModel } from '../runModel.js';
import { convolutionModel, operatorCounts, smallModel, valueInfo, weight } from '../smallModels.js';

const feeds = [1, 2].map((seed) => ({ x: pattern([2, 2, 12, 9], seed) }));

const resources: SensitivityResources = {
  async *run(model, tensors) {
    for (const feed of feeds) {
      const outputs = await runModel(model, feed);
      yield Object.fromEntries(
        tensors.map((name) => [
          name,
          outputs[name]?.data ?? (name === 'x' ? (feed.x.data as Float32Array) : new Float32Array()),
        ]),
      );
    }
  },
  async calibrate(plan, options) {
    return await calibrateRanges(plan.tensors, this.run?.(plan.model, plan.tensors) ?? [], options);
  },
  // A made-up profile: one millisecond for each node, by operator and count.
  profile: async (model) =>
    new Map(Object.entries(operatorCounts(model)).map(([op, count]) => [`${op} ${count}`, count])),
} as SensitivityResources & { run: SensitivityResources['run'] };

describe('sensitivity', () => {
  it('measures each layer and each choice, the most harmful first', async () => {
    const progress: number[] = [];
    const table = await measureSensitivity(convolutionModel(3), resources, {
      output: 'y',
      onProgress: (done) => progress.push(done),
    });
    // Two convolutions with one choice each, a Gemm with four.
    expect(progress).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(table.map(({ layer, choice }) => `${layer.node} ${choice}`).sort()).toEqual(
      ['conv1 static', 'conv2 static', 'gemm dynamic', 'gemm nbits4', 'gemm nbits8', 'gemm static'].sort(),
    );
    const outputs = table.map(({ outputDb }) => outputDb ?? Number.POSITIVE_INFINITY);
    expect(outputs).toEqual(outputs.toSorted((a, b) => a - b));
    expect(`${table[0]?.layer.node} ${table[0]?.choice}`).toBe('gemm nbits4');
    for (const one of table) {
      expect(one.weightsDb).toBeGreaterThan(one.choice === 'nbits4' ? 15 : 35);
      expect(one.weightBytesAfter).toBeLessThan(one.weightBytesBefore);
      expect(one.savedMs).not.toBeNull();
    }
    // The last layer's output is the model's.
    const gemm = table.find(({ choice }) => choice === 'nbits8');
    expect(gemm?.activationDb).toBe(gemm?.outputDb);
  });

  it('tells how many zeros a layer gives after its rectifier', async () => {
    const model = convolutionModel(3);
    const table = await measureSensitivity(model, resources, { output: 'y' });
    for (const [node, value] of [
      ['conv1', 'a1'],
      ['conv2', 'a2'],
    ] as const) {
      const counts = { zero: 0, all: 0 };
      for (const feed of feeds) {
        const shown = (await runModel(withOutputs(model, [value]), feed))[value]?.data ?? new Float32Array();
        counts.all += shown.length;
        counts.zero += shown.filter((one) => one === 0).length;
      }
      expect(counts.zero).toBeGreaterThan(0);
      expect(table.find(({ layer }) => layer.node === node)?.zeros).toBe(counts.zero / counts.all);
    }
    expect(table.find(({ layer }) => layer.node === 'gemm')?.zeros).toBe(0);
  });

  it('does without a profile', async () => {
    const { profile: _, ...untimed } = resources;
    const table = await measureSensitivity(convolutionModel(4), untimed, { output: 'y' });
    expect(table.every(({ savedMs }) => savedMs === null)).toBe(true);
  });

  it.each(['GRU', 'RNN', 'LSTM'] as const)('asks %s for what it gave in every form of it', async (opType) => {
    for (const direction of ['forward', 'bidirectional'] as const) {
      for (const lengths of [false, true]) {
        const { model: bare, feeds } = recurrentCase({ opType, direction, lengths, units: 16, inputs: 16 });
        // With the layer's answers inside the graph, nothing but its node gives them their names.
        const relu = makeNode('Relu', ['y'], ['z'], { name: 'relu' });
        const model = copyModel(bare, {
          node: [...mainGraph(bare).node, relu],
          output: [makeValueInfo('z', 'float32', ['z0', 'z1', 'z2', 'z3'])],
        });
        const table = await measureSensitivity(
          model,
          {
            async *run(changed, tensors) {
              const outputs = await runModel(changed, feeds);
              yield Object.fromEntries(tensors.map((name) => [name, outputs[name]?.data ?? new Float32Array()]));
            },
          },
          { output: 'z' },
        );
        expect(table.map(({ choice }) => choice).sort()).toEqual(choicesFor(opType).toSorted());
        for (const { activationDb } of table) expect(activationDb).toBeGreaterThan(8);
      }
    }
  });

  it('asks for what a layer in a function of the model gives', async () => {
    const inner = create(FunctionProtoSchema, {
      domain: 'own',
      name: 'Layer',
      input: ['a', 'w'],
      output: ['b'],
      node: [
        makeNode('MatMul', ['a', 'w'], ['product'], { name: 'product' }),
        makeNode('Tanh', ['product'], ['b'], { name: 'tanh' }),
      ],
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    });
    const base = smallModel(
      [makeNode('Layer', ['x', 'w'], ['y'], { name: 'call', domain: 'own' })],
      [weight('w', [8, 8], 1)],
      [valueInfo('x', ['n', 8])],
      [valueInfo('y', ['n', 8])],
    );
    base.proto.functions.push(inner);
    base.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }));
    const [layer] = layersOf(base);
    const fed = { x: pattern([3, 8], 1) };
    const seen = await runModel(withOutputs(base, [layer?.output ?? '']), fed);
    const expected = Float32Array.from(seen[layer?.output ?? '']?.data ?? [], Math.tanh);
    expect(expected).toHaveLength(24);
    expect(largestDifference(expected, seen['y']?.data ?? new Float32Array())).toBeLessThan(1e-6);
  });
});
