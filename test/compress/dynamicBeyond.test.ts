/**
 * Models on which ONNX Runtime's own tool (1.31) raises or leaves weights in float without a word: each is quantized
 * here, loads, and answers nearly what the float model answers.
 */
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import type { QuantizeDynamicOptions } from '../../src/compress/dynamic/dynamicOptions.js';
import type { Compressed } from '../../src/compress/pass.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { modelNodes } from '../../src/onnx/graph/subgraphs.js';
import { makeValueInfo } from '../../src/onnx/graph/valueInfo.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../src/onnx/model.js';
import { encodeFloat16 } from '../../src/onnx/tensor/halfFloat.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { type SmallModel, smallModel, weightValues } from '../onnx/smallModels.js';
import { type Fed, pattern, runModel, signalToErrorDb } from './runModel.js';

const io = { inputs: { x: ['float32', ['n', 16]] }, outputs: { y: ['float32', ['n', 16]] } } as const;
const feeds = { x: pattern([5, 16], 1) };
const matrix = (name: string, seed = 1, shape: readonly number[] = [16, 16]) =>
  makeTensor(
    name,
    'float32',
    shape,
    weightValues(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );
const constantNode = (name: string, seed = 1) =>
  makeNode('Constant', [], [name], { attributes: { value: { tensor: matrix('', seed) } } });

function counts(model: OnnxModel): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { opType } of modelNodes(model.proto)) found[opType] = (found[opType] ?? 0) + 1;
  return found;
}

/** Quantizes, runs both, compares, and checks the report's counts against the graph. */
async function check(
  model: OnnxModel,
  fed: Readonly<Record<string, Fed>> = feeds,
  options: QuantizeDynamicOptions = {},
): Promise<Compressed> {
  const result = quantizeDynamic(model, options);
  const [before, after] = [counts(model), counts(result.model)];
  for (const [opType, replaced] of Object.entries(result.report.replacedNodes)) {
    expect((before[opType] ?? 0) - (after[opType] ?? 0)).toBe(replaced);
  }
  const [expected, actual] = [await runModel(model, fed), await runModel(result.model, fed)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    expect(actual[name]?.shape).toEqual(shape);
    expect(signalToErrorDb(data, actual[name]?.data ?? new Float32Array())).toBeGreaterThan(25);
  }
  return result;
}

const small = (parts: Partial<SmallModel> & Pick<SmallModel, 'nodes'>): OnnxModel => smallModel({ ...io, ...parts });

