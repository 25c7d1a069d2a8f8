import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import { entropyCode } from '../../../src/compress/entropyCode.js';
import { type PrunedOpType, pruneWeights } from '../../../src/compress/prune/pruneWeights.js';
import { parseRecipe } from '../../../src/compress/recipe.js';
import { InputError } from '../../../src/errors.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, tensorFloats } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel, samplesOf, signalToErrorDb } from '../runModel.js';
import { convolutionModel, recurrentModel, smallModel, valueInfo, weight } from '../smallModels.js';

const product = (values: readonly number[]): OnnxModel =>
  smallModel(
    [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'm' })],
    [makeTensor('w', 'float32', [values.length, 1], Float32Array.from(values))],
    [valueInfo('x', ['n', values.length])],
    [valueInfo('y', ['n', 1])],
  );

const weightOf = (model: OnnxModel, name = 'w') => {
  const tensor = mainGraph(model).initializer.find((one) => one.name === name);
  return tensor === undefined ? [] : Array.from(tensorFloats(tensor));
};

describe('pruneWeights', () => {
  it('takes the smallest, of equal ones the first', () => {
    expect(weightOf(pruneWeights(product([3, -1, 2, -4, 1, 1]), { sparsity: 0.34 }).model)).toEqual([
      3, 0, 2, -4, 0, 1,
    ]);
    expect(weightOf(pruneWeights(product([1, 1, 1, 1]), { sparsity: 0.25 }).model)).toEqual([0, 1, 1, 1]);
    expect(weightOf(pruneWeights(product([1, -2]), { sparsity: 0 }).model)).toEqual([1, -2]);
  });

  it('makes a share zero, changes nothing else, and none that is kept is smaller than one that went', () => {
    const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (values, sparsity) => {
        const kept = weightOf(pruneWeights(product(values), { sparsity }).model);
        const gone = values.filter((value, i) => value !== 0 && kept[i] === 0);
        const rest = values.filter((_, i) => kept[i] !== 0);
        for (const [i, value] of kept.entries()) if (value !== 0) expect(value).toBe(values[i]);
        const zeros = kept.filter((value) => value === 0).length;
        expect(zeros).toBe(
          Math.max(Math.floor(sparsity * values.length), values.filter((value) => value === 0).length),
        );
        const largestGone = Math.max(0, ...gone.map(Math.abs));
        for (const value of rest) expect(Math.abs(value)).toBeGreaterThanOrEqual(largestGone);
      }),
      { numRuns: 300, seed: 20_261_121 },
    );
  });

  it('takes the smallest of all matrices together, each beside its own root mean square', () => {
    const twoProducts = (first: readonly number[], second: readonly number[]): OnnxModel =>
      smallModel(
        [
          makeNode('MatMul', ['x', 'w'], ['h'], { name: 'one' }),
          makeNode('MatMul', ['h', 'v'], ['y'], { name: 'two' }),
        ],
        [
          makeTensor('w', 'float32', [2, 2], Float32Array.from(first)),
          makeTensor('v', 'float32', [2, 2], Float32Array.from(second)),
        ],
        [valueInfo('x', ['n', 2])],
        [valueInfo('y', ['n', 2])],
      );
    // Root mean squares 100 and 1: of the second, all but one are small beside the largest.
    const model = twoProducts([100, -100, 100, 100], [0.1, 0.2, 1.98, 0.1]);
    const { model: pruned } = pruneWeights(model, { sparsity: 3 / 8, scope: 'model' });
    expect(weightOf(pruned, 'w')).toEqual([100, -100, 100, 100]);
    expect(weightOf(pruned, 'v').map((value) => value !== 0)).toEqual([false, false, true, false]);
  });

  it('takes of a node that is named its own share, of the others that of all', () => {
    const model = recurrentModel(3);
    const zeros = (name: string, pruned: OnnxModel) => weightOf(pruned, name).filter((value) => value === 0).length;
    const { model: pruned, report } = pruneWeights(model, { sparsity: 0.25, sparsities: { classes: 0.5 } });
    expect(['w', 'r', 'm'].map((name) => zeros(name, pruned))).toEqual([240, 200, 70]);
    expect(report.notes).toContain('m of classes: 70 of 140 weights are zero');
    const refused = (options: object) => () => pruneWeights(model, { sparsities: { classes: 0.5 }, ...options });
    expect(refused({ sparsities: { clases: 0.5 } })).toThrow(/sparsities: .* got clases; did you mean classes/);
    expect(refused({ sparsities: { classes: 1 } })).toThrow(/sparsities: a share of 0 or more, and below 1/);
    expect(refused({ pattern: '2:4' })).toThrow(/sparsities: no pattern was required beside it/);
    expect(refused({ scope: 'model' })).toThrow(/sparsities: no scope was required beside it/);
  });

  it('keeps at most N of M neighbours that a product adds up, the largest, for each operator', () => {
    const column = [1, -4, 3, 2, 5, 6, -7];
    const left = [0, -4, 3, 0, 0, 6, -7];
    expect(weightOf(pruneWeights(product(column), { pattern: '2:4' }).model)).toEqual(left);
    const gemm = smallModel(
      [makeNode('Gemm', ['x', 'w'], ['y'], { attributes: { transB: 1 } })],
      [makeTensor('w', 'float32', [1, 7], Float32Array.from(column))],
      [valueInfo('x', ['n', 7])],
      [valueInfo('y', ['n', 1])],
    );
    expect(weightOf(pruneWeights(gemm, { pattern: '2:4' }).model)).toEqual(left);
    // Channels are added up for each place of the kernel apart: here 1, 3, 5, 7 and 2, 4, 6, 8.
    const convolution = smallModel(
      [makeNode('Conv', ['x', 'w'], ['y'])],
      [makeTensor('w', 'float32', [1, 4, 2], Float32Array.of(1, 8, 3, 4, 5, 6, 7, 2))],
      [valueInfo('x', ['n', 4, 't'])],
      [valueInfo('y', ['n', 1, 's'])],
    );
    expect(weightOf(pruneWeights(convolution, { pattern: '1:2' }).model)).toEqual([0, 8, 3, 0, 0, 6, 7, 0]);
    const { model } = pruneWeights(recurrentModel(3), { pattern: '2:4' });
    for (const [name, inputs] of [
      ['w', 12],
      ['r', 10],
    ] as const) {
      const rows = weightOf(model, name);
      for (let start = 0; start < rows.length; start += inputs) {
        for (let at = start; at < start + inputs; at += 4) {
          const group = rows.slice(at, Math.min(at + 4, start + inputs));
          expect(group.filter((value) => value !== 0)).toHaveLength(2);
        }
      }
    }
  });

  it('takes what gives least on a calibration set, whatever its own size', async () => {
    const calibrated = async (model: OnnxModel, options: object, x: Fed) => {
      const steps = [{ transform: 'prune', options: { calibrated: true, ...options } }];
      const recipe = JSON.stringify({ schema: 'quantlab.recipe/1', name: 'weighed', description: '', steps });
      return (await applyRecipe(model, parseRecipe(recipe), { samples: samplesOf([{ x }]) })).model;
    };
    // The second number is never there, the third is small.
    const few = Float32Array.of(1, 0, 0.1, 1, -1, 0, 0.1, 1, 1, 0, -0.1, -1, 1, 0, 0.1, 1);
    const x = { type: 'float32', shape: [4, 4], data: few } as const;
    const kept = await calibrated(product([1, 5, 2, 3]), { sparsity: 0.5 }, x);
    expect(weightOf(kept)).toEqual([1, 0, 0, 3]);
    expect(weightOf(await calibrated(product([1, 5, 2, 3]), { pattern: '1:2' }, x))).toEqual([1, 0, 0, 3]);
    // Directions of a layer have outputs of their own; a third of the inputs says next to nothing.
    const rows = pattern([60, 2, 12], 3);
    const quiet = (rows.data as Float32Array).map((value, i) => (i % 3 === 0 ? value / 50 : value));
    const feed: Fed = { type: 'float32', shape: rows.shape, data: quiet };
    const model = recurrentModel(3);
    const answers = async (one: OnnxModel) => (await runModel(one, { x: feed }))['y']?.data ?? new Float32Array();
    const reference = await answers(model);
    for (const scope of ['tensor', 'model'] as const) {
      const weighed = signalToErrorDb(reference, await answers(await calibrated(model, { scope }, feed)));
      const plain = signalToErrorDb(reference, await answers(pruneWeights(model, { scope }).model));
      expect(weighed).toBeGreaterThan(plain + 1);
    }
    expect(() => pruneWeights(model, { calibrated: true })).toThrow(/calibrated: a calibration set was required/);
  });

  it('prunes every matrix of a recurrent model, and says what it left', async () => {
    const model = recurrentModel(3);
    const { model: pruned, report } = pruneWeights(model, { sparsity: 0.2 });
    expect(report.compressed.map(({ name }) => name).sort()).toEqual(['m', 'r', 'w']);
    expect(report.replacedNodes).toEqual({ LSTM: 1, MatMul: 1 });
    expect(report.leftWeights.map(({ name, reason }) => [name, reason])).toEqual([['b', 'a bias, added in float']]);
    expect(report.notes).toContain('w of lstm: 192 of 960 weights are zero');
    expect(report.weightBytesAfter).toBe(report.weightBytesBefore);
    expect(report.weightBytesBefore).toBe(4 * (960 + 800 + 140 + 160));
    const feeds = { x: pattern([6, 2, 12], 1) };
    const [before, after] = [await runModel(model, feeds), await runModel(pruned, feeds)];
    expect(
      signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array()),
    ).toBeGreaterThan(20);
  });

  it('prunes only what it is asked to', () => {
    const { report } = pruneWeights(convolutionModel(3), { opTypesToQuantize: ['Conv'], nodesToExclude: ['conv2'] });
    expect(report.compressed.map(({ name }) => name)).toEqual(['w1']);
    expect(report.leftNodes).toEqual([
      { node: 'conv2', opType: 'Conv', cause: 'excluded', reason: 'it is in nodesToExclude' },
    ]);
  });

  it('prunes a weight of two readers once, one in a Constant node too, and leaves one that is computed', () => {
    const model = smallModel(
      [
        makeNode('Constant', [], ['c'], { attributes: { value: { tensor: weight('', [8, 8], 4) } } }),
        makeNode('Transpose', ['w'], ['t'], { attributes: { perm: [1, 0] } }),
        makeNode('MatMul', ['x', 'w'], ['a'], { name: 'one' }),
        makeNode('MatMul', ['a', 'w'], ['b'], { name: 'two' }),
        makeNode('MatMul', ['b', 'c'], ['d'], { name: 'three' }),
        makeNode('MatMul', ['d', 't'], ['y'], { name: 'four' }),
      ],
      [weight('w', [8, 8], 5)],
      [valueInfo('x', ['n', 8])],
      [valueInfo('y', ['n', 8])],
    );
    const { report } = pruneWeights(model);
    expect(report.compressed.map(({ name, node }) => [name, node])).toEqual([
      ['w', 'one'],
      ['c', 'three'],
    ]);
    expect(report.leftNodes).toEqual([
      { node: 'four', opType: 'MatMul', cause: 'not-constant', reason: 'its weight t is computed from constants' },
    ]);
  });

  it('lets quantized weights be coded in fewer bits', () => {
    const model = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'm' })],
      [weight('w', [128, 64], 3)],
      [valueInfo('x', ['n', 128])],
      [valueInfo('y', ['n', 64])],
    );
    const coded = (one: OnnxModel) => entropyCode(quantizeDynamic(one, { perChannel: true }).model).report.codedBytes;
    const sizes = [0, 0.5, 0.75, 0.9].map((sparsity) => coded(pruneWeights(model, { sparsity }).model));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    // Nine of ten weights are zero and cost a bit; entropy 0.47 and what the others need.
    expect(sizes.at(-1)).toBeLessThan((128 * 64) / 3);
  });

  it('is a step of a recipe, joined with the next one in one report', async () => {
    const recipe = parseRecipe(
      JSON.stringify({
        schema: 'quantlab.recipe/1',
        name: 'pruned',
        description: '',
        steps: [{ transform: 'prune', options: { sparsity: 0.25 } }, { transform: 'dynamic' }],
      }),
    );
    const { report } = await applyRecipe(recurrentModel(3), recipe);
    expect(report.weightBytesBefore).toBe(4 * (960 + 800 + 140 + 160));
    // Each weight once, as what it is in the end.
    expect(report.compressed.map(({ name, to }) => [name, to]).sort()).toEqual([
      ['m', 'int8'],
      ['r', 'int8'],
      ['w', 'int8'],
    ]);
    expect(() =>
      parseRecipe(JSON.stringify({ ...recipe, steps: [{ transform: 'prune', options: { share: 1 } }] })),
    ).toThrow(InputError);
  });

  it('gives the same bytes each time and leaves the original as it was', () => {
    const model = recurrentModel(3);
    const before = modelToBytes(model);
    const bytes = () => modelToBytes(pruneWeights(model).model);
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
    expect(Buffer.compare(modelToBytes(model), before)).toBe(0);
  });

  it('refuses what cannot be by name', () => {
    expect(() => pruneWeights(product([1]), { sparsity: 50 })).toThrow(
      /sparsity: a share of 0 or more, and below 1, was required, got 50/,
    );
    expect(() => pruneWeights(product([1]), { sparsity: 1 })).toThrow(/sparsity: .* got 1;/);
    for (const pattern of ['4:2', '2:2', '0:4', '2', 'two:four']) {
      expect(() => pruneWeights(product([1]), { pattern })).toThrow(`N below M, was required, got ${pattern}`);
    }
    expect(() => pruneWeights(product([1]), { pattern: '2:4', scope: 'model' })).toThrow(/scope: tensor was required/);
    expect(() => pruneWeights(product([1]), { opTypesToQuantize: ['Add' as PrunedOpType] })).toThrow(
      /opTypesToQuantize: .* got Add/,
    );
    expect(() => pruneWeights(product([1]), { nodesToExclude: ['other'] })).toThrow(/nodesToExclude: .* got other/);
  });
});
