import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { factorsOf, type Kept, spectrumOf } from '../../../src/compress/lowRank/factors.js';
import { factorWeights } from '../../../src/compress/lowRank/lowRank.js';
import { parseRecipe, readRecipe } from '../../../src/compress/recipe.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, shapeOf, storedSizeBytes } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel, samplesOf, signalToErrorDb } from '../runModel.js';
import { operatorCounts, smallModel, valueInfo, weight } from '../smallModels.js';

/** A weight [rows, columns] of a rank, rows first or turned, in the shape given. */
function lowRank(name: string, shape: readonly number[], rows: number, rank: number, isTurned: boolean) {
  const columns = shape.reduce((product, dim) => product * dim, 1) / rows;
  const [left, right] = [pattern([rows, rank], 3).data, pattern([rank, columns], 5).data] as Float32Array[];
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += (left?.[i * rank + r] ?? 0) * (right?.[r * columns + k] ?? 0);
      values[isTurned ? k * rows + i : i * columns + k] = sum;
    }
  }
  return makeTensor(name, 'float32', shape, values);
}

const RANK = 3;

/** One layer of each operator, from x to y, whose weight has a rank of three. */
const LAYERS: Readonly<Record<string, () => OnnxModel>> = {
  MatMul: () =>
    smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'layer' })],
      [lowRank('w', [20, 30], 20, RANK, false)],
      [valueInfo('x', ['n', 5, 20])],
      [valueInfo('y', ['n', 5, 30])],
    ),
  Gemm: () =>
    smallModel(
      [makeNode('Gemm', ['x', 'w', 'b'], ['y'], { name: 'layer', attributes: { transB: 1, alpha: { float: 0.5 } } })],
      [lowRank('w', [30, 20], 20, RANK, true), weight('b', [30], 2)],
      [valueInfo('x', ['n', 20])],
      [valueInfo('y', ['n', 30])],
    ),
  Conv: () =>
    smallModel(
      [makeNode('Conv', ['x', 'w', 'b'], ['y'], { name: 'layer', attributes: { strides: [2, 1] } })],
      [lowRank('w', [30, 20, 1, 1], 20, RANK, true), weight('b', [30], 2)],
      [valueInfo('x', ['n', 20, 7, 4])],
      [valueInfo('y', ['n', 30, 'h', 'w_'])],
    ),
  LSTM: () => recurrent('LSTM', 4),
  GRU: () => recurrent('GRU', 3),
  RNN: () => recurrent('RNN', 1),
};

function recurrent(opType: string, gates: number): OnnxModel {
  const hidden = 8;
  const attributes = { hidden_size: hidden, direction: 'bidirectional' };
  return smallModel(
    [makeNode(opType, ['x', 'w', 'r', 'b'], ['y'], { name: 'layer', attributes })],
    [
      lowRank('w', [2, gates * hidden, 20], 20, RANK, true),
      weight('r', [2, gates * hidden, hidden], 4),
      weight('b', [2, 2 * gates * hidden], 5),
    ],
    [valueInfo('x', ['t', 'n', 20])],
    [valueInfo('y', ['t', 2, 'n', hidden])],
  );
}

/** Numbers that are, along an axis, sums of three patterns. */
function inFewDimensions(shape: readonly number[], axis: number, seed: number): Fed {
  const size = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const count = shape.reduce((all, dim) => all * dim, 1) / size;
  const patterns = pattern([RANK, size], 77).data as Float32Array;
  const shares = pattern([count, RANK], seed).data as Float32Array;
  const data = new Float32Array(count * size);
  for (let row = 0; row < count; row++) {
    for (let place = 0; place < size; place++) {
      const at = (Math.floor(row / inner) * size + place) * inner + (row % inner);
      for (let r = 0; r < RANK; r++) {
        data[at] = (data[at] ?? 0) + (shares[row * RANK + r] ?? 0) * (patterns[r * size + place] ?? 0);
      }
    }
  }
  return { type: 'float32', shape, data };
}

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  MatMul: [2, 5, 20],
  Gemm: [4, 20],
  Conv: [2, 20, 7, 4],
};

