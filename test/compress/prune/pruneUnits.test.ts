import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { pruneUnits } from '../../../src/compress/prune/pruneUnits.js';
import { refitProduct } from '../../../src/compress/prune/refit.js';
import { parseRecipe } from '../../../src/compress/recipe.js';
import { modelFromBytes } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, shapeOf, tensorFloats } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel, samplesOf, signalToErrorDb } from '../runModel.js';
import { operatorCounts, smallModel, valueInfo, weight } from '../smallModels.js';

const UNITS = 10;
const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Kind = keyof typeof GATES;

/** How the directions of a layer come together. */
type Join = 'one' | 'added' | 'beside';

const axis = makeTensor('axis', 'int64', [1], BigInt64Array.of(1n));
const beside = (name: string) => makeTensor(name, 'int64', [3], BigInt64Array.of(0n, 0n, BigInt(2 * UNITS)));

/** Two recurrent layers of ten units and a product, x [t, n, 6] → y [t, n, 5]. */
function model(kind: Kind, join: Join): OnnxModel {
  const directions = join === 'one' ? 1 : 2;
  const width = join === 'beside' ? 2 * UNITS : UNITS;
  const rows = GATES[kind] * UNITS;
  const attributes = { hidden_size: UNITS, direction: directions === 2 ? 'bidirectional' : 'forward' };
  const layer = (index: number, reads: string) => [
    makeNode(kind, [reads, `w${index}`, `r${index}`, `b${index}`], [`h${index}`], {
      name: `layer${index}`,
      attributes,
    }),
    ...{
      one: [makeNode('Squeeze', [`h${index}`, 'axis'], [`o${index}`])],
      added: [makeNode('ReduceSum', [`h${index}`, 'axis'], [`o${index}`], { attributes: { keepdims: 0 } })],
      beside: [
        makeNode('Transpose', [`h${index}`], [`t${index}`], { attributes: { perm: [0, 2, 1, 3] } }),
        makeNode('Reshape', [`t${index}`, `shape${index}`], [`o${index}`]),
      ],
    }[join],
  ];
  const weights = (index: number, inputs: number) => [
    weight(`w${index}`, [directions, rows, inputs], 10 * index + 1, 2),
    weight(`r${index}`, [directions, rows, UNITS], 10 * index + 2, 2),
    weight(`b${index}`, [directions, 2 * rows], 10 * index + 3),
  ];
  return smallModel(
    [
      ...layer(1, 'x'),
      makeNode('Relu', ['o1'], ['a1']),
      makeNode('Mul', ['a1', 'gain'], ['g1']),
      ...layer(2, 'g1'),
      makeNode('MatMul', ['o2', 'out'], ['y'], { name: 'product' }),
    ],
    [
      ...weights(1, 6),
      ...weights(2, width),
      weight('gain', [width], 31),
      weight('out', [width, 5], 32),
      ...(join === 'beside' ? [beside('shape1'), beside('shape2')] : [axis]),
    ],
    [valueInfo('x', ['t', 'n', 6])],
    [valueInfo('y', ['t', 'n', 5])],
  );
}

/** The same with numbers changed: what belongs to some units of each layer becomes zero, but for their biases. */
function withDeadUnits(original: OnnxModel, join: Join, dead: (direction: number) => readonly number[]): OnnxModel {
  const copy = modelFromBytes(modelToBytes(original), '<dead>');
  const change = (name: string, isGone: (place: readonly number[]) => boolean): void => {
    const { initializer } = mainGraph(copy);
    const index = initializer.findIndex((tensor) => tensor.name === name);
    const tensor = initializer[index];
    if (tensor === undefined) throw new Error(`${name} was required, got nothing`);
    const shape = shapeOf(tensor);
    const values = tensorFloats(tensor).map((value, at) => {
      const place: number[] = [];
      for (const size of shape.toReversed()) {
        place.unshift(at % size);
        at = Math.floor(at / size);
      }
      return isGone(place) ? 0 : value;
    });
    initializer[index] = makeTensor(name, 'float32', shape, values);
  };
  const reads = (place: number): boolean =>
    join === 'beside' ? dead(Math.floor(place / UNITS)).includes(place % UNITS) : dead(0).includes(place);
  for (const index of [1, 2]) {
    const own = ([direction = 0, row = 0]: readonly number[]): boolean => dead(direction).includes(row % UNITS);
    change(`w${index}`, (place) => own(place) || (index === 2 && reads(place[2] ?? 0)));
    change(`r${index}`, (place) => own(place) || dead(place[0] ?? 0).includes(place[2] ?? 0));
  }
  change('gain', ([place = 0]) => reads(place));
  change('out', ([place = 0]) => reads(place));
  return copy;
}