describe('weights that are no initializers', () => {
  it('as Constant nodes, of a Conv too', async () => {
    await check(small({ nodes: [constantNode('w'), makeNode('MatMul', ['x', 'w'], ['y'])] }));
    const filter = makeTensor('', 'float32', [4, 2, 3, 3], weightValues(72, 1));
    const model = smallModel({
      nodes: [
        makeNode('Constant', [], ['w'], { attributes: { value: { tensor: filter } } }),
        makeNode('Constant', [], ['b'], { attributes: { value_floats: { floats: [0.1, 0.2, 0.3, 0.4] } } }),
        makeNode('Conv', ['x', 'w', 'b'], ['y']),
      ],
      inputs: { x: ['float32', [1, 2, 8, 8]] },
      outputs: { y: ['float32', [1, 4, 6, 6]] },
    });
    const { report } = await check(model, { x: pattern([1, 2, 8, 8], 1) }, { opTypesToQuantize: ['Conv'] });
    expect(report.replacedNodes).toEqual({ Conv: 1 });
  });

  it('in float16 behind a Cast', async () => {
    const halves = makeTensor('h', 'float16', [16, 16], encodeFloat16(weightValues(256, 1)));
    const nodes = [makeNode('Cast', ['h'], ['w'], { attributes: { to: 1 } }), makeNode('MatMul', ['x', 'w'], ['y'])];
    const { model } = await check(small({ nodes, weights: [halves] }));
    expect(mainGraph(model).initializer.map(({ name }) => name)).not.toContain('h');
  });

  it('transposed, read by two nodes, one of them both ways round', async () => {
    const nodes = [
      makeNode('Transpose', ['w'], ['t'], { attributes: { perm: [1, 0] } }),
      makeNode('MatMul', ['x', 't'], ['a'], { name: 'one' }),
      makeNode('MatMul', ['a', 'w'], ['b'], { name: 'two' }),
      makeNode('Gemm', ['b', 'w'], ['y'], { name: 'three', attributes: { transB: 1 } }),
    ];
    const { report } = await check(small({ nodes, weights: [matrix('w')] }), feeds, { perChannel: true });
    // All read the same integers, turned where they need it.
    expect(report.compressed).toHaveLength(1);
  });

  it('cut out of one matrix and joined again, as recurrent gates are', async () => {
    const cut = (name: string, from: bigint, to: bigint) => [
      makeTensor(`${name}_from`, 'int64', [1], BigInt64Array.of(from)),
      makeTensor(`${name}_to`, 'int64', [1], BigInt64Array.of(to)),
    ];
    const nodes = [
      makeNode('Slice', ['w', 'a_from', 'a_to'], ['a']),
      makeNode('Slice', ['w', 'b_from', 'b_to'], ['b']),
      makeNode('Concat', ['b', 'a'], ['joined'], { attributes: { axis: 0 } }),
      makeNode('Unsqueeze', ['joined', 'first'], ['three']),
      makeNode('Squeeze', ['three', 'first'], ['v']),
      makeNode('MatMul', ['x', 'v'], ['y']),
    ];
    const first = makeTensor('first', 'int64', [1], BigInt64Array.of(0n));
    const weights = [matrix('w'), ...cut('a', 0n, 7n), ...cut('b', 7n, 2n ** 62n), first];
    await check(small({ nodes, weights }));
  });
});

describe('weights cut apart at computed places', () => {
  it('are found, as PyTorch exports LSTM gates without its optimizer', async () => {
    const hidden = 8;
    const whole = (name: string, value: number) => makeTensor(name, 'int64', [1], BigInt64Array.of(BigInt(value)));
    const gates = (name: string) => [
      makeNode('Slice', [name, 'zero', 'units', 'zero'], [`${name}_i`]),
      makeNode('Slice', [name, 'units3', 'units4', 'zero'], [`${name}_o`]),
      makeNode('Slice', [name, 'units', 'units3', 'zero'], [`${name}_fc`]),
      makeNode('Concat', [`${name}_i`, `${name}_o`, `${name}_fc`], [`${name}_joined`], { attributes: { axis: 0 } }),
      makeNode('Unsqueeze', [`${name}_joined`, 'zero'], [`${name}_gates`]),
    ];
    const model = smallModel({
      nodes: [
        makeNode('Constant', [], ['nought'], { attributes: { value_float: { float: 0 } } }),
        makeNode('Expand', ['nought', 'sizes'], ['state']),
        makeNode('Shape', ['state'], ['units'], { attributes: { start: 2, end: 3 } }),
        makeNode('Mul', ['units', 'three'], ['units3']),
        makeNode('Mul', ['units', 'four'], ['units4']),
        ...gates('W'),
        ...gates('R'),
        makeNode('LSTM', ['x', 'W_gates', 'R_gates', '', '', 'state', 'state'], ['y'], {
          attributes: { hidden_size: hidden },
        }),
      ],
      inputs: { x: ['float32', ['t', 2, 16]] },
      outputs: { y: ['float32', ['t', 1, 2, hidden]] },
      weights: [
        matrix('W', 1, [4 * hidden, 16]),
        matrix('R', 2, [4 * hidden, hidden]),
        makeTensor('sizes', 'int64', [3], BigInt64Array.of(1n, 2n, BigInt(hidden))),
        whole('zero', 0),
        whole('three', 3),
        whole('four', 4),
      ],
    });
    const { model: quantized } = await check(model, { x: pattern([5, 2, 16], 1) });
    // What computed the places is gone; the state is still wanted.
    expect(mainGraph(quantized).node.map(({ opType }) => opType)).toEqual(['Expand', 'DynamicQuantizeLSTM']);
  });
});

