/**
 * Numbers that float16 does not hold (IEEE 754 binary16: 6.1e-5 to 65,504 in full precision). The expected values are
 * those of ONNX Runtime on the float32 model; 11 bits of significand are 66 dB for one rounding.
 */
import type { NodeProto, TensorProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { convertToHalf } from '../../../src/compress/half/float16.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import type { OnnxModel } from '../../../src/onnx/model.js';
import { DTYPE_CODE } from '../../../src/onnx/tensor/dtype.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel, signalToErrorDb } from '../runModel.js';
import { smallModel, valueInfo, weight } from '../smallModels.js';

const scalar = (name: string, value: number): TensorProto => makeTensor(name, 'float32', [], Float32Array.of(value));
const toFloat = { attributes: { to: DTYPE_CODE.float32 } };
const silence: Fed = { type: 'float32', shape: [4, 32], data: new Float32Array(128) };
const speech = pattern([4, 32], 1);

/** x [4, 32] → m [4, 24] by a product, then the nodes given. */
function behindProduct(nodes: NodeProto[], constants: TensorProto[] = [], outputs = ['y']): OnnxModel {
  return smallModel(
    [makeNode('MatMul', ['x', 'w'], ['m'], { name: 'product' }), ...nodes],
    [weight('w', [32, 24], 1), ...constants],
    [valueInfo('x', ['n', 32])],
    outputs.map((name) => valueInfo(name, ['n', 'k'])),
  );
}

async function compare(
  model: OnnxModel,
  feeds: Record<string, Fed>,
): Promise<{ notes: readonly string[]; db: number }> {
  const { model: half, report } = convertToHalf(model);
  expect(report.compressed.length).toBeGreaterThan(0);
  const [before, after] = [await runModel(model, feeds), await runModel(half, feeds)];
  let db = Number.POSITIVE_INFINITY;
  for (const [name, { data, shape }] of Object.entries(before)) {
    expect(after[name]?.shape).toEqual(shape);
    expect([...(after[name]?.data ?? [])].every(Number.isFinite)).toBe([...data].every(Number.isFinite));
    const found = signalToErrorDb(data, after[name]?.data ?? new Float32Array());
    if (!Number.isNaN(found)) db = Math.min(db, found);
  }
  return { notes: report.notes, db };
}

const rms = [
  makeNode('Relu', ['m'], ['r']),
  makeNode('Mul', ['r', 'r'], ['q']),
  makeNode('ReduceMean', ['q'], ['v'], { attributes: { axes: [1] } }),
  makeNode('Add', ['v', 'eps'], ['ve'], { name: 'guard' }),
  makeNode('Sqrt', ['ve'], ['sd']),
];

const guards: Record<string, OnnxModel> = {
  'the root of a mean square': behindProduct([...rms, makeNode('Div', ['r', 'sd'], ['y'])], [scalar('eps', 1e-8)]),
  'its reciprocal': behindProduct(
    [...rms, makeNode('Reciprocal', ['sd'], ['i']), makeNode('Mul', ['r', 'i'], ['y'])],
    [scalar('eps', 1e-12)],
  ),
  'a layer normalisation in parts': behindProduct(
    [
      makeNode('ReduceMean', ['m'], ['mu'], { attributes: { axes: [1] } }),
      makeNode('Sub', ['m', 'mu'], ['c']),
      makeNode('Pow', ['c', 'two'], ['q']),
      makeNode('ReduceMean', ['q'], ['v'], { attributes: { axes: [1] } }),
      makeNode('Add', ['v', 'eps'], ['ve']),
      makeNode('Sqrt', ['ve'], ['sd']),
      makeNode('Div', ['c', 'sd'], ['d']),
      makeNode('Mul', ['d', 'gamma'], ['y']),
    ],
    [scalar('eps', 1e-12), scalar('two', 2), weight('gamma', [24], 2)],
  ),
  'a norm by Max': behindProduct(
    [
      makeNode('ReduceL2', ['m'], ['n'], { attributes: { axes: [1] } }),
      makeNode('Max', ['n', 'eps'], ['nm']),
      makeNode('Div', ['m', 'nm'], ['y']),
    ],
    [scalar('eps', 1e-12)],
  ),
  'a norm by Clip': behindProduct(
    [
      makeNode('ReduceL1', ['m'], ['n'], { attributes: { axes: [1] } }),
      makeNode('Clip', ['n', 'eps'], ['nm']),
      makeNode('Div', ['m', 'nm'], ['y']),
    ],
    [scalar('eps', 1e-10)],
  ),
  'a logarithm': behindProduct(
    [makeNode('Relu', ['m'], ['r']), makeNode('Add', ['r', 'eps'], ['l']), makeNode('Log', ['l'], ['y'])],
    [scalar('eps', 1e-10)],
  ),
};

describe('constants below what float16 holds', () => {
  it.each(Object.entries(guards))('guard %s on silence and on speech', async (_, model) => {
    expect((await compare(model, { x: silence })).db).toBeGreaterThan(50);
    const { notes, db } = await compare(model, { x: speech });
    expect(db).toBeGreaterThan(50);
    expect(notes).toEqual([expect.stringMatching(/^eps: float16 does not hold its numbers: .* stays in float32$/)]);
  });
});

/** Operators that guard by an attribute, or by their definition, on m as [4, 24] or [4, 6, 4]. */
const guarding: Record<string, readonly [NodeProto, number]> = {
  LayerNormalization: [makeNode('LayerNormalization', ['m', 'a', 'b'], ['h'], tiny()), 17],
  RMSNormalization: [makeNode('RMSNormalization', ['m', 'a'], ['h'], tiny()), 23],
  InstanceNormalization: [makeNode('InstanceNormalization', ['m3', 'a6', 'b6'], ['h3'], tiny()), 17],
  GroupNormalization: [makeNode('GroupNormalization', ['m3', 'a6', 'b6'], ['h3'], tiny({ num_groups: 2 })), 21],
  BatchNormalization: [makeNode('BatchNormalization', ['m3', 'a6', 'b6', 'b6', 'none'], ['h3'], tiny()), 17],
  MeanVarianceNormalization: [
    makeNode('MeanVarianceNormalization', ['m3'], ['h3'], { attributes: { axes: [0, 2] } }),
    17,
  ],
  LpNormalization: [makeNode('LpNormalization', ['m'], ['h']), 17],
};

function tiny(more: Record<string, number> = {}): { attributes: Record<string, number | { float: number }> } {
  return { attributes: { epsilon: { float: 1e-12 }, ...more } };
}

describe('guards of the operators themselves', () => {
  it.each(Object.entries(guarding))('%s on silence and on speech', async (_, [node, opset]) => {
    const flat = node.input[0] === 'm';
    const model = behindProduct(
      [
        ...(flat ? [] : [makeNode('Reshape', ['m', 'six'], ['m3'])]),
        node,
        ...(flat ? [] : [makeNode('Reshape', ['h3', 'back'], ['h'])]),
        makeNode('MatMul', ['h', 'v'], ['y']),
      ],
      [
        weight('a', [24], 3),
        weight('b', [24], 4),
        weight('a6', [6], 3),
        makeTensor('b6', 'float32', [6], new Float32Array(6)),
        makeTensor('none', 'float32', [6], new Float32Array(6).fill(1e-9)),
        makeTensor('six', 'int64', [3], BigInt64Array.of(4n, 6n, 4n)),
        makeTensor('back', 'int64', [2], BigInt64Array.of(4n, 24n)),
        weight('v', [24, 24], 9),
      ],
    );
    for (const entry of model.proto.opsetImport) entry.version = BigInt(opset);
    model.proto.irVersion = 10n;
    expect((await compare(model, { x: silence })).db).toBeGreaterThan(50);
    expect((await compare(model, { x: speech })).db).toBeGreaterThan(50);
  });
});

const padded: Fed = {
  type: 'int64',
  shape: [4, 24],
  data: BigInt64Array.from({ length: 96 }, (_, i) => (i < 60 ? 1n : 0n)),
};

/** A softmax over scores, of which a mask of integers hides some; of the last row all. */
function masked(nodes: NodeProto[], constants: TensorProto[]): OnnxModel {
  const model = behindProduct([...nodes, makeNode('Softmax', ['s'], ['y'])], constants);
  model.proto.graph?.input.push(valueInfo('mask', ['n', 24], 'int64'));
  return model;
}

describe('constants beyond what float16 holds', () => {
  it.each([-1e9, -65_536, -3.4028234663852886e38])('mask with %d, all of a row too', async (hidden) => {
    const byProduct = masked(
      [
        makeNode('Cast', ['mask'], ['f'], toFloat),
        makeNode('Sub', ['one', 'f'], ['o']),
        makeNode('Mul', ['o', 'hidden'], ['bias']),
        makeNode('Add', ['m', 'bias'], ['s']),
      ],
      [scalar('one', 1), scalar('hidden', hidden)],
    );
    const byChoice = masked(
      [
        makeNode('Cast', ['mask'], ['b'], { attributes: { to: DTYPE_CODE.bool } }),
        makeNode('Where', ['b', 'm', 'hidden'], ['s']),
      ],
      [scalar('hidden', hidden)],
    );
    for (const model of [byProduct, byChoice]) {
      expect((await compare(model, { x: speech, mask: padded })).db).toBeGreaterThan(50);
    }
  });

  it('bound nothing as bounds, and are clipped', async () => {
    const model = behindProduct(
      [makeNode('Clip', ['m', 'zero', 'most'], ['y'])],
      [scalar('zero', 0), scalar('most', 3.4e38)],
    );
    const { notes, db } = await compare(model, { x: speech });
    expect(db).toBeGreaterThan(50);
    expect(notes).toEqual(['most: 1 values beyond ±65,504 were clipped']);
  });

  it('stay as variances of a normalisation', async () => {
    const model = behindProduct(
      [
        makeNode('BatchNormalization', ['m', 'a', 'b', 'mean', 'variance'], ['n']),
        makeNode('MatMul', ['n', 'v'], ['y']),
      ],
      [
        ...['a', 'b', 'mean'].map((name, i) => weight(name, [24], 5 + i)),
        makeTensor('variance', 'float32', [24], new Float32Array(24).fill(1e6)),
        weight('v', [24, 24], 9),
      ],
    );
    expect((await compare(model, { x: speech })).db).toBeGreaterThan(50);
    expect(convertToHalf(model).report.leftWeights.map(({ name }) => name)).toContain('variance');
  });

  // Behind a reshape the runtime really rounds; most other operators of half precision it computes in float32.
  const large = new Float32Array(24 * 32).map((_, i) => 1e6 * Math.sin(i));
  const statistics = ['a', 'b', 'mean', 'variance'];
  it.each([
    {
      what: 'a normalisation by what was stored',
      nodes: [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('BatchNormalization', ['m', ...statistics], ['n'])],
      weights: [
        makeTensor('w', 'float32', [32, 24], large),
        ...statistics.map((name) => makeTensor(name, 'float32', [24], new Float32Array(24).fill(1))),
      ],
    },
    {
      what: 'a weight that is handed on',
      nodes: [makeNode('Transpose', ['u'], ['w']), makeNode('MatMul', ['x', 'w'], ['n'])],
      weights: [makeTensor('u', 'float32', [24, 32], large)],
    },
  ])('stay large through $what', async ({ nodes, weights }) => {
    const model = smallModel(
      [
        makeNode('MatMul', ['x', 'p'], ['z']),
        ...nodes,
        makeNode('Reshape', ['n', 'sequence'], ['s']),
        makeNode('RNN', ['s', 'W', 'R'], ['y'], { attributes: { hidden_size: 8 } }),
      ],
      [
        weight('p', [32, 24], 1),
        ...weights,
        makeTensor('sequence', 'int64', [3], BigInt64Array.of(1n, 4n, 24n)),
        weight('W', [1, 8, 24], 3),
        weight('R', [1, 8, 8], 4),
      ],
      [valueInfo('x', ['n', 32])],
      [valueInfo('z', ['n', 24]), valueInfo('y', [1, 1, 4, 8])],
    );
    expect((await compare(model, { x: speech })).db).toBeGreaterThan(50);
  });
});

describe('numbers that leave the range while computing', () => {
  it.each(['ReduceSum', 'ReduceSumSquare', 'ReduceL1'])('%s over a long axis', async (op) => {
    const model = smallModel(
      [
        makeNode('Mul', ['x', 'scale'], ['m']),
        makeNode(
          op,
          op === 'ReduceSum' ? ['m', 'axes'] : ['m'],
          ['s'],
          op === 'ReduceSum' ? {} : { attributes: { axes: [1] } },
        ),
        makeNode('Div', ['s', 'count'], ['y']),
      ],
      [weight('scale', [4000], 3, 100), scalar('count', 4000), makeTensor('axes', 'int64', [1], BigInt64Array.of(1n))],
      [valueInfo('x', ['n', 4000])],
      [valueInfo('y', ['n', 1])],
    );
    const feeds = {
      x: { ...pattern([2, 4000], 1), data: (pattern([2, 4000], 1).data as Float32Array).map((v) => 50 * (v + 1)) },
    };
    expect((await compare(model, feeds)).db).toBeGreaterThan(50);
  });

  it('a power spectrum keeps its floor through the mel filters', async () => {
    const model = smallModel(
      [
        makeNode('MatMul', ['x', 'w'], ['re']),
        makeNode('Mul', ['re', 're'], ['power']),
        makeNode('MatMul', ['power', 'mel'], ['bands']),
        makeNode('Add', ['bands', 'eps'], ['guarded']),
        makeNode('Log', ['guarded'], ['y']),
      ],
      [weight('w', [32, 64], 1), makeTensor('mel', 'float32', [64, 40], mel()), scalar('eps', 5.96e-8)],
      [valueInfo('x', ['n', 32])],
      [valueInfo('y', ['n', 40])],
    );
    for (const loud of [0, 1e-4, 1, 300]) {
      const data = (speech.data as Float32Array).map((value) => value * loud);
      expect((await compare(model, { x: { ...speech, data } })).db).toBeGreaterThan(50);
    }
    expect(
      convertToHalf(model)
        .report.compressed.map(({ name }) => name)
        .sort(),
    ).toEqual(['mel', 'w']);
  });

  it('angles of places, and the exponentials of a softmax in parts', async () => {
    const model = behindProduct(
      [
        makeNode('Exp', ['m'], ['e']),
        makeNode('ReduceSum', ['e', 'axes'], ['sum']),
        makeNode('Div', ['e', 'sum'], ['share']),
        makeNode('Shape', ['x'], ['shape']),
        makeNode('Gather', ['shape', 'first'], ['length']),
        makeNode('Range', ['none', 'length', 'first1'], ['places']),
        makeNode('Cast', ['places'], ['p'], toFloat),
        makeNode('Unsqueeze', ['p', 'axes'], ['column']),
        makeNode('MatMul', ['column', 'frequencies'], ['angles']),
        makeNode('Sin', ['angles'], ['sin']),
        makeNode('Add', ['share', 'sin'], ['y']),
      ],
      [
        makeTensor('axes', 'int64', [1], BigInt64Array.of(1n)),
        makeTensor('first', 'int64', [], BigInt64Array.of(0n)),
        makeTensor('none', 'int64', [], BigInt64Array.of(0n)),
        makeTensor('first1', 'int64', [], BigInt64Array.of(1n)),
        makeTensor(
          'frequencies',
          'float32',
          [1, 24],
          Float32Array.from({ length: 24 }, (_, i) => 10_000 ** (-i / 24)),
        ),
      ],
    );
    const long = pattern([3000, 32], 1);
    const data = (long.data as Float32Array).map((value) => 4 * value);
    expect((await compare(model, { x: { ...long, data } })).db).toBeGreaterThan(50);
  });
});

/** Triangles of 40 overlapping bands over 64 bins. */
function mel(): Float32Array {
  return Float32Array.from({ length: 64 * 40 }, (_, i) =>
    Math.max(0, 1 - Math.abs(Math.floor(i / 40) - 1.6 * (i % 40)) / 3),
  );
}