async function lossDb(opType: string, model: OnnxModel, other: OnnxModel): Promise<number> {
  const feeds = { x: pattern(SHAPES[opType] ?? [6, 2, 20], 1) };
  const [before, after] = [await runModel(model, feeds), await runModel(other, feeds)];
  expect(after['y']?.shape).toEqual(before['y']?.shape);
  return signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array());
}

const factorize = (values: Float32Array, rows: number, columns: number, kept: Kept) =>
  factorsOf(spectrumOf(values, rows, columns), kept);

describe('factorsOf', () => {
  it('gives the nearest matrix of a rank: what it lacks is what the singular values left out hold', () => {
    // Singular values 4, 2 and 1, by construction: a rotation about each axis on both sides would change none of them.
    const values = Float32Array.of(0, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1);
    for (const [rank, error] of [
      [1, 5],
      [2, 1],
      [3, 0],
    ] as const) {
      for (const [matrix, rows, columns] of [
        [values, 3, 4],
        [Float32Array.of(0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1), 4, 3],
      ] as const) {
        const { product } = factorize(matrix, rows, columns, { rank });
        expect(product.reduce((sum, value, i) => sum + (value - (matrix[i] ?? 0)) ** 2, 0)).toBeCloseTo(error, 5);
      }
    }
    // 16 of 21 is 76 %, 20 of 21 is 95 %.
    const ranks = [0.7, 0.77, 0.95, 0.96, 1].map((energy) => factorize(values, 3, 4, { energy }).rank);
    expect(ranks).toEqual([1, 2, 2, 3, 3]);
  });

  it('keeps at least the share of squares that was asked for, in the fewest factors, on any matrix', () => {
    const sizes = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        sizes,
        sizes,
        fc.integer({ min: 1, max: 99 }),
        fc.double({ min: 0.1, max: 0.99, noNaN: true }),
        (rows, columns, seed, energy) => {
          const values = pattern([rows, columns], seed).data as Float32Array;
          const lost = (product: Float32Array) =>
            product.reduce((sum, value, i) => sum + (value - (values[i] ?? 0)) ** 2, 0);
          const all = values.reduce((sum, value) => sum + value * value, 0);
          const { rank, product } = factorize(values, rows, columns, { energy });
          expect(lost(product)).toBeLessThanOrEqual((1 - energy) * all + 1e-4 * all);
          if (rank > 1) {
            expect(lost(factorize(values, rows, columns, { rank: rank - 1 }).product)).toBeGreaterThan(
              (1 - energy) * all - 1e-4 * all,
            );
          }
        },
      ),
      { numRuns: 200, seed: 20_261_128 },
    );
  });
});