describe('Gemm', () => {
  const weights = [matrix('w'), makeTensor('b', 'float32', [16], weightValues(16, 2))];
  it.each([{ alpha: { float: 0.5 }, beta: { float: 2 } }, { alpha: { float: -3 }, transB: 1 }, { beta: { float: 0 } }])(
    'with %j',
    async (attributes) => {
      const nodes = [makeNode('Gemm', ['x', 'w', 'b'], ['y'], { attributes })];
      for (const perChannel of [false, true]) {
        const { report } = await check(small({ nodes, weights }), feeds, { perChannel });
        expect(report.replacedNodes).toEqual({ Gemm: 1 });
      }
    },
  );

  it('with a transposed left-hand side', async () => {
    const model = smallModel({
      nodes: [makeNode('Gemm', ['x', 'w', 'b'], ['y'], { attributes: { transA: 1 } })],
      inputs: { x: ['float32', [16, 'n']] },
      outputs: io.outputs,
      weights,
    });
    await check(model, { x: pattern([16, 5], 1) });
  });

  it('in a chain without any shape information', async () => {
    const nodes = Array.from({ length: 6 }, (_, index) =>
      makeNode('Gemm', [index === 0 ? 'x' : `h${index}`, 'w', 'b'], [index === 5 ? 'y' : `h${index + 1}`], {
        attributes: { transB: 1 },
      }),
    );
    const { report } = await check(small({ nodes, weights }));
    expect(report.compressed).toHaveLength(1);
    expect(report.replacedNodes).toEqual({ Gemm: 6 });
  });

  it('with shape information that is wrong', async () => {
    const model = small({ nodes: [makeNode('MatMul', ['x', 'w'], ['h']), makeNode('Relu', ['h'], ['y'])], weights });
    mainGraph(model).valueInfo.push(makeValueInfo('h', 'float32', ['n', 99]));
    expect(quantizeDynamic(model).report.replacedNodes).toEqual({ MatMul: 1 });
  });
});

