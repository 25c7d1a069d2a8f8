/** What statically quantized models have to be for the runtime (ONNX Runtime), and for whoever quantizes them again. */
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import { quantizeStatic } from '../../../src/compress/static/static.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { pattern, runModel, signalToErrorDb } from '../runModel.js';
import { smallModel, valueInfo, weight } from '../smallModels.js';

const ranges = new Map(['x', 'a', 'y'].map((name) => [name, { lowest: -8, highest: 8 }]));
describe('a quantized product with a bias, of operator set 10', () => {
  it('loads: the runtime rounds the bias by the Round of 11', async () => {
    const model = smallModel(
      [
        makeNode('MatMul', ['x', 'w'], ['a'], { name: 'product' }),
        makeNode('Add', ['a', 'b'], ['y'], { name: 'bias' }),
      ],
      [weight('w', [16, 8], 1), weight('b', [8], 2)],
      [valueInfo('x', ['n', 16])],
      [valueInfo('y', ['n', 8])],
      10,
    );
    const { model: small, report } = quantizeStatic(model, ranges);
    expect(report.compressed).toHaveLength(1);
    const feeds = { x: pattern([4, 16], 1) };
    const [expected, actual] = [await runModel(model, feeds), await runModel(small, feeds)];
    const none = new Float32Array();
    expect(signalToErrorDb(expected['y']?.data ?? none, actual['y']?.data ?? none)).toBeGreaterThan(20);
  });
});

describe('a model that was quantized before', () => {
  it('says so', () => {
    const model = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' })],
      [weight('w', [16, 8], 1)],
      [valueInfo('x', ['n', 16])],
      [valueInfo('y', ['n', 8])],
    );
    const { report } = quantizeDynamic(quantizeStatic(model, ranges).model);
    expect(report.compressed).toEqual([]);
    expect(report.leftNodes.map(({ reason }) => reason)).toEqual([
      'its right-hand side is made of stored integers already',
    ]);
  });
});
