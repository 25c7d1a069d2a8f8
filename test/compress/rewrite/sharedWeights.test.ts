/**
 * One weight that is read in several ways is stored once, by every recipe: a model that shares its embedding with its
 * last product (Press & Wolf 2017, arXiv:1608.05859) must not grow. Answers are compared with the float model's.
 */
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import { PRESETS, type Recipe, type RecipeStep } from '../../../src/compress/recipe.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import type { OnnxModel } from '../../../src/onnx/model.js';
import { type Fed, pattern, runModel, signalToErrorDb } from '../runModel.js';
import { smallModel, valueInfo, weight } from '../smallModels.js';

const WIDTH = 64;
const recipe = (step: RecipeStep): Recipe => ({
  schema: 'quantlab.recipe/1',
  name: 'one',
  description: '',
  steps: [step],
});

/** Rows of the table are cut into whole blocks: it is picked from as the product stores it. */
const BLOCKS_OF_32: RecipeStep = {
  transform: 'weight-only',
  options: { quantFormat: 'QOperator', bits: 4, blockSize: 32 },
};

const RECIPES: readonly (readonly [name: string, recipe: Recipe, least: number])[] = [
  ['dynamic', PRESETS.dynamic, 25],
  ['dynamic, per channel', recipe({ transform: 'dynamic', options: { perChannel: true } }), 25],
  ['weight-only', recipe({ transform: 'weight-only', options: { quantFormat: 'QDQ' } }), 30],
  ['4 bits', recipe({ transform: 'weight-only', options: { quantFormat: 'QOperator', bits: 4 } }), 8],
  ['4 bits, in blocks that fit', recipe(BLOCKS_OF_32), 8],
  ['float16', recipe({ transform: 'half', options: {} }), 45],
  ['float16 weights', recipe({ transform: 'half', options: { weightsOnly: true } }), 55],
  ['bfloat16 weights', recipe({ transform: 'half', options: { format: 'bfloat16', weightsOnly: true } }), 35],
  ['prune', recipe({ transform: 'prune', options: { sparsity: 0.1 } }), 15],
];

/** Eight layers with one weight, each through an `Identity` of its own. */
function throughIdentity(): OnnxModel {
  const nodes = Array.from({ length: 8 }, (_, layer) => [
    makeNode('Identity', ['w'], [`w${layer}`]),
    makeNode('MatMul', [layer === 0 ? 'x' : `t${layer - 1}`, `w${layer}`], [`h${layer}`]),
    makeNode('Tanh', [`h${layer}`], [layer === 7 ? 'y' : `t${layer}`]),
  ]).flat();
  return smallModel(
    nodes,
    [weight('w', [WIDTH, WIDTH], 1, 0.4)],
    [valueInfo('x', ['n', WIDTH])],
    [valueInfo('y', ['n', WIDTH])],
  );
}

/** Four layers with one weight, each through a `Transpose` of its own. */
function throughTranspose(): OnnxModel {
  const nodes = Array.from({ length: 4 }, (_, layer) => [
    makeNode('Transpose', ['w'], [`w${layer}`], { attributes: { perm: [1, 0] } }),
    makeNode('MatMul', [layer === 0 ? 'x' : `t${layer - 1}`, `w${layer}`], [`h${layer}`]),
    makeNode('Tanh', [`h${layer}`], [layer === 3 ? 'y' : `t${layer}`]),
  ]).flat();
  return smallModel(
    nodes,
    [weight('w', [WIDTH, WIDTH], 1, 0.4)],
    [valueInfo('x', ['n', WIDTH])],
    [valueInfo('y', ['n', WIDTH])],
  );
}