describe('nested graphs', () => {
  it('Loop: the weight of the graph around it, quantized once outside', async () => {
    const body = mainGraph(
      smallModel({
        nodes: [
          makeNode('MatMul', ['state', 'w'], ['product'], { name: 'step' }),
          makeNode('Tanh', ['product'], ['next']),
          makeNode('Identity', ['going'], ['go']),
          makeNode('MatMul', ['x', 'w'], ['constant_part'], { name: 'captured' }),
          makeNode('Add', ['next', 'constant_part'], ['sum']),
        ],
        inputs: { count: ['int64', []], going: ['bool', []], state: ['float32', ['n', 16]] },
        outputs: { go: ['bool', []], sum: ['float32', ['n', 16]] },
      }),
    );
    const nodes = [makeNode('Loop', ['three', '', 'x'], ['y'], { attributes: { body: { graph: body } } })];
    const weights = [matrix('w'), makeTensor('three', 'int64', [], BigInt64Array.of(3n))];
    const { model, report } = await check(small({ nodes, weights }));
    expect(report.replacedNodes).toEqual({ MatMul: 2 });
    expect(report.compressed).toHaveLength(1);
    // The input of the loop is quantized before it, not in each round.
    expect(mainGraph(model).node.map(({ opType }) => opType)).toEqual(['DynamicQuantizeLinear', 'Loop']);
  });

  it('Scan: a step with its own Constant weight', async () => {
    const body = mainGraph(
      smallModel({
        nodes: [
          constantNode('r', 3),
          makeNode('MatMul', ['h', 'r'], ['p']),
          makeNode('Add', ['p', 'row'], ['q']),
          makeNode('Tanh', ['q'], ['next']),
          makeNode('Identity', ['next'], ['out']),
        ],
        inputs: { h: ['float32', [1, 16]], row: ['float32', [16]] },
        outputs: { next: ['float32', [1, 16]], out: ['float32', [1, 16]] },
      }),
    );
    const model = smallModel({
      nodes: [
        makeNode('Scan', ['start', 'x'], ['last', 'y'], { attributes: { body: { graph: body }, num_scan_inputs: 1 } }),
      ],
      inputs: io.inputs,
      outputs: { last: ['float32', [1, 16]], y: ['float32', ['n', 1, 16]] },
      weights: [makeTensor('start', 'float32', [1, 16], new Float32Array(16))],
    });
    expect((await check(model)).report.replacedNodes).toEqual({ MatMul: 1 });
  });

  it('If in If: an LSTM inside is quantized', async () => {
    const lstm = mainGraph(
      smallModel({
        nodes: [makeNode('LSTM', ['x', 'W', 'R'], ['out'], { attributes: { hidden_size: 8 } })],
        inputs: {},
        outputs: { out: ['float32', ['t', 1, 'n', 8]] },
        weights: [matrix('R', 2, [1, 32, 8])],
      }),
    );
    const other = mainGraph(
      smallModel({
        nodes: [makeNode('LSTM', ['x', 'W', 'V'], ['out2'], { attributes: { hidden_size: 8 } })],
        inputs: {},
        outputs: { out2: ['float32', ['t', 1, 'n', 8]] },
        weights: [matrix('V', 3, [1, 32, 8])],
      }),
    );
    const middle = (name: string) =>
      mainGraph(
        smallModel({
          nodes: [
            makeNode('If', ['flag'], [name], {
              attributes: { then_branch: { graph: lstm }, else_branch: { graph: other } },
            }),
          ],
          inputs: {},
          outputs: { [name]: ['float32', ['t', 1, 'n', 8]] },
        }),
      );
    const model = smallModel({
      nodes: [
        makeNode('If', ['flag'], ['y'], {
          attributes: { then_branch: { graph: middle('m1') }, else_branch: { graph: middle('m2') } },
        }),
      ],
      inputs: { x: ['float32', ['t', 'n', 16]], flag: ['bool', []] },
      outputs: { y: ['float32', ['t', 1, 'n', 8]] },
      weights: [matrix('W', 1, [1, 32, 16])],
    });
    for (const flag of [0, 1]) {
      const fed = { x: pattern([4, 1, 16], 1), flag: { type: 'bool', shape: [], data: Uint8Array.of(flag) } } as const;
      const { report } = await check(model, fed);
      expect(report.replacedNodes).toEqual({ LSTM: 4 });
      expect(report.compressed.filter(({ name }) => name === 'W')).toHaveLength(1);
    }
  });
});

describe('half precision', () => {
  it('LSTM, which the runtime has in float32 only, becomes runnable', async () => {
    const shapes = { W: [2, 32, 16], R: [2, 32, 8], B: [2, 64] };
    const weight = (dtype: 'float16' | 'float32', name: keyof typeof shapes, seed: number) => {
      const values = weightValues(
        shapes[name].reduce((a, b) => a * b, 1),
        seed,
      );
      return makeTensor(name, dtype, shapes[name], dtype === 'float16' ? encodeFloat16(values) : values);
    };
    const attributes = { hidden_size: 8, direction: 'bidirectional' };
    const model = (dtype: 'float16' | 'float32') =>
      smallModel({
        nodes: [
          makeNode('Cast', ['x'], ['c'], { attributes: { to: dtype === 'float16' ? 10 : 1 } }),
          makeNode('LSTM', ['c', 'W', 'R', 'B'], ['h', 'last'], { attributes }),
          makeNode('Cast', ['h'], ['y'], { attributes: { to: 1 } }),
          makeNode('Cast', ['last'], ['z'], { attributes: { to: 1 } }),
        ],
        inputs: { x: ['float32', ['t', 'n', 16]] },
        outputs: { y: ['float32', ['t', 2, 'n', 8]], z: ['float32', [2, 'n', 8]] },
        weights: [weight(dtype, 'W', 1), weight(dtype, 'R', 2), weight(dtype, 'B', 3)],
      });
    const fed = { x: pattern([6, 1, 16], 1) };
    const expected = await runModel(model('float32'), fed);
    const { model: quantized, report } = quantizeDynamic(model('float16'));
    expect(report.compressed.map(({ from, to }) => `${from} ${to}`)).toEqual(['float16 int8', 'float16 int8']);
    const actual = await runModel(quantized, fed);
    for (const name of ['y', 'z']) {
      const [want, got] = [expected[name]?.data ?? new Float32Array(), actual[name]?.data ?? new Float32Array()];
      expect(signalToErrorDb(want, got)).toBeGreaterThan(25);
    }
  });

  it('bfloat16 is refused with the reason', () => {
    const weights = [makeTensor('w', 'bfloat16', [16, 16], new Uint16Array(256))];
    const { report } = quantizeDynamic(small({ nodes: [makeNode('MatMul', ['x', 'w'], ['y'])], weights }));
    expect(report.leftNodes[0]?.reason).toBe('its right-hand side is bfloat16');
    expect(report.leftWeights[0]).toMatchObject({ name: 'w', dtype: 'bfloat16', sizeBytes: 512 });
  });
});

