/** Operator sets 7 to 10 raised to 11: the runtime, which reads both, must answer the same. */
import type { NodeProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { type AttributeValue, makeNode } from '../../../src/onnx/graph/node.js';
import { raiseToOpset11 } from '../../../src/onnx/graph/raiseOpset.js';
import { makeValueInfo } from '../../../src/onnx/graph/valueInfo.js';
import { mainGraph, opsetVersion } from '../../../src/onnx/model.js';
import { DTYPE_CODE } from '../../../src/onnx/tensor/dtype.js';
import { makeTensor, tensorDtype } from '../../../src/onnx/tensor/tensor.js';
import { largestDifference, pattern, runModel } from '../../compress/runModel.js';
import { type SmallModel, smallModel, weightValues } from '../smallModels.js';

const io = { inputs: { x: ['float32', [1, 2, 6, 6]] }, outputs: { y: ['float32', [1, 2, 'h', 'w']] } } as const;
const scales = makeTensor('scales', 'float32', [4], Float32Array.of(1, 1, 2, 2));
const channel = (name: string, seed: number, shift = 0) =>
  makeTensor(
    name,
    'float32',
    [2],
    weightValues(2, seed).map((value) => value + shift),
  );

const cases: Record<string, SmallModel> = {
  'Clip of set 7': {
    ...io,
    opset: 7,
    nodes: [makeNode('Clip', ['x'], ['y'], { attributes: { min: { float: -0.25 }, max: { float: 0.5 } } })],
  },
  'Clip without a lower bound': {
    ...io,
    opset: 10,
    nodes: [makeNode('Clip', ['x'], ['y'], { attributes: { max: { float: 0.5 } } })],
  },
  'Pad of set 9': {
    ...io,
    opset: 9,
    nodes: [
      makeNode('Pad', ['x'], ['y'], {
        attributes: { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: { float: 0.5 }, mode: 'constant' },
      }),
    ],
  },
  'Pad by reflection': {
    ...io,
    opset: 10,
    nodes: [makeNode('Pad', ['x'], ['y'], { attributes: { pads: [0, 0, 1, 2, 0, 0, 3, 0], mode: 'reflect' } })],
  },
  'Slice of set 7': {
    ...io,
    opset: 7,
    nodes: [makeNode('Slice', ['x'], ['y'], { attributes: { axes: [2, 3], starts: [1, -4], ends: [5, 99] } })],
  },
  'Slice of set 10': {
    ...io,
    opset: 10,
    nodes: [makeNode('Slice', ['x', 'starts', 'ends'], ['y'])],
    weights: [
      makeTensor('starts', 'int64', [4], BigInt64Array.of(0n, 0n, 1n, 2n)),
      makeTensor('ends', 'int64', [4], BigInt64Array.of(9n, 9n, 4n, 5n)),
    ],
  },
  'TopK of set 9': {
    ...io,
    opset: 9,
    nodes: [makeNode('TopK', ['x'], ['y', 'places'], { attributes: { k: 3, axis: 3 } })],
  },
  'Upsample of set 7, nearest': {
    ...io,
    opset: 7,
    nodes: [makeNode('Upsample', ['x'], ['y'], { attributes: { scales: { floats: [1, 1, 2, 3] }, mode: 'nearest' } })],
  },
  'Upsample of set 9, linear': {
    ...io,
    opset: 9,
    nodes: [makeNode('Upsample', ['x', 'scales'], ['y'], { attributes: { mode: 'linear' } })],
    weights: [scales],
  },
  'Resize of set 10, linear': {
    ...io,
    opset: 10,
    nodes: [makeNode('Resize', ['x', 'scales'], ['y'], { attributes: { mode: 'linear' } })],
    weights: [scales],
  },
  'BatchNormalization of set 7': {
    ...io,
    opset: 7,
    nodes: [makeNode('BatchNormalization', ['x', 'a', 'b', 'm', 'v'], ['y'], { attributes: { spatial: 1 } })],
    weights: [channel('a', 1), channel('b', 2), channel('m', 3), channel('v', 4, 1)],
  },
  'Dropout of set 7': {
    ...io,
    opset: 7,
    nodes: [makeNode('Dropout', ['x'], ['y'], { attributes: { ratio: { float: 0.5 } } })],
  },
};

/** A node that casts to float32, whatever it cast to. */
function retyped(node: NodeProto): NodeProto {
  const to = { attributes: { to: DTYPE_CODE.float32 } };
  return node.opType === 'Cast' ? makeNode('Cast', node.input, node.output, to) : node;
}

describe('raiseToOpset11', () => {
  it.each(Object.entries(cases))('keeps the meaning of %s', async (_, parts) => {
    const old = smallModel(parts);
    const raised = raiseToOpset11(old);
    expect(opsetVersion(raised)).toBe(11);
    const feeds = { x: pattern([1, 2, 6, 6], 1) };
    const [expected, actual] = [(await runModel(old, feeds))['y'], (await runModel(raised, feeds))['y']];
    expect(actual?.shape).toEqual(expected?.shape);
    expect(largestDifference(expected?.data ?? new Float32Array(), actual?.data ?? new Float32Array(1))).toBeLessThan(
      1e-6,
    );
  });

  it('rewrites nested graphs, too', async () => {
    const inner = (name: string, max: number) =>
      mainGraph(
        smallModel({
          nodes: [makeNode('Clip', ['x'], [name], { attributes: { max: { float: max } } })],
          inputs: {},
          outputs: { [name]: ['float32', ['n']] },
        }),
      );
    const old = smallModel({
      opset: 9,
      nodes: [
        makeNode('If', ['flag'], ['y'], {
          attributes: { then_branch: { graph: inner('a', 0.5) }, else_branch: { graph: inner('b', 0.25) } },
        }),
      ],
      inputs: { x: ['float32', ['n']], flag: ['bool', []] },
      outputs: { y: ['float32', ['n']] },
    });
    const feeds = { x: pattern([8], 1), flag: { type: 'bool', shape: [], data: Uint8Array.of(1) } } as const;
    const [expected, actual] = [await runModel(old, feeds), await runModel(raiseToOpset11(old), feeds)];
    expect(actual['y']?.data).toEqual(expected['y']?.data);
  });

  // Type constraints of Clip and Pad of set 11: one T for the tensor, the bounds and the filler.
  it.each(['float16', 'float64'] as const)(
    'writes its constants in the type that a %s model computes in',
    async (type) => {
      const between = (opType: string, attributes: Record<string, AttributeValue>): SmallModel => ({
        opset: 10,
        inputs: { x: ['float32', [2, 6]] },
        outputs: { y: ['float32', ['n', 'm']] },
        nodes: [
          makeNode('Cast', ['x'], ['a'], { attributes: { to: DTYPE_CODE[type] } }),
          makeNode(opType, ['a'], ['b'], { attributes }),
          makeNode('Cast', ['b'], ['y'], { attributes: { to: DTYPE_CODE.float32 } }),
        ],
      });
      const feeds = { x: pattern([2, 6], 1) };
      for (const parts of [
        // The runtime has no Clip of float64 below operator set 12.
        ...(type === 'float16' ? [between('Clip', { min: { float: -0.25 }, max: { float: 0.5 } })] : []),
        between('Pad', { pads: [0, 1, 0, 1], value: { float: 0.5 } }),
      ]) {
        const raised = raiseToOpset11(smallModel(parts));
        const made = mainGraph(raised).initializer.map(tensorDtype);
        expect(made.filter((dtype) => dtype !== 'int64')).toContain(type);
        expect(made).not.toContain('float32');
        const answer = (await runModel(raised, feeds))['y']?.data ?? new Float32Array();
        // The runtime's kernel of Pad of set 10 knows float32 alone: the float32 model is the reference.
        const inFloat = smallModel({ ...parts, nodes: parts.nodes.map((node) => retyped(node)) });
        const expected = (await runModel(inFloat, feeds))['y']?.data ?? new Float32Array();
        expect(largestDifference(expected, answer)).toBeLessThan(1e-3);
      }
    },
  );

  it('takes weights out of the inputs where IR 3 listed them', () => {
    const old = smallModel({
      opset: 8,
      nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
      inputs: { x: ['float32', ['n', 2]] },
      outputs: { y: ['float32', ['n', 2]] },
      weights: [makeTensor('w', 'float32', [2, 2], Float32Array.of(1, 2, 3, 4))],
    });
    old.proto.irVersion = 3n;
    mainGraph(old).input.push(makeValueInfo('w', 'float32', [2, 2]));
    const raised = raiseToOpset11(old);
    expect(raised.proto.irVersion).toBe(6n);
    expect(mainGraph(raised).input.map((input) => input.name)).toEqual(['x']);
    expect(mainGraph(old).input).toHaveLength(2);
  });

  it.each([
    ['Resize', makeNode('Resize', ['x', 'scales'], ['y'], { name: 'down' }), 10, /Resize down: .* nearest of set 10/],
    [
      'BatchNormalization',
      makeNode('BatchNormalization', ['x'], ['y'], { attributes: { spatial: 0 } }),
      7,
      /spatial 0/,
    ],
    ['Dropout', makeNode('Dropout', ['x'], ['y', 'mask']), 7, /mask of numbers/],
    ['Scan', makeNode('Scan', ['', 'x'], ['y']), 8, /form before operator set 9/],
  ])('refuses %s by name where its meaning would change', (_, node, opset, message) => {
    const model = smallModel({ ...io, opset, nodes: [node], weights: [scales] });
    expect(() => raiseToOpset11(model)).toThrow(InputError);
    expect(() => raiseToOpset11(model)).toThrow(message);
  });

  it('refuses operator sets below 7 and leaves those from 11 on alone', () => {
    const model = (opset: number) => smallModel({ ...io, opset, nodes: [makeNode('Relu', ['x'], ['y'])] });
    expect(() => raiseToOpset11(model(6))).toThrow(/operator set 7 or later was required, got 6/);
    const late = model(17);
    expect(raiseToOpset11(late)).toBe(late);
  });
});