const feeds = { x: pattern([7, 2, 6], 1) };

async function lossDb(one: OnnxModel, other: OnnxModel): Promise<number> {
  const [before, after] = [await runModel(one, feeds), await runModel(other, feeds)];
  expect(after['y']?.shape).toEqual(before['y']?.shape);
  return signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array());
}

const CASES = (Object.keys(GATES) as Kind[]).flatMap((kind) =>
  (['one', 'added', 'beside'] as const).map((join) => [kind, join] as const),
);

describe('pruneUnits', () => {
  it.each(CASES)('%s, directions %s: units that do nothing go, and the answers stay', async (kind, join) => {
    // Beside each other the directions may lose different units; added they lose the same.
    const dead = (direction: number) => (join === 'beside' && direction === 1 ? [0, 7] : [3, 4]);
    const original = withDeadUnits(model(kind, join), join, dead);
    const { model: pruned, report } = pruneUnits(original, { share: 0.2 });
    const shapes = new Map(mainGraph(pruned).initializer.map((tensor) => [tensor.name, shapeOf(tensor)]));
    const directions = join === 'one' ? 1 : 2;
    const width = join === 'beside' ? 16 : 8;
    expect(shapes.get('w1')).toEqual([directions, 8 * GATES[kind], 6]);
    expect(shapes.get('w2')).toEqual([directions, 8 * GATES[kind], width]);
    expect(shapes.get('r2')).toEqual([directions, 8 * GATES[kind], 8]);
    expect(shapes.get('b2')).toEqual([directions, 2 * 8 * GATES[kind]]);
    expect(shapes.get('gain')).toEqual([width]);
    expect(shapes.get('out')).toEqual([width, 5]);
    expect(report.replacedNodes).toEqual({ [kind]: 2 });
    expect(report.notes).toEqual(['layer1: 8 of 10 units are left', 'layer2: 8 of 10 units are left']);
    expect(report.weightBytesAfter).toBeLessThan(report.weightBytesBefore);
    expect(await lossDb(original, pruned)).toBeGreaterThan(90);
  });

  it('takes the weakest of living units, which costs something, and goes before quantization', async () => {
    const original = model('LSTM', 'added');
    const steps = [{ transform: 'prune-units', options: { share: 0.1 } }, { transform: 'dynamic' }];
    const recipe = parseRecipe(JSON.stringify({ schema: 'quantlab.recipe/1', name: 'both', description: '', steps }));
    const { model: made, report } = await applyRecipe(original, recipe);
    expect(operatorCounts(made)).toMatchObject({ DynamicQuantizeLSTM: 2, MatMulInteger: 1 });
    expect(report.compressed.filter(({ to }) => to === 'int8')).toHaveLength(5);
    const db = await lossDb(original, made);
    expect(db).toBeGreaterThan(3);
    expect(db).toBeLessThan(60);
  });

  it('leaves a layer whose units others read in a way that it cannot follow, with the reason', () => {
    const [recurrent] = mainGraph(model('LSTM', 'one')).node;
    if (recurrent === undefined) throw new Error('a layer was required, got none');
    const weights = mainGraph(model('LSTM', 'one')).initializer;
    const answers = smallModel(
      [recurrent],
      weights,
      [valueInfo('x', ['t', 'n', 6])],
      [valueInfo('h1', ['t', 1, 'n', UNITS])],
    );
    const norm = smallModel(
      [recurrent, makeNode('Softmax', ['h1'], ['y'], { name: 'softmax' })],
      weights,
      [valueInfo('x', ['t', 'n', 6])],
      [valueInfo('y', ['t', 1, 'n', UNITS])],
    );
    const why = (one: OnnxModel) => pruneUnits(one).report.leftNodes.map(({ cause, reason }) => `${cause}: ${reason}`);
    const cannot = 'form: its units cannot be taken out of what reads them';
    expect(why(answers)).toEqual([`${cannot}: the model itself answers it`]);
    expect(why(norm)).toEqual([`${cannot}: softmax (Softmax)`]);
    const kept = mainGraph(pruneUnits(norm).model).initializer.filter(({ name }) => name === 'w1');
    expect(kept.map(shapeOf)).toEqual([[1, 4 * UNITS, 6]]);
  });

  it.each([
    [{ share: 1 }, /share: a share below 1 was required, got 1/],
    [{ share: -0.1 }, /share: a share of 0 or more was required/],
    [{ calibrated: true }, /calibrated: a calibration set was required, got none/],
    [{ nodesToQuantize: ['nosuch'] }, /nosuch/],
  ])('refuses %j', (options, message) => {
    expect(() => pruneUnits(model('GRU', 'one'), options)).toThrow(message);
  });
});