describe('versions', () => {
  it.each([7, 8, 9, 10, 11, 13, 17, 21, 23, 24])('operator set %d', async (opset) => {
    const nodes = [
      makeNode('MatMul', ['x', 'w'], ['a']),
      makeNode('Relu', ['a'], ['b']),
      makeNode('Gemm', ['b', 'w', 'c'], ['y']),
    ];
    const model = small({
      nodes,
      opset,
      weights: [matrix('w'), makeTensor('c', 'float32', [16], weightValues(16, 2))],
    });
    // The IR version that came with the operator set.
    model.proto.irVersion = BigInt(opset < 9 ? 3 : opset < 11 ? 5 : opset < 21 ? 8 : 10);
    if (opset < 9) {
      mainGraph(model).input.push(makeValueInfo('w', 'float32', [16, 16]), makeValueInfo('c', 'float32', [16]));
    }
    const { model: quantized, report } = await check(model);
    expect(opsetVersion(quantized)).toBe(Math.max(opset, 11));
    expect(report.notes).toEqual(opset < 11 ? [`operator set ${opset} was raised to 11`] : []);
  });
});

describe('what is not weights', () => {
  it('weights that callers could replace are noted', () => {
    const model = small({ nodes: [makeNode('MatMul', ['x', 'w'], ['y'])], weights: [matrix('w')] });
    mainGraph(model).input.push(makeValueInfo('w', 'float32', [16, 16]));
    const { model: quantized, report } = quantizeDynamic(model);
    expect(mainGraph(quantized).input.map(({ name }) => name)).toEqual(['x']);
    expect(report.notes).toEqual(['1 weights were listed as inputs, too: they cannot be replaced by callers any more']);
  });

  it('metadata, names and unknown fields stay', () => {
    const model = small({ nodes: [makeNode('MatMul', ['x', 'w'], ['y'])], weights: [matrix('w')] });
    model.proto.producerName = 'somebody';
    model.proto.docString = 'of something';
    model.proto.$unknown = [{ no: 500, wireType: 2, data: Uint8Array.of(1, 7) }];
    mainGraph(model).$unknown = [{ no: 501, wireType: 2, data: Uint8Array.of(1, 8) }];
    model.proto.metadataProps.push({ $typeName: 'onnx.StringStringEntryProto', key: 'a', value: 'b' });
    const { proto } = quantizeDynamic(model).model;
    expect(proto).toMatchObject({ producerName: 'somebody', docString: 'of something', irVersion: 8n });
    expect(proto.metadataProps).toHaveLength(1);
    expect(proto.$unknown).toEqual(model.proto.$unknown);
    expect(proto.graph?.$unknown).toEqual(mainGraph(model).$unknown);
  });
});
