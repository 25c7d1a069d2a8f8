/** A model's own functions put where they are called: the runtime, which does the same, must answer the same. */
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type NodeProto,
  OperatorSetIdProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../../src/compress/dynamic/dynamic.js';
import { InputError } from '../../../src/errors.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { modelNodes } from '../../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { inlineFunctions } from '../../../src/onnx/normalForm/inlineFunctions.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { pattern, runModel, signalToErrorDb } from '../../compress/runModel.js';
import { type SmallModel, smallModel, weightValues } from '../smallModels.js';

const opset = (domain: string, version: number) =>
  create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });

function makeFunction(
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly NodeProto[],
  extra: Partial<FunctionProto> = {},
): FunctionProto {
  return create(FunctionProtoSchema, {
    name,
    domain: 'own',
    input: [...inputs],
    output: [...outputs],
    node: [...nodes],
    opsetImport: [opset('', 17), opset('own', 1)],
    ...extra,
  } as never);
}

const call = (name: string, inputs: readonly string[], outputs: readonly string[], node = name) =>
  makeNode(name, inputs, outputs, { name: node, domain: 'own' });

/** A node whose attribute is that of the function around it. */
function referring(opType: string, input: string, output: string, attribute: string, from: string): NodeProto {
  const node = makeNode(opType, [input], [output]);
  node.attribute = [
    create(AttributeProtoSchema, { name: attribute, refAttrName: from, type: AttributeProto_AttributeType.FLOAT }),
  ];
  return node;
}

function modelWith(
  functions: readonly FunctionProto[],
  parts: Partial<SmallModel> & Pick<SmallModel, 'nodes'>,
): OnnxModel {
  const model = smallModel({
    inputs: { x: ['float32', ['n', 8]] },
    outputs: { y: ['float32', ['n', 8]] },
    weights: [makeTensor('w', 'float32', [8, 8], weightValues(64, 1))],
    ...parts,
  });
  model.proto.functions = [...functions];
  model.proto.opsetImport.push(opset('own', 1));
  return model;
}

const feeds = { x: pattern([3, 8], 1) };

async function same(model: OnnxModel): Promise<OnnxModel> {
  const { model: inlined } = inlineFunctions(model);
  const [expected, actual] = [await runModel(model, feeds), await runModel(inlined, feeds)];
  expect(actual['y']?.data).toEqual(expected['y']?.data);
  expect(inlined.proto.functions).toEqual([]);
  expect([...modelNodes(inlined.proto)].filter(({ domain }) => domain === 'own')).toEqual([]);
  return inlined;
}

const constant = makeNode('Constant', [], ['c'], {
  attributes: { value: { tensor: makeTensor('', 'float32', [8, 8], weightValues(64, 2)) } },
});
const layer = makeFunction(
  'Layer',
  ['a', 'm'],
  ['out'],
  [
    makeNode('MatMul', ['a', 'm'], ['h'], { name: 'product' }),
    constant,
    makeNode('MatMul', ['h', 'c'], ['out'], { name: 'own_product' }),
  ],
);

describe('inlineFunctions', () => {
  it('called twice, with names of its own each time, and its products quantized', async () => {
    const nodes = [call('Layer', ['x', 'w'], ['h'], 'one'), call('Layer', ['h', 'w'], ['y'], 'two')];
    const model = modelWith([layer], { nodes });
    const inlined = await same(model);
    expect(mainGraph(inlined).node).toHaveLength(6);
    const { model: quantized, report } = quantizeDynamic(model);
    expect(report.notes).toEqual(["2 calls of the model's own functions were put in place"]);
    expect(report.replacedNodes).toEqual({ MatMul: 4 });
    const [expected, actual] = [(await runModel(model, feeds))['y'], (await runModel(quantized, feeds))['y']];
    const empty = new Float32Array();
    expect(signalToErrorDb(expected?.data ?? empty, actual?.data ?? empty)).toBeGreaterThan(25);
  });

  it('with attributes given and by default, and calls within calls', async () => {
    const leaky = makeFunction('Leaky', ['a'], ['b'], [referring('LeakyRelu', 'a', 'b', 'alpha', 'slope')], {
      attributeProto: [
        create(AttributeProtoSchema, { name: 'slope', type: AttributeProto_AttributeType.FLOAT, f: 0.25 }),
      ],
    });
    const both = makeFunction(
      'Both',
      ['a', 'm'],
      ['b'],
      [
        call('Leaky', ['a'], ['p'], 'inner'),
        call('Layer', ['p', 'm'], ['q'], 'inner2'),
        makeNode('Leaky', ['q'], ['b'], { name: 'last', domain: 'own', attributes: { slope: { float: 0.5 } } }),
      ],
    );
    await same(modelWith([layer, leaky, both], { nodes: [call('Both', ['x', 'w'], ['y'])] }));
  });

  it('with a graph inside that captures its values', async () => {
    const branch = (name: string, opType: string) =>
      mainGraph(
        smallModel({
          nodes: [makeNode(opType, ['h'], ['inner']), makeNode('MatMul', ['inner', 'v'], [name])],
          inputs: {},
          outputs: { [name]: ['float32', ['n', 8]] },
          weights: [makeTensor('v', 'float32', [8, 8], weightValues(64, 3))],
        }),
      );
    const choose = makeFunction(
      'Choose',
      ['a', 'm'],
      ['out'],
      [
        makeNode('MatMul', ['a', 'm'], ['h']),
        makeNode('ReduceSum', ['h'], ['total'], { attributes: { keepdims: 0 } }),
        makeNode('Cast', ['total'], ['flag'], { attributes: { to: 9 } }),
        makeNode('If', ['flag'], ['out'], {
          attributes: { then_branch: { graph: branch('t', 'Tanh') }, else_branch: { graph: branch('e', 'Relu') } },
        }),
      ],
    );
    const nodes = [call('Choose', ['x', 'w'], ['h'], 'one'), call('Choose', ['h', 'w'], ['y'], 'two')];
    await same(modelWith([choose], { nodes }));
  });

  it('leaves functions of another operator set, and says so', () => {
    const old = makeFunction('Layer', ['a', 'm'], ['out'], layer.node, { opsetImport: [opset('', 15)] });
    const { report } = quantizeDynamic(modelWith([old], { nodes: [call('Layer', ['x', 'w'], ['y'])] }));
    expect(report.notes).toEqual(['function Layer was left as it is: it is of another operator set']);
  });

  it('refuses a function that calls itself', () => {
    const round = makeFunction('Round', ['a'], ['b'], [call('Round', ['a'], ['b'])]);
    expect(() => inlineFunctions(modelWith([round], { nodes: [call('Round', ['x'], ['y'])] }))).toThrow(InputError);
    const double = makeFunction('Double', ['a'], ['b'], [call('Double', ['a'], ['h']), call('Double', ['h'], ['b'])]);
    expect(() => inlineFunctions(modelWith([double], { nodes: [call('Double', ['x'], ['y'])] }))).toThrow(InputError);
  });
});