/** A table that is picked from and, turned, the last product's matrix: by a `Transpose`, or by a `Gemm`. */
function tied(last: 'Transpose' | 'Gemm'): OnnxModel {
  const classify =
    last === 'Gemm'
      ? [makeNode('Gemm', ['h', 'table'], ['y'], { name: 'last', attributes: { transB: 1 } })]
      : [
          makeNode('Transpose', ['table'], ['turned'], { attributes: { perm: [1, 0] } }),
          makeNode('MatMul', ['h', 'turned'], ['y'], { name: 'last' }),
        ];
  return smallModel(
    [makeNode('Gather', ['table', 'ids'], ['e'], { name: 'pick' }), makeNode('Tanh', ['e'], ['h']), ...classify],
    [weight('table', [200, WIDTH], 2)],
    [valueInfo('ids', ['n'], 'int64')],
    [valueInfo('y', ['n', 200])],
  );
}

const x = { x: pattern([3, WIDTH], 1) };
const ids: Record<string, Fed> = { ids: { type: 'int64', shape: [4], data: BigInt64Array.of(3n, 0n, 199n, 77n) } };
const MODELS: readonly (readonly [string, OnnxModel, Readonly<Record<string, Fed>>])[] = [
  ['one weight for 8 layers', throughIdentity(), x],
  ['4 transposes of one weight', throughTranspose(), x],
  ['a table shared with a transposed product', tied('Transpose'), ids],
  ['a table shared with a Gemm', tied('Gemm'), ids],
];

describe.each(MODELS)('%s', (_, model, feeds) => {
  it.each(RECIPES)('is stored once by %s', async (name, steps, least) => {
    const { model: smaller } = await applyRecipe(model, steps);
    const [expected, actual] = [(await runModel(model, feeds))['y'], (await runModel(smaller, feeds))['y']];
    const empty = new Float32Array();
    expect(signalToErrorDb(expected?.data ?? empty, actual?.data ?? empty)).toBeGreaterThan(least);
    const ratio = modelToBytes(model).length / modelToBytes(smaller).length;
    // What is small beside the weight: nodes and names.
    const factor = name.includes('16')
      ? 1.6
      : name.startsWith('dynamic') || name === 'weight-only' || name.includes('fit')
        ? 2
        : 0.99;
    expect(ratio).toBeGreaterThan(factor);
  });
});

it('stays in float where a reader is to stay so, with the reason', () => {
  const model = tied('Transpose');
  const { model: same, report } = quantizeDynamic(model, {
    nodesToExclude: ['last'],
    opTypesToQuantize: ['MatMul', 'Gather'],
  });
  expect(modelToBytes(same).length).toBeLessThanOrEqual(modelToBytes(model).length);
  expect(report.leftNodes.map(({ node, reason }) => [node, reason])).toContainEqual([
    'pick',
    'its weight table is read in float, too: stored twice, the model would be larger',
  ]);
});

it('holds for the weights of recurrent layers', async () => {
  const gru = (input: string, output: string, name: string) =>
    makeNode('GRU', [input, 'w', 'r'], ['', output], { name, attributes: { hidden_size: 48, linear_before_reset: 1 } });
  const model = smallModel(
    [
      gru('x', 'h', 'first'),
      makeNode('Tanh', ['x'], ['x1']),
      gru('x1', 'h1', 'second'),
      makeNode('Add', ['h', 'h1'], ['y']),
    ],
    [weight('w', [1, 144, 48], 1), weight('r', [1, 144, 48], 2)],
    [valueInfo('x', ['t', 'n', 48])],
    [valueInfo('y', [1, 'n', 48])],
  );
  const feeds = { x: pattern([5, 2, 48], 1) };
  const expected = (await runModel(model, feeds))['y']?.data ?? new Float32Array();
  for (const recurrence of ['float', 'int8', 'nbits8'] as const) {
    const projection = recurrence === 'nbits8' ? 'int8' : recurrence;
    const { model: smaller } = await applyRecipe(
      model,
      recipe({ transform: 'recurrent', options: { projection, recurrence } }),
    );
    const actual = (await runModel(smaller, feeds))['y']?.data ?? new Float32Array();
    expect(signalToErrorDb(expected, actual)).toBeGreaterThan(20);
    // In float the weights are as many bytes as before, beside more nodes.
    const most = recurrence === 'float' ? 1.1 : 0.5;
    expect(modelToBytes(smaller).length).toBeLessThan(most * modelToBytes(model).length);
  }
});