describe('factorWeights', () => {
  it.each(Object.keys(LAYERS))('%s: a weight of low rank becomes two factors, and the answers stay', async (opType) => {
    const model = (LAYERS[opType] as () => OnnxModel)();
    const { model: made, report } = factorWeights(model, { energy: 0.999_999 });
    expect(report.replacedNodes).toEqual({ [opType]: 1 });
    expect(report.compressed.map(({ name, node }) => `${name} of ${node}`)).toEqual(['w of layer', 'w of layer']);
    const [before] = mainGraph(model)
      .initializer.filter(({ name }) => name === 'w')
      .map(storedSizeBytes);
    expect(report.compressed.reduce((sum, { sizeBytesBefore }) => sum + sizeBytesBefore, 0)).toBeCloseTo(before ?? 0);
    const factors = mainGraph(made).initializer.filter(({ name }) => name.startsWith('w_'));
    expect(factors.map(shapeOf).every((shape) => shape.includes(RANK))).toBe(true);
    expect(factors.reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0)).toBe(
      report.compressed.reduce((sum, { sizeBytesAfter }) => sum + sizeBytesAfter, 0),
    );
    expect(await lossDb(opType, model, made)).toBeGreaterThan(90);
  });

  it('gives what the factors multiply to at a rank of its own', async () => {
    const model = (LAYERS['MatMul'] as () => OnnxModel)();
    const { model: made, report } = factorWeights(model, { rank: 2 });
    const db = await lossDb('MatMul', model, made);
    expect(db).toBeGreaterThan(0);
    expect(db).toBeLessThan(60);
    expect(report.compressed[0]?.signalToErrorDb).toBeGreaterThan(0);
  });

  it('takes no more than a share of the bytes', () => {
    const { report } = factorWeights((LAYERS['MatMul'] as () => OnnxModel)(), { bytes: 0.4 });
    const [before, after] = [
      20 * 30 * 4,
      report.compressed.reduce((sum, { sizeBytesAfter }) => sum + sizeBytesAfter, 0),
    ];
    // Rank 4 is 200 numbers of 600, rank 5 is 250.
    expect(after / before).toBeCloseTo(200 / 600);
  });

  it.each(Object.keys(LAYERS))(
    '%s: weighed by what it reads, two factors do where that has few dimensions',
    async (opType) => {
      // A weight of full rank reads only sums of three patterns: rank 3 gives what it gave.
      const model = (LAYERS[opType] as () => OnnxModel)();
      const full = mainGraph(model).initializer.map((tensor) =>
        tensor.name === 'w' ? weight('w', shapeOf(tensor), 11) : tensor,
      );
      const dense: OnnxModel = {
        ...model,
        proto: { ...model.proto, graph: { ...mainGraph(model), initializer: full } },
      };
      const shape = SHAPES[opType] ?? [6, 2, 20];
      const channels = opType === 'Conv' ? 1 : shape.length - 1;
      const sample = (seed: number) => ({ x: inFewDimensions(shape.with(0, 30), channels, seed) });
      const steps = [{ transform: 'low-rank', options: { rank: RANK, calibrated: true } }];
      const recipe = parseRecipe(
        JSON.stringify({ schema: 'quantlab.recipe/1', name: 'weighed', description: '', steps }),
      );
      const { model: weighed, report } = await applyRecipe(dense, recipe, {
        samples: samplesOf([sample(1), sample(2)]),
      });
      expect(report.replacedNodes).toEqual({ [opType]: 1 });
      const plain = factorWeights(dense, { rank: RANK }).model;
      const answers = async (one: OnnxModel) => (await runModel(one, sample(3)))['y']?.data ?? new Float32Array();
      const reference = await answers(dense);
      expect(signalToErrorDb(reference, await answers(weighed))).toBeGreaterThan(45);
      expect(signalToErrorDb(reference, await answers(plain))).toBeLessThan(30);
    },
  );

  it('goes before other techniques: the report tells of the weights of the original model', async () => {
    const model = (LAYERS['LSTM'] as () => OnnxModel)();
    const steps = [{ transform: 'low-rank', options: { rank: 3 } }, { transform: 'dynamic' }];
    const recipe = parseRecipe(JSON.stringify({ schema: 'quantlab.recipe/1', name: 'both', description: '', steps }));
    const { model: made, report } = await applyRecipe(model, recipe);
    expect(operatorCounts(made)).toMatchObject({ DynamicQuantizeLSTM: 1, MatMulInteger: 1 });
    expect(report.compressed.map(({ name, node, to }) => `${name} of ${node}: ${to}`).sort()).toEqual([
      'r of layer: int8',
      'w of layer: int8',
      'w of layer: int8',
    ]);
    const weights = mainGraph(model).initializer;
    expect(report.weightBytesBefore).toBe(weights.reduce((sum, tensor) => sum + storedSizeBytes(tensor), 0));
    expect(report.leftWeights.map(({ name }) => name)).toEqual(['b']);
    expect(await lossDb('LSTM', model, made)).toBeGreaterThan(20);
  });

  it('lets later steps name what it had no reason to make', async () => {
    const twice = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['h'], { name: 'one' }), makeNode('MatMul', ['h', 'w'], ['y'], { name: 'two' })],
      [weight('w', [20, 20], 1)],
      [valueInfo('x', ['n', 20])],
      [valueInfo('y', ['n', 20])],
    );
    const nodesToQuantize = ['one', 'two', 'one_low_rank'];
    const steps = (bits: string[]) => [
      { transform: 'low-rank' as const, options: { bytes: 0.5, nodesToQuantize: ['one'] } },
      { transform: 'dynamic' as const, options: { nodesToQuantize: bits } },
    ];
    const recipe = { schema: 'quantlab.recipe/1' as const, name: 'both', description: '' };
    const { model: made } = await applyRecipe(twice, { ...recipe, steps: steps(nodesToQuantize) });
    expect(operatorCounts(made)).toMatchObject({ MatMulInteger: 2 });
    await expect(applyRecipe(twice, { ...recipe, steps: steps(['two_low_rank']) })).rejects.toThrow(/two_low_rank/);
  });

  it('refuses a calibration set that is too small', async () => {
    const model = (LAYERS['MatMul'] as () => OnnxModel)();
    const steps = [{ transform: 'low-rank' as const, options: { calibrated: true } }];
    const recipe = { schema: 'quantlab.recipe/1' as const, name: 'weighed', description: '', steps };
    const samples = async function* (_: OnnxModel, tensors: readonly string[]) {
      yield Object.fromEntries(tensors.map((name) => [name, Float32Array.of(40)]));
    };
    await expect(applyRecipe(model, recipe, { samples })).rejects.toThrow(
      /at least 20 rows of x, .*, were required by low-rank factorization, got 2; give more recordings or arrays/,
    );
  });

  it('leaves what would get no smaller, and what it has no form of, with the reason', () => {
    const reasons = (model: OnnxModel, options = {}) =>
      factorWeights(model, options).report.leftNodes.map(({ cause, reason }) => `${cause}: ${reason}`);
    expect(reasons((LAYERS['MatMul'] as () => OnnxModel)(), { rank: 12 })).toEqual([
      'larger: two factors of rank 12 would take no less than its 20 × 30 numbers',
    ]);
    const kernel = smallModel(
      [makeNode('Conv', ['x', 'w'], ['y'], { name: 'layer' })],
      [weight('w', [30, 20, 3, 3], 1)],
      [valueInfo('x', ['n', 20, 7, 4])],
      [valueInfo('y', ['n', 30, 5, 2])],
    );
    expect(reasons(kernel)).toEqual(['form: its kernel is larger than 1, or it pads']);
    const twice = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['h'], { name: 'one' }), makeNode('MatMul', ['h', 'w'], ['y'], { name: 'two' })],
      [lowRank('w', [20, 20], 20, RANK, false)],
      [valueInfo('x', ['n', 20])],
      [valueInfo('y', ['n', 20])],
    );
    expect(reasons(twice)).toEqual(Array(2).fill('shared: another node reads its weight, too'));
  });

  it.each([
    [{ rank: 21 }, /rank: at most 20, the full rank of .*, was required, got 21/],
    [{ rank: 0 }, /rank/],
    [{ energy: 0 }, /energy: a share above 0 was required, got 0/],
    [{ bytes: 1 }, /bytes: a share below 1 was required, got 1/],
    [{ calibrated: true }, /calibrated: a calibration set was required, got none/],
    [{ energy: 1.5 }, /energy: a share of at most 1 was required, got 1.5/],
    [{ nodesToQuantize: ['nosuch'] }, /nosuch/],
  ])('refuses %j', (options, message) => {
    expect(() => factorWeights((LAYERS['MatMul'] as () => OnnxModel)(), options)).toThrow(message);
  });

  it('is a recipe by its name', async () => {
    expect((await readRecipe('low-rank')).steps).toEqual([{ transform: 'low-rank' }]);
    await expect(readRecipe('low-rnk')).rejects.toThrow(/did you mean low-rank\?/);
  });
});
