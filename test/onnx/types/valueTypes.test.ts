/** Types of values by the operators' definitions (ONNX Operators.md and Changelog.md, onnx 1.23.2). */
import type { NodeProto } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph } from '../../../src/onnx/model.js';
import { DTYPE_CODE, type Dtype } from '../../../src/onnx/tensor/dtype.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { operatorSetsOf, signatureOf } from '../../../src/onnx/types/signature.js';
import { valueTypes } from '../../../src/onnx/types/valueTypes.js';
import { type SmallModel, smallModel } from '../smallModels.js';

function typesOf(nodes: readonly NodeProto[], opset = 17): Map<string, Dtype> {
  const inputs: SmallModel['inputs'] = {
    f: ['float32', ['n']],
    h: ['float16', ['n']],
    d: ['float64', ['n']],
    i: ['int64', ['n']],
    b: ['bool', ['n']],
    u: ['uint8', ['n']],
  };
  const model = smallModel({ opset, inputs, outputs: {}, nodes });
  const sets = new Map([...operatorSetsOf(model.proto), ['com.microsoft', 1] as const]);
  return valueTypes(mainGraph(model), sets);
}

const to = (dtype: Dtype) => ({ attributes: { to: DTYPE_CODE[dtype] } });
const microsoft = { domain: 'com.microsoft' };

/** A node, the types of its outputs, and the operator set where it is not 17. */
const cases: readonly (readonly [NodeProto, readonly (Dtype | undefined)[], number?])[] = [
  [makeNode('Where', ['b', 'h', 'h'], ['y']), ['float16']],
  [makeNode('Gather', ['i', 'i'], ['y']), ['int64']],
  [makeNode('OneHot', ['i', 'i', 'h'], ['y']), ['float16']],
  [makeNode('CastLike', ['i', 'h'], ['y']), ['float16']],
  [makeNode('Cast', ['f'], ['y'], to('float64')), ['float64']],
  [makeNode('NonMaxSuppression', ['f', 'f'], ['y']), ['int64']],
  [makeNode('TopK', ['h', 'i'], ['y', 'z']), ['float16', 'int64']],
  [makeNode('MaxPool', ['d'], ['y', 'z']), ['float64', 'int64']],
  [makeNode('ArgMax', ['f'], ['y']), ['int64']],
  [makeNode('Greater', ['h', 'h'], ['y']), ['bool']],
  [makeNode('Dropout', ['h'], ['y', 'z']), ['float16', 'bool']],
  [makeNode('Dropout', ['h'], ['y', 'z']), ['float16', 'float16'], 9],
  [makeNode('BatchNormalization', ['h', 'h', 'h', 'f', 'f'], ['y', 'z']), ['float16', 'float32'], 15],
  [makeNode('LayerNormalization', ['h', 'h'], ['y', 'z', 'w']), ['float16', 'float32', 'float32']],
  [makeNode('QuantizeLinear', ['f', 'f'], ['y']), ['uint8']],
  [makeNode('QuantizeLinear', ['f', 'f', 'q'], ['y']), [undefined]],
  [makeNode('QuantizeLinear', ['f', 'f'], ['y'], { attributes: { output_dtype: DTYPE_CODE.int4 } }), ['int4'], 21],
  [makeNode('DequantizeLinear', ['u', 'f', 'u'], ['y']), ['float32']],
  [makeNode('DequantizeLinear', ['u', 'h', 'u'], ['y']), ['float16'], 19],
  [makeNode('DynamicQuantizeLinear', ['f'], ['y', 's', 'z']), ['uint8', 'float32', 'uint8']],
  [makeNode('MatMulInteger', ['u', 'u'], ['y']), ['int32']],
  [makeNode('ConvInteger', ['u', 'u'], ['y']), ['int32']],
  [makeNode('QLinearMatMul', ['u', 'f', 'u', 'u', 'f', 'u', 'f', 'u'], ['y']), ['uint8']],
  [makeNode('Range', ['i', 'i', 'i'], ['y']), ['int64']],
  [makeNode('ConstantOfShape', ['i'], ['y']), ['float32']],
  [
    makeNode('ConstantOfShape', ['i'], ['y'], {
      attributes: { value: { tensor: makeTensor('', 'int64', [1], BigInt64Array.of(1n)) } },
    }),
    ['int64'],
  ],
  [makeNode('Constant', [], ['y'], { attributes: { value_ints: [1] } }), ['int64']],
  [makeNode('RandomNormal', [], ['y'], { attributes: { shape: [1] } }), ['float32']],
  [makeNode('RandomNormalLike', ['h'], ['y']), ['float16']],
  [makeNode('EyeLike', ['i'], ['y'], { attributes: { dtype: DTYPE_CODE.float64 } }), ['float64']],
  [makeNode('Multinomial', ['f'], ['y']), ['int32']],
  [makeNode('Resize', ['h', '', 'f'], ['y']), ['float16']],
  [makeNode('HannWindow', ['i'], ['y'], { attributes: { output_datatype: DTYPE_CODE.float64 } }), ['float64']],
  [makeNode('MatMulIntegerToFloat', ['u', 'u', 'f', 'f'], ['y'], microsoft), ['float32']],
  [makeNode('Unknown', ['f'], ['y'], { domain: 'elsewhere' }), [undefined]],
];

describe('valueTypes', () => {
  it.each(cases.map(([node, expected, opset]) => [node.opType, opset ?? 17, node, expected] as const))(
    'tells the outputs of %s (operator set %d)',
    (_, opset, node, expected) => {
      const types = typesOf([node], opset);
      expect(node.output.map((name) => types.get(name))).toEqual(expected);
    },
  );

  it('follows an element into a sequence and out again', () => {
    const types = typesOf([
      makeNode('SequenceEmpty', [], ['s'], { attributes: { dtype: DTYPE_CODE.int64 } }),
      makeNode('SequenceInsert', ['s', 'i'], ['t']),
      makeNode('SequenceAt', ['t', 'i'], ['x']),
      makeNode('SplitToSequence', ['h'], ['parts']),
      makeNode('ConcatFromSequence', ['parts'], ['y']),
    ]);
    expect([types.get('t'), types.get('x'), types.get('y')]).toEqual([undefined, 'int64', 'float16']);
  });

  it('follows values into bodies that do not declare them, and out', () => {
    const body = mainGraph(
      smallModel({
        inputs: {},
        outputs: {},
        nodes: [makeNode('Identity', ['go'], ['on']), makeNode('Add', ['state', 'h'], ['next'])],
      }),
    );
    for (const name of ['i', 'go', 'state']) body.input.push({ name } as never);
    for (const name of ['on', 'next']) body.output.push({ name } as never);
    const types = typesOf([makeNode('Loop', ['i', 'b', 'h'], ['y'], { attributes: { body: { graph: body } } })]);
    expect(types.get('y')).toBe('float16');
  });

  it('takes the form of an operator that its operator set has', () => {
    const form = (opset: number): string | undefined =>
      signatureOf(makeNode('CumSum', ['f', 'i'], ['y']), new Map([['ai.onnx', opset]]))?.parameters.get('T');
    // float16 came with set 14.
    expect([form(10), form(11), form(14)]).toEqual([undefined, 'fd', 'fhbd']);
  });
});