/** A layer of ten units, what reads it, and where both have places for a unit. */
interface Case {
  readonly model: OnnxModel;
  readonly x: readonly number[];
  /** Constants with places along an axis; several for a unit where a run is said. */
  readonly places: readonly (readonly [constant: string, axis: number, run?: number])[];
  /** Which of them a unit does nothing without. */
  readonly silent: readonly string[];
}

const shape = (name: string, ...sizes: number[]) =>
  makeTensor(name, 'int64', [sizes.length], BigInt64Array.from(sizes, BigInt));
const scalar = (name: string, value: number) => makeTensor(name, 'float32', [], Float32Array.of(value));
const positive = (name: string, seed: number) =>
  makeTensor(
    name,
    'float32',
    [UNITS],
    (pattern([UNITS], seed).data as Float32Array).map((value) => 1 + Math.abs(value)),
  );
const convolution = (kernel: readonly number[]) =>
  [weight('w', [UNITS, 3, ...kernel], 1, 2), weight('b', [UNITS], 2)] as const;
const OWN = [
  ['w', 0],
  ['b', 0],
] as const;

const CASES_OF_PRODUCTS: Readonly<Record<string, Case>> = {
  'a convolution, normalised, then one of a kernel for each channel': {
    model: smallModel(
      [
        makeNode('Conv', ['x', 'w', 'b'], ['c'], { name: 'layer' }),
        makeNode('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], ['n']),
        makeNode('Relu', ['n'], ['a']),
        makeNode('Conv', ['a', 'own', 'ownBias'], ['d'], { name: 'deep', attributes: { group: UNITS } }),
        makeNode('MaxPool', ['d'], ['p'], { attributes: { kernel_shape: [2] } }),
        makeNode('Shape', ['p'], ['size'], { attributes: { start: 2, end: 3 } }),
        makeNode('Cast', ['size'], ['length'], { attributes: { to: 1 } }),
        makeNode('Conv', ['p', 'out'], ['e'], { name: 'last' }),
        makeNode('Div', ['e', 'length'], ['y']),
      ],
      [
        ...convolution([3]),
        ...[positive('gamma', 3), weight('beta', [UNITS], 4), weight('mean', [UNITS], 5), positive('variance', 6)],
        ...[weight('own', [UNITS, 1, 2], 7, 2), weight('ownBias', [UNITS], 8), weight('out', [5, UNITS, 2], 9, 2)],
      ],
      [valueInfo('x', ['n', 3, 12])],
      [valueInfo('y', ['n', 5, 't'])],
    ),
    x: [2, 3, 12],
    places: [...OWN, ['gamma', 0], ['beta', 0], ['mean', 0], ['variance', 0], ['own', 0], ['ownBias', 0], ['out', 1]],
    silent: ['w', 'out'],
  },
  'pictures whose channels become places of steps': {
    model: smallModel(
      [
        makeNode('Conv', ['x', 'w', 'b'], ['c'], { name: 'layer' }),
        makeNode('Clip', ['c', 'zero'], ['a']),
        makeNode('ReduceMax', ['x'], ['most'], { attributes: { axes: [1, 2], keepdims: 0 } }),
        makeNode('Unsqueeze', ['most', 'axes'], ['mask']),
        makeNode('Mul', ['mask', 'a'], ['m']),
        makeNode('Transpose', ['m'], ['t'], { attributes: { perm: [3, 0, 1, 2] } }),
        makeNode('Reshape', ['t', 'flat'], ['f']),
        makeNode('MatMul', ['f', 'out'], ['y'], { name: 'last' }),
      ],
      [
        ...convolution([2, 1]),
        ...[scalar('zero', 0), shape('axes', -3, -2), shape('flat', 0, 0, -1), weight('out', [UNITS * 4, 5], 9, 2)],
      ],
      [valueInfo('x', ['n', 3, 5, 't'])],
      [valueInfo('y', ['s', 'n', 5])],
    ),
    x: [2, 3, 5, 6],
    places: [...OWN, ['out', 0, 4]],
    silent: ['w', 'out'],
  },
  'pictures laid flat': {
    model: smallModel(
      [
        makeNode('Conv', ['x', 'w', 'b'], ['c'], { name: 'layer' }),
        makeNode('Relu', ['c'], ['a']),
        makeNode('Flatten', ['a'], ['f']),
        makeNode('Gemm', ['f', 'out'], ['y'], { name: 'last', attributes: { transB: 1 } }),
      ],
      [...convolution([2, 2]), weight('out', [5, UNITS * 6], 9, 2)],
      [valueInfo('x', ['n', 3, 3, 4])],
      [valueInfo('y', ['n', 5])],
    ),
    x: [2, 3, 3, 4],
    places: [...OWN, ['out', 1, 6]],
    silent: ['w', 'out'],
  },
  'a feed-forward layer with GELU written out, around which its input goes': {
    model: smallModel(
      [
        makeNode('MatMul', ['x', 'w'], ['p'], { name: 'layer' }),
        makeNode('Add', ['b', 'p'], ['h']),
        makeNode('Div', ['h', 'root'], ['d']),
        makeNode('Erf', ['d'], ['e']),
        makeNode('Add', ['e', 'one'], ['s']),
        makeNode('Mul', ['h', 's'], ['g']),
        makeNode('MatMul', ['g', 'out'], ['o'], { name: 'last' }),
        makeNode('Add', ['x', 'o'], ['y']),
      ],
      [
        ...[weight('w', [6, UNITS], 1, 2), weight('b', [UNITS], 2), weight('out', [UNITS, 6], 9, 2)],
        ...[scalar('root', Math.SQRT2), scalar('one', 1)],
      ],
      [valueInfo('x', ['n', 't', 6])],
      [valueInfo('y', ['n', 't', 6])],
    ),
    x: [2, 4, 6],
    places: [
      ['w', 1],
      ['b', 0],
      ['out', 0],
    ],
    silent: ['w', 'out'],
  },
  'a Gemm, turned, before another': {
    model: smallModel(
      [
        makeNode('Gemm', ['x', 'w', 'b'], ['p'], { name: 'layer', attributes: { transB: 1 } }),
        makeNode('Tanh', ['p'], ['a']),
        makeNode('Gemm', ['a', 'out'], ['y'], { name: 'last' }),
      ],
      [weight('w', [UNITS, 6], 1, 2), weight('b', [UNITS], 2), weight('out', [UNITS, 5], 9, 2)],
      [valueInfo('x', ['n', 6])],
      [valueInfo('y', ['n', 5])],
    ),
    x: [4, 6],
    places: [...OWN, ['out', 0]],
    silent: ['w', 'out'],
  },
};

/** A model with other numbers in some constants. */
function withNumbers(
  original: OnnxModel,
  change: (name: string, place: (axis: number) => number, value: number) => number,
): OnnxModel {
  const copy = modelFromBytes(modelToBytes(original), '<changed>');
  const { initializer } = mainGraph(copy);
  for (const [index, tensor] of initializer.entries()) {
    if (tensor.dataType !== 1) continue;
    const sizes = shapeOf(tensor);
    const values = tensorFloats(tensor).map((value, at) => {
      const place = (axis: number): number =>
        Math.floor(at / sizes.slice(axis + 1).reduce((all, size) => all * size, 1)) % (sizes[axis] ?? 1);
      return change(tensor.name, place, value);
    });
    initializer[index] = makeTensor(tensor.name, 'float32', sizes, values);
  }
  return copy;
}

async function lossOn(x: readonly number[], one: OnnxModel, other: OnnxModel): Promise<number> {
  const fed = { x: pattern(x, 5) };
  const [before, after] = [await runModel(one, fed), await runModel(other, fed)];
  expect(after['y']?.shape).toEqual(before['y']?.shape);
  return signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array());
}

