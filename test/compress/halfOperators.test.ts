/**
 * Which values become half precision follows from the definition of each operator (ONNX Operators.md): types that differ
 * between the inputs and outputs of one node. ONNX Runtime refuses a model whose types do not agree.
 */
import { create } from '@bufbuild/protobuf';
import {
  type GraphProto,
  type NodeProto,
  SparseTensorProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { convertToHalf, type HalfOptions } from '../../src/compress/half/float16.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { modelTensors } from '../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../src/onnx/model.js';
import { DTYPE_CODE } from '../../src/onnx/tensor/dtype.js';
import { makeTensor, tensorDtype } from '../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel, signalToErrorDb } from './runModel.js';
import { smallModel, valueInfo, weight } from './smallModels.js';

const float = DTYPE_CODE.float32;
const scalar = (name: string, value: number): TensorProto => makeTensor(name, 'float32', [], Float32Array.of(value));
const ints = (name: string, ...values: number[]): TensorProto =>
  makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
const bytes = (name: string, type: 'uint8' | 'int8', shape: number[], ...values: number[]): TensorProto =>
  makeTensor(name, type, shape, Uint8Array.from(values));

/** Converts, runs both, and gives the signal to error of the worst output; the file must not have grown. */
async function decibels(model: OnnxModel, feeds: Record<string, Fed>, options: HalfOptions = {}): Promise<number> {
  const { model: half, report } = convertToHalf(model, options);
  expect(report.compressed.length).toBeGreaterThan(0);
  expect(modelToBytes(half).length).toBeLessThan(modelToBytes(model).length);
  const [before, after] = [await runModel(model, feeds), await runModel(half, feeds)];
  const all = Object.entries(before).map(([name, { data, shape }]) => {
    expect(after[name]?.shape).toEqual(shape);
    return signalToErrorDb(data, after[name]?.data ?? new Float32Array());
  });
  return Math.min(...all);
}

function floats(model: OnnxModel): string[] {
  return [...modelTensors(model.proto)].filter((one) => tensorDtype(one) === 'float32').map(({ name }) => name);
}

const x: Fed = pattern([4, 32], 1);

/** x [4, 32] → m [4, 16] → the nodes given → y by another product where `last` names what goes in. */
function around(nodes: NodeProto[], constants: TensorProto[], last = 'h', opset = 17, width = 16): OnnxModel {
  return smallModel(
    [makeNode('MatMul', ['x', 'w'], ['m']), ...nodes, makeNode('MatMul', [last, 'v'], ['y'])],
    [weight('w', [32, 16], 1), weight('v', [width, 8], 2), ...constants],
    [valueInfo('x', [4, 32])],
    [{ ...valueInfo('y', ['n', 8]) } as ValueInfoProto],
    opset,
  );
}

describe('models without floating-point inputs', () => {
  it('halves embeddings of tokens, and what follows', async () => {
    const model = smallModel(
      [
        makeNode('Gather', ['table', 'ids'], ['e']),
        makeNode('MatMul', ['e', 'w'], ['a']),
        makeNode('Add', ['a', 'b'], ['ab']),
        makeNode('LayerNormalization', ['ab', 'g', 'be'], ['l']),
        makeNode('MatMul', ['l', 'v'], ['y']),
      ],
      [
        weight('table', [100, 16], 1),
        weight('w', [16, 32], 2),
        ...['b', 'g', 'be'].map((name, i) => weight(name, [32], 3 + i)),
        weight('v', [32, 8], 7),
      ],
      [valueInfo('ids', [1, 'n'], 'int64')],
      [valueInfo('y', [1, 'n', 8])],
    );
    const ids: Fed = { type: 'int64', shape: [1, 5], data: BigInt64Array.of(3n, 1n, 4n, 99n, 5n) };
    expect(await decibels(model, { ids })).toBeGreaterThan(50);
    const { model: half, report } = convertToHalf(model);
    expect(floats(half)).toEqual([]);
    expect(report.weightBytesBefore).toBe(2 * report.weightBytesAfter);
  });

  it.each(['uint8', 'int32', 'int64'] as const)('halves the convolutions of an image of %s', async (type) => {
    const model = smallModel(
      [
        makeNode('Cast', ['image'], ['f'], { attributes: { to: float } }),
        makeNode('Div', ['f', 'largest'], ['s']),
        makeNode('Conv', ['s', 'w'], ['c']),
        makeNode('Relu', ['c'], ['r']),
        makeNode('Conv', ['r', 'v'], ['y']),
      ],
      [scalar('largest', 255), weight('w', [8, 3, 3, 3], 1), weight('v', [4, 8, 3, 3], 2)],
      [valueInfo('image', [1, 3, 8, 8], type)],
      [valueInfo('y', [1, 4, 4, 4])],
    );
    const values = Array.from({ length: 192 }, (_, i) => (i * 37) % 256);
    const data = {
      uint8: Uint8Array.from(values),
      int32: Int32Array.from(values),
      int64: BigInt64Array.from(values, BigInt),
    }[type];
    expect(await decibels(model, { image: { type, shape: [1, 3, 8, 8], data } })).toBeGreaterThan(50);
    expect(floats(convertToHalf(model).model)).toEqual(type === 'uint8' ? [] : ['largest']);
  });
});

/** One operator each of those whose inputs and outputs differ in type; `h` goes on into a product. */
const mixed: Record<string, readonly [NodeProto[], TensorProto[], number?]> = {
  QLinearMatMul: [
    [
      makeNode('QuantizeLinear', ['m', 's', 'z'], ['q']),
      makeNode('QLinearMatMul', ['q', 's', 'z', 'B', 's', 'zb', 's', 'z'], ['r']),
      makeNode('DequantizeLinear', ['r', 's', 'z'], ['d']),
      makeNode('Add', ['d', 'm'], ['h']),
    ],
    [
      scalar('s', 0.1),
      bytes('z', 'uint8', [], 128),
      bytes('B', 'int8', [16, 16], ...Array.from({ length: 256 }, (_, i) => i % 7)),
      bytes('zb', 'int8', [], 0),
    ],
  ],
  MatMulInteger: [
    [
      makeNode('DynamicQuantizeLinear', ['m'], ['q', 's', 'z']),
      makeNode('MatMulInteger', ['q', 'B', 'z'], ['i']),
      makeNode('Cast', ['i'], ['f'], { attributes: { to: float } }),
      makeNode('Mul', ['f', 's'], ['h']),
    ],
    [bytes('B', 'int8', [16, 16], ...Array.from({ length: 256 }, (_, i) => i % 5))],
  ],
  Where: [
    [makeNode('Greater', ['m', 'zero'], ['c']), makeNode('Where', ['c', 'm', 'zero'], ['h'])],
    [scalar('zero', 0)],
  ],
  'NonMaxSuppression and Gather': [
    [
      makeNode('Reshape', ['m', 'boxes'], ['b']),
      makeNode('ReduceMax', ['b'], ['t'], { attributes: { axes: [2], keepdims: 0 } }),
      makeNode('Unsqueeze', ['t', 'one'], ['scores']),
      makeNode('NonMaxSuppression', ['b', 'scores', 'nine'], ['sel']),
      makeNode('Gather', ['sel', 'two'], ['ix'], { attributes: { axis: 1 } }),
      makeNode('Cast', ['ix'], ['row'], { attributes: { to: float } }),
      makeNode('ReduceMax', ['row'], ['last'], { attributes: { keepdims: 0 } }),
      makeNode('Add', ['m', 'last'], ['h']),
    ],
    [ints('boxes', 1, 16, 4), ints('one', 1), ints('nine', 9), ints('two', 2)],
  ],
  TopK: [[makeNode('TopK', ['m', 'k'], ['h', 'places'])], [ints('k', 16)]],
  ArgMax: [
    [
      makeNode('ArgMax', ['m'], ['at'], { attributes: { axis: 1 } }),
      makeNode('Cast', ['at'], ['f'], { attributes: { to: float } }),
      makeNode('Add', ['m', 'f'], ['h']),
    ],
    [],
  ],
  Resize: [
    [
      makeNode('Unsqueeze', ['m', 'axes'], ['u']),
      makeNode('Resize', ['u', '', 'scales'], ['r'], { attributes: { mode: 'linear' } }),
      makeNode('Squeeze', ['r', 'axes'], ['h']),
    ],
    [ints('axes', 0), makeTensor('scales', 'float32', [3], Float32Array.of(1, 1.7, 1))],
  ],
  OneHot: [
    [
      makeNode('ArgMax', ['m'], ['at'], { attributes: { axis: 1, keepdims: 0 } }),
      makeNode('OneHot', ['at', 'depth', 'values'], ['o']),
      makeNode('Add', ['m', 'o'], ['h']),
    ],
    [ints('depth', 16), makeTensor('values', 'float32', [2], Float32Array.of(0, 1))],
  ],
  'Range and ConstantOfShape': [
    [
      makeNode('Shape', ['m'], ['shape']),
      makeNode('ConstantOfShape', ['shape'], ['fill'], {
        attributes: { value: { tensor: makeTensor('', 'float32', [1], Float32Array.of(0.5)) } },
      }),
      makeNode('Range', ['zero', 'sixteen', 'step'], ['ramp']),
      makeNode('Add', ['fill', 'ramp'], ['bias']),
      makeNode('Add', ['m', 'bias'], ['h']),
    ],
    [scalar('zero', 0), scalar('sixteen', 16), scalar('step', 1)],
  ],
  'EyeLike and RandomNormalLike': [
    [
      makeNode('EyeLike', ['m'], ['eye']),
      makeNode('RandomNormalLike', ['m'], ['noise'], { attributes: { scale: { float: 1e-6 } } }),
      makeNode('Sum', ['m', 'eye', 'noise'], ['h']),
    ],
    [],
  ],
  CastLike: [
    [makeNode('Cast', ['m'], ['i'], { attributes: { to: DTYPE_CODE.int32 } }), makeNode('CastLike', ['i', 'm'], ['h'])],
    [],
  ],
  'CastLike of what has the type already': [
    [
      makeNode('ReduceMax', ['m'], ['top'], { attributes: { axes: [1] } }),
      makeNode('Greater', ['m', 'zero'], ['c']),
      makeNode('Where', ['c', 'm', 'zero'], ['t']),
      makeNode('CastLike', ['t', 'top'], ['l']),
      makeNode('Add', ['l', 'top'], ['h']),
    ],
    [scalar('zero', 0)],
  ],
  'Dropout with its mask': [
    [makeNode('Dropout', ['m', 'ratio'], ['d', 'kept']), makeNode('Where', ['kept', 'd', 'm'], ['h'])],
    [scalar('ratio', 0.5)],
  ],
  BatchNormalization: [
    [makeNode('BatchNormalization', ['m', 'a', 'b', 'mean', 'variance'], ['h'])],
    [
      ...['a', 'b', 'mean'].map((name, i) => weight(name, [16], 5 + i)),
      makeTensor('variance', 'float32', [16], new Float32Array(16).fill(0.5)),
    ],
  ],
  'LayerNormalization with its statistics': [
    [
      makeNode('LayerNormalization', ['m', 'a', 'b'], ['l', 'mean', 'deviation']),
      makeNode('Mul', ['l', 'deviation'], ['d']),
      makeNode('Add', ['d', 'mean'], ['h']),
    ],
    ['a', 'b'].map((name, i) => weight(name, [16], 5 + i)),
  ],
  'a sequence': [
    [
      makeNode('SequenceConstruct', ['m', 'm'], ['list']),
      makeNode('SequenceInsert', ['list', 'm'], ['longer']),
      makeNode('SequenceAt', ['longer', 'second'], ['h']),
    ],
    [makeTensor('second', 'int64', [], BigInt64Array.of(1n))],
  ],
  'an optional': [[makeNode('Optional', ['m'], ['o']), makeNode('OptionalGetElement', ['o'], ['h'])], []],
  'ScatterND that adds': [
    [makeNode('ScatterND', ['m', 'at', 'more'], ['h'], { attributes: { reduction: 'add' } })],
    [makeTensor('at', 'int64', [1, 1], BigInt64Array.of(2n)), weight('more', [1, 16], 5)],
  ],
  'an operator of ONNX Runtime': [
    [makeNode('FusedMatMul', ['m', 'sq'], ['h'], { domain: 'com.microsoft', attributes: { alpha: { float: 0.5 } } })],
    [weight('sq', [16, 16], 4)],
  ],
};

describe('operators of more than one type', () => {
  it.each(Object.entries(mixed))('%s', async (_, [nodes, constants]) => {
    const model = around(nodes, constants);
    if (nodes.some(({ domain }) => domain !== '')) {
      model.proto.opsetImport.push({ ...model.proto.opsetImport[0], domain: 'com.microsoft', version: 1n } as never);
    }
    expect(await decibels(model, { x })).toBeGreaterThan(50);
    expect(convertToHalf(model).report.compressed.map(({ name }) => name)).toEqual(expect.arrayContaining(['w', 'v']));
    expect(await decibels(model, { x }, { weightsOnly: true })).toBeGreaterThan(55);
  });

  it('a sparse weight', async () => {
    const model = around([makeNode('MatMul', ['m', 'sparse'], ['h'])], []);
    mainGraph(model).sparseInitializer.push(
      create(SparseTensorProtoSchema, {
        dims: [16n, 16n],
        values: makeTensor('sparse', 'float32', [2], Float32Array.of(0.5, -2)),
        indices: makeTensor('places', 'int64', [2], BigInt64Array.of(3n, 200n)),
      }),
    );
    expect(await decibels(model, { x })).toBeGreaterThan(50);
  });
});

describe('nested graphs', () => {
  const body = (
    nodes: NodeProto[],
    inputs: ValueInfoProto[],
    outputs: ValueInfoProto[],
    own: TensorProto[],
  ): GraphProto => mainGraph(smallModel(nodes, own, inputs, outputs));
  const sixteen = (name: string): ValueInfoProto => valueInfo(name, [4, 16]);

  const bodies: Record<string, OnnxModel> = {
    If: around(
      [
        makeNode('ReduceMax', ['m'], ['largest'], { attributes: { keepdims: 0 } }),
        makeNode('Cast', ['largest'], ['flag'], { attributes: { to: DTYPE_CODE.bool } }),
        makeNode('If', ['flag'], ['h'], {
          attributes: {
            then_branch: {
              graph: body([makeNode('MatMul', ['m', 'u'], ['t'])], [], [sixteen('t')], [weight('u', [16, 16], 3)]),
            },
            else_branch: {
              graph: body([makeNode('MatMul', ['m', 'u'], ['t'])], [], [sixteen('t')], [weight('u', [16, 16], 4)]),
            },
          },
        }),
      ],
      [],
    ),
    Loop: around(
      [
        makeNode('Loop', ['three', '', 'm'], ['h'], {
          attributes: {
            body: {
              graph: body(
                [
                  makeNode('MatMul', ['state', 'u'], ['p']),
                  makeNode('Add', ['p', 'm'], ['s']),
                  makeNode('Tanh', ['s'], ['next']),
                  makeNode('Identity', ['go'], ['on']),
                ],
                [valueInfo('i', [], 'int64'), valueInfo('go', [], 'bool'), sixteen('state')],
                [valueInfo('on', [], 'bool'), sixteen('next')],
                [weight('u', [16, 16], 3)],
              ),
            },
          },
        }),
      ],
      [makeTensor('three', 'int64', [], BigInt64Array.of(3n))],
    ),
    Scan: around(
      [
        makeNode('Scan', ['zeros', 'm'], ['last', 'h'], {
          attributes: {
            num_scan_inputs: 1,
            body: {
              graph: body(
                [
                  makeNode('Add', ['state', 'row'], ['s']),
                  makeNode('Unsqueeze', ['s', 'axis'], ['r']),
                  makeNode('MatMul', ['r', 'u'], ['p']),
                  makeNode('Squeeze', ['p', 'axis'], ['q']),
                  makeNode('Tanh', ['q'], ['next']),
                  makeNode('Identity', ['next'], ['out']),
                ],
                [valueInfo('state', [16]), valueInfo('row', [16])],
                [valueInfo('next', [16]), valueInfo('out', [16])],
                [weight('u', [16, 16], 3)],
              ),
            },
          },
        }),
      ],
      [makeTensor('zeros', 'float32', [16], new Float32Array(16)), ints('axis', 0)],
    ),
  };

  it.each(Object.entries(bodies))('halves the weights of %s', async (_, model) => {
    expect(await decibels(model, { x })).toBeGreaterThan(50);
    expect(convertToHalf(model).report.compressed.map(({ name }) => name)).toContain('u');
    expect(floats(convertToHalf(model).model).filter((name) => name !== 'zeros')).toEqual([]);
    expect(await decibels(model, { x }, { weightsOnly: true })).toBeGreaterThan(50);
  });

  it('lets a number count in a loop: 1 + 3,000 is not 2,048', async () => {
    const model = around(
      [
        makeNode('Loop', ['times', '', 'start'], ['n'], {
          attributes: {
            body: {
              graph: body(
                [makeNode('Add', ['count', 'one'], ['next']), makeNode('Identity', ['go'], ['on'])],
                [valueInfo('i', [], 'int64'), valueInfo('go', [], 'bool'), valueInfo('count', [])],
                [valueInfo('on', [], 'bool'), valueInfo('next', [])],
                [],
              ),
            },
          },
        }),
        makeNode('Mul', ['m', 'n'], ['h']),
      ],
      [makeTensor('times', 'int64', [], BigInt64Array.of(3000n)), scalar('start', 1), scalar('one', 1)],
    );
    expect(await decibels(model, { x })).toBeGreaterThan(50);
  });
});

describe('what is stored', () => {
  it('is stored once for all its readers, turned or not, in half precision or not', async () => {
    const model = smallModel(
      [
        makeNode('Gather', ['table', 'ids'], ['e']),
        makeNode('Transpose', ['table'], ['turned'], { attributes: { perm: [1, 0] } }),
        makeNode('MatMul', ['e', 'turned'], ['y']),
        makeNode('MatMul', ['e', 'turned'], ['z'], { name: 'kept' }),
      ],
      [weight('table', [100, 16], 1)],
      [valueInfo('ids', [1, 'n'], 'int64')],
      [valueInfo('y', [1, 'n', 100]), valueInfo('z', [1, 'n', 100])],
    );
    const ids: Fed = { type: 'int64', shape: [1, 3], data: BigInt64Array.of(3n, 1n, 99n) };
    for (const options of [{}, { weightsOnly: true }, { nodesToExclude: ['kept'] }]) {
      expect(await decibels(model, { ids }, options)).toBeGreaterThan(50);
      const stored = mainGraph(convertToHalf(model, options).model).initializer;
      expect(stored.map((tensor) => [tensorDtype(tensor), tensor.dims.map(Number)])).toEqual([['float16', [100, 16]]]);
    }
  });

  it.each(['float16', 'float64', 'int32'] as const)('is left alone, with the reason, in a model of %s', (type) => {
    const width = { float16: 2, float64: 8, int32: 4 }[type];
    const model = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'])],
      [makeTensor('w', type, [32, 8], new Uint8Array(256 * width))],
      [valueInfo('x', ['n', 32], type)],
      [valueInfo('y', ['n', 8], type)],
    );
    const { model: same, report } = convertToHalf(model);
    expect(same).toBe(model);
    expect(report.notes).toEqual([expect.stringMatching(/left as it is: it has no float32 weights/)]);
  });

  it('lists no weights as inputs where IR 3 did', async () => {
    const model = around([makeNode('Relu', ['m'], ['h'])], [], 'h', 8);
    model.proto.irVersion = 3n;
    mainGraph(model).input.push(valueInfo('w', [32, 16]), valueInfo('v', [16, 8]));
    expect(await decibels(model, { x })).toBeGreaterThan(50);
    const { proto } = convertToHalf(model).model;
    expect([proto.irVersion, proto.graph?.input.map(({ name }) => name)]).toEqual([4n, ['x']]);
  });

  it('needs an operator set that knows the format', () => {
    const model = (opset: number): OnnxModel => around([makeNode('Relu', ['m'], ['h'])], [], 'h', opset);
    const options = { format: 'bfloat16', weightsOnly: true } as const;
    expect(() => convertToHalf(model(12), options)).toThrow(
      /operator set 13 or later was required for bfloat16, got 12/,
    );
    expect(convertToHalf(model(13), options).report.compressed).toHaveLength(2);
    expect(() => convertToHalf(model(5))).toThrow(/operator set 7 or later was required for float16, got 5/);
  });
});
