import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { pruneUnits } from '../../../src/compress/prune/pruneUnits.js';
import { parseRecipe } from '../../../src/compress/recipe.js';
import { modelFromBytes } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { makeTensor, shapeOf, tensorFloats } from '../../../src/onnx/tensor/tensor.js';
import { pattern, runModel, signalToErrorDb } from '../runModel.js';
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
    [{ nodesToQuantize: ['nosuch'] }, /nosuch/],
  ])('refuses %j', (options, message) => {
    expect(() => pruneUnits(model('GRU', 'one'), options)).toThrow(message);
  });
});