async function calibratedOn(model: OnnxModel, share: number, feeds: readonly Readonly<Record<string, Fed>>[]) {
  const steps = [{ transform: 'prune-units', options: { share, calibrated: true } }];
  const recipe = parseRecipe(JSON.stringify({ schema: 'quantlab.recipe/1', name: 'fitted', description: '', steps }));
  return await applyRecipe(model, recipe, { samples: samplesOf(feeds) });
}

describe('pruneUnits of products', () => {
  it.each(Object.entries(CASES_OF_PRODUCTS))('%s: units that do nothing go, the answers stay', async (_, one) => {
    const dead = [3, 4];
    const original = withNumbers(one.model, (name, place, value) => {
      const [, axis = 0, run = 1] = one.places.find(([constant]) => constant === name) ?? [];
      return one.silent.includes(name) && dead.includes(Math.floor(place(axis) / run)) ? 0 : value;
    });
    const { model: pruned, report } = pruneUnits(original, { share: 0.2 });
    expect(report.notes).toContain('layer: 8 of 10 units are left');
    const shapes = new Map(mainGraph(pruned).initializer.map((tensor) => [tensor.name, shapeOf(tensor)]));
    for (const tensor of mainGraph(original).initializer) {
      const [, axis = -1, run = 1] = one.places.find(([constant]) => constant === tensor.name) ?? [];
      const sizes = shapeOf(tensor);
      expect(shapes.get(tensor.name), tensor.name).toEqual(axis < 0 ? sizes : sizes.with(axis, 8 * run));
    }
    expect(await lossOn(one.x, original, pruned)).toBeGreaterThan(90);
  });

  it.each(Object.entries(CASES_OF_PRODUCTS))('%s: fitted on a calibration set it loses less', async (_, one) => {
    const feeds = [1, 2].map((seed) => ({ x: pattern(one.x.with(0, 40), seed) }));
    const { model: fitted } = await calibratedOn(one.model, 0.2, feeds);
    const plain = pruneUnits(one.model, { share: 0.2 }).model;
    expect(await lossOn(one.x, one.model, fitted)).toBeGreaterThan((await lossOn(one.x, one.model, plain)) + 3);
  });

  it('loses nothing where the units that stay can say what the others said', async () => {
    // Ten units of six numbers, without anything between: eight of them say all of it.
    const linear = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['h'], { name: 'layer' }), makeNode('MatMul', ['h', 'out'], ['y'])],
      [weight('w', [6, UNITS], 1, 2), weight('out', [UNITS, 5], 9, 2)],
      [valueInfo('x', ['n', 6])],
      [valueInfo('y', ['n', 5])],
    );
    const { model: fitted } = await calibratedOn(linear, 0.2, [{ x: pattern([50, 6], 1) }]);
    expect(await lossOn([7, 6], linear, fitted)).toBeGreaterThan(60);
    expect(await lossOn([7, 6], linear, pruneUnits(linear, { share: 0.2 }).model)).toBeLessThan(30);
  });

  it('takes out what never fires, whatever the share', async () => {
    const gemm = CASES_OF_PRODUCTS['a Gemm, turned, before another'] as Case;
    const rectified = mainGraph(gemm.model).node.map((node) =>
      node.opType === 'Tanh' ? makeNode('Relu', ['p'], ['a']) : node,
    );
    const graph = { ...mainGraph(gemm.model), node: rectified };
    const quiet = withNumbers({ ...gemm.model, proto: { ...gemm.model.proto, graph } }, (name, place, value) =>
      name === 'b' ? ([2, 5].includes(place(0)) ? -1000 : 1 + Math.abs(value)) : value,
    );
    const { model: without, report } = await calibratedOn(quiet, 0, [{ x: pattern([40, 6], 1) }]);
    expect(report.notes).toContain('layer: 8 of 10 units are left');
    expect(await lossOn(gemm.x, quiet, without)).toBeGreaterThan(90);
  });

  it('leaves units that meet others, and channels in groups', () => {
    const nodes = [
      makeNode('MatMul', ['x', 'w'], ['h'], { name: 'layer' }),
      makeNode('Add', ['h', 'z'], ['s'], { name: 'sum' }),
      makeNode('MatMul', ['s', 'out'], ['y']),
    ];
    const meets = smallModel(
      nodes,
      [weight('w', [6, UNITS], 1), weight('out', [UNITS, 5], 9)],
      [valueInfo('x', ['n', 6]), valueInfo('z', ['n', UNITS])],
      [valueInfo('y', ['n', 5])],
    );
    const reasons = (model: OnnxModel) =>
      pruneUnits(model).report.leftNodes.map(({ node, reason }) => `${node}: ${reason}`);
    expect(reasons(meets)[0]).toBe('layer: its units cannot be taken out of what reads them: sum (Add)');
    const groups = smallModel(
      [
        makeNode('Conv', ['x', 'w'], ['c'], { name: 'layer', attributes: { group: 2 } }),
        makeNode('Conv', ['c', 'out'], ['y'], { name: 'last' }),
      ],
      [weight('w', [UNITS, 2, 1], 1), weight('out', [5, UNITS, 1], 9)],
      [valueInfo('x', ['n', 4, 't'])],
      [valueInfo('y', ['n', 5, 't'])],
    );
    expect(reasons(groups)[0]).toBe('layer: its channels are in groups');
  });

  it('refuses a calibration set that is too small, and none at all', async () => {
    const { model: gemm } = CASES_OF_PRODUCTS['a Gemm, turned, before another'] as Case;
    await expect(calibratedOn(gemm, 0.2, [{ x: pattern([9, 6], 1) }])).rejects.toThrow(
      /at least 10 rows of a, one for each of its places, were required by pruning of units, got 9/,
    );
    const steps = [{ transform: 'prune-units' as const, options: { calibrated: true } }];
    const recipe = { schema: 'quantlab.recipe/1' as const, name: 'fitted', description: '', steps };
    await expect(applyRecipe(gemm, recipe)).rejects.toThrow(
      /a calibration set was required by pruning of units, got none/,
    );
  });
});

