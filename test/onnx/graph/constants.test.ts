/** Constants folded here against the runtime, which computes the same graph without any input. */

import type { NodeProto, TensorProto } from 'onnx-buf';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { foldConstant } from '../../../src/onnx/graph/constants.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import type { Dtype } from '../../../src/onnx/tensor/dtype.js';
import { encodeFloat16 } from '../../../src/onnx/tensor/halfFloat.js';
import { makeTensor, shapeOf, tensorDtype, tensorFloats, tensorIntegers } from '../../../src/onnx/tensor/tensor.js';
import { smallModel, weightValues } from '../smallModels.js';

const ints = (name: string, ...values: number[]) =>
  makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
const scalar = (name: string, value: number) => makeTensor(name, 'int64', [], BigInt64Array.of(BigInt(value)));
const floats = (name: string, shape: readonly number[], seed = 1) =>
  makeTensor(
    name,
    'float32',
    shape,
    weightValues(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );

const weights: Record<string, TensorProto> = Object.fromEntries(
  [
    floats('w', [4, 3, 2]),
    floats('v', [4, 1, 2], 2),
    floats('one', [1, 3, 1], 3),
    makeTensor('single', 'float32', [1], Float32Array.of(0.5)),
    makeTensor('half', 'float16', [2, 3], encodeFloat16(weightValues(6, 4))),
    ints('places', 2, -1, 0),
    ints('axes', 0, 2),
    ints('shape', 2, 0, -1),
    ints('sizes', 2, 3),
    ints('dims', 5, 7, 11),
    ints('from', 1),
    ints('to', 3),
    ints('last', -1),
    ints('far', 2 ** 40),
    ints('axis', 1),
    scalar('three', 3),
    scalar('minus', -2),
  ].map((tensor) => [tensor.name, tensor]),
);

const cases: readonly [string, NodeProto, Dtype?][] = [
  ['Constant', makeNode('Constant', [], ['y'], { attributes: { value_floats: { floats: [1, 2.5] } } })],
  ['Constant, one', makeNode('Constant', [], ['y'], { attributes: { value_float: { float: 1.5 } } })],
  ['Constant, whole', makeNode('Constant', [], ['y'], { attributes: { value_ints: [3, -4] } }), 'int64'],
  ['Identity', makeNode('Identity', ['w'], ['y'])],
  ['Cast up', makeNode('Cast', ['half'], ['y'], { attributes: { to: 1 } })],
  ['Transpose', makeNode('Transpose', ['w'], ['y'], { attributes: { perm: [2, 0, 1] } })],
  ['Transpose, all axes turned', makeNode('Transpose', ['w'], ['y'])],
  ['Reshape', makeNode('Reshape', ['w', 'shape'], ['y'])],
  ['Squeeze', makeNode('Squeeze', ['v', 'axis'], ['y'])],
  ['Squeeze, whatever is 1', makeNode('Squeeze', ['one'], ['y'])],
  ['Unsqueeze', makeNode('Unsqueeze', ['w', 'axes'], ['y'])],
  ['Concat', makeNode('Concat', ['w', 'v', 'w'], ['y'], { attributes: { axis: 1 } })],
  ['Concat from behind', makeNode('Concat', ['w', 'w'], ['y'], { attributes: { axis: -1 } })],
  ['Slice', makeNode('Slice', ['w', 'from', 'to', 'axis'], ['y'])],
  ['Slice to the end', makeNode('Slice', ['w', 'from', 'far'], ['y'])],
  ['Slice from behind', makeNode('Slice', ['w', 'last', 'far', 'axis'], ['y'])],
  ['Shape', makeNode('Shape', ['w'], ['y']), 'int64'],
  ['Shape, part', makeNode('Shape', ['w'], ['y'], { attributes: { start: -2, end: 2 } }), 'int64'],
  ['Expand', makeNode('Expand', ['single', 'sizes'], ['y'])],
  ['ConstantOfShape', makeNode('ConstantOfShape', ['sizes'], ['y'])],
  ['Gather, one', makeNode('Gather', ['dims', 'minus'], ['y']), 'int64'],
  ['Gather, several', makeNode('Gather', ['dims', 'places'], ['y']), 'int64'],
  ['Add', makeNode('Add', ['dims', 'three'], ['y']), 'int64'],
  ['Sub', makeNode('Sub', ['three', 'dims'], ['y']), 'int64'],
  ['Mul', makeNode('Mul', ['dims', 'places'], ['y']), 'int64'],
  ['Div, towards zero', makeNode('Div', ['dims', 'minus'], ['y']), 'int64'],
];

describe('foldConstant', () => {
  it.each(cases)('computes %s as the runtime does', async (_, node, dtype = 'float32') => {
    const folded = foldConstant(node, (value) => weights[value]);
    const used = [...new Set(node.input)].flatMap((value) => weights[value] ?? []);
    const model = smallModel({ nodes: [node], inputs: {}, outputs: { y: [dtype, []] }, weights: used });
    for (const output of model.proto.graph?.output ?? []) {
      if (output.type?.value.case === 'tensorType') delete output.type.value.value.shape;
    }
    const session = await InferenceSession.create(modelToBytes(model), { logSeverityLevel: 3 });
    const { y } = await session.run({});
    await session.release();
    expect(folded && tensorDtype(folded)).toBe(dtype);
    expect(folded && shapeOf(folded)).toEqual([...(y?.dims ?? [])]);
    if (dtype === 'float32') expect(folded && tensorFloats(folded)).toEqual(y?.data);
    else expect(folded && tensorIntegers(folded)).toEqual(Array.from(y?.data as BigInt64Array, Number));
  });

  it.each([
    ['a node of another kind', makeNode('Relu', ['w'], ['y'])],
    ['a shape that does not fit', makeNode('Reshape', ['w', 'dims'], ['y'])],
    ['a division by zero', makeNode('Div', ['dims', 'zero'], ['y'])],
    ['a place outside', makeNode('Gather', ['dims', 'three'], ['y'])],
    ['gigabytes', makeNode('Expand', ['single', 'far'], ['y'])],
    ['a sum of floats', makeNode('Add', ['w', 'w'], ['y'])],
    ['an operator of somebody else', makeNode('Transpose', ['w'], ['y'], { domain: 'own' })],
  ])('leaves %s', (_, node) => {
    expect(foldConstant(node, (name) => (name === 'zero' ? scalar('zero', 0) : weights[name]))).toBeUndefined();
  });
});