describe('pruneUnits of recurrent layers', () => {
  it('loses less, by far on the whole, where it is fitted on a calibration set', async () => {
    const samples = [1, 2, 3].map((seed) => ({ x: pattern([20, 3, 6], seed) }));
    const x = [20, 2, 6];
    const gains: number[] = [];
    for (const [kind, join] of CASES) {
      const original = model(kind, join);
      const { model: fitted, report } = await calibratedOn(original, 0.2, samples);
      expect(report.notes).toEqual(['layer1: 8 of 10 units are left', 'layer2: 8 of 10 units are left']);
      const plain = pruneUnits(original, { share: 0.2 }).model;
      gains.push((await lossOn(x, original, fitted)) - (await lossOn(x, original, plain)));
    }
    expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(3);
  });
});

describe('refitProduct', () => {
  it('is where the error of what the product gives, with the ridge, has no slope any more', () => {
    const sizes = fc.integer({ min: 2, max: 7 });
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 99 }), (size, columns, seed) => {
        const rows = 3 * size;
        const x = pattern([rows, size], seed).data as Float32Array;
        const old = weight('w', [size, columns], seed + 1);
        const [was, kept] = [tensorFloats(old), Array.from({ length: size - 1 }, (_, i) => i)];
        const at = (i: number, j: number): number => x[i * size + j] ?? 0;
        const products = new Float64Array(size * size);
        for (let i = 0; i < size * size; i++) {
          for (let row = 0; row < rows; row++)
            products[i] = (products[i] ?? 0) + at(row, Math.floor(i / size)) * at(row, i % size);
        }
        const made = refitProduct(old, 0, [kept], { size, rows, products });
        const now = tensorFloats(made ?? old);
        const ridge = (1e-4 * kept.reduce((sum, i) => sum + (products[i * size + i] ?? 0), 0)) / kept.length;
        for (let column = 0; column < columns; column++) {
          const change = (i: number): number =>
            (kept.includes(i) ? (now[i * columns + column] ?? 0) : 0) - (was[i * columns + column] ?? 0);
          for (const place of kept) {
            let slope = ridge * change(place);
            for (let j = 0; j < size; j++) slope += (products[place * size + j] ?? 0) * change(j);
            expect(slope).toBeCloseTo(0, 3);
          }
        }
      }),
      { numRuns: 60, seed: 20_261_129 },
    );
  });
});
