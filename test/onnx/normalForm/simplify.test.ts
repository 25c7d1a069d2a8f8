/**
 * The normal form of a graph. What it must answer is what the runtime (ONNX Runtime) answers to the original, bit for
 * bit; what a valid graph is says onnx/docs/IR.md of ONNX.
 */
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  type GraphProto,
  type NodeProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { copyMessage } from '../../../src/onnx/graph/copy.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { nestedGraphs } from '../../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { simplifyModel } from '../../../src/onnx/normalForm/simplify.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { type Fed, pattern, runModel } from '../../compress/runModel.js';
import { type SmallModel, smallModel, weightValues } from '../smallModels.js';

const io = { inputs: { x: ['float32', ['n', 8]] }, outputs: { y: ['float32', ['n', 8]] } } as const;
const feeds = { x: pattern([3, 8], 1) };
const yes: Fed = { type: 'bool', shape: [], data: Uint8Array.of(1) };
const no: Fed = { type: 'bool', shape: [], data: Uint8Array.of(0) };
const matrix = (name: string, seed = 1): TensorProto => makeTensor(name, 'float32', [8, 8], weightValues(64, seed));
const constant = (name: string, tensor: TensorProto): NodeProto =>
  makeNode('Constant', [], [name], { attributes: { value: { tensor } } });

function branch(
  nodes: readonly NodeProto[],
  output: string,
  weights: readonly TensorProto[] = [],
  inputs: SmallModel['inputs'] = {},
): { readonly graph: GraphProto } {
  const outputs = { [output]: ['float32', ['n', 8]] } as const;
  return { graph: mainGraph(smallModel({ nodes, inputs, outputs, weights })) };
}

async function same(model: OnnxModel, ...given: readonly Readonly<Record<string, Fed>>[]) {
  const before = JSON.stringify(operators(model));
  const { model: simple, report } = simplifyModel(model);
  for (const one of given.length > 0 ? given : [feeds]) {
    expect(await runModel(simple, one)).toEqual(await runModel(model, one));
  }
  expect(JSON.stringify(operators(model))).toBe(before);
  expect(simplifyModel(simple).model).toBe(simple);
  return { simple, report, operators: operators(simple) };
}

function operators(model: OnnxModel): string[] {
  return [...nestedGraphs(mainGraph(model))].flatMap(({ node }) => node.map(({ opType }) => opType));
}

describe('simplifyModel', () => {
  it('puts nodes in order, in nested graphs too, and leaves sorted ones where they are', async () => {
    const model = smallModel({
      ...io,
      inputs: { ...io.inputs, flag: ['bool', []] },
      nodes: [
        makeNode('Add', ['c', 'b'], ['y']),
        makeNode('If', ['flag'], ['c'], {
          attributes: {
            then_branch: branch([makeNode('Tanh', ['b'], ['t1']), makeNode('Neg', ['t1'], ['t'])], 't'),
            else_branch: branch([makeNode('Relu', ['b'], ['e'])], 'e'),
          },
        }),
        makeNode('MatMul', ['a', 'w'], ['b']),
        makeNode('MatMul', ['x', 'w'], ['a']),
      ],
      weights: [matrix('w')],
    });
    const { report, model: simple } = simplifyModel(model);
    expect(report.sorted).toBe(true);
    expect(mainGraph(simple).node.map(({ output }) => output[0])).toEqual(['a', 'b', 'c', 'y']);
    // The runtime sorts the main graph when it loads a model.
    await same(model, { ...feeds, flag: yes }, { ...feeds, flag: no });
    expect(simplifyModel(simple).report.sorted).toBe(false);
  });

  it('refuses circles, and values that two nodes make, by name', () => {
    const circle = [
      makeNode('Add', ['x', 'b'], ['a'], { name: 'one' }),
      makeNode('Neg', ['a'], ['b'], { name: 'two' }),
    ];
    expect(() => simplifyModel(smallModel({ ...io, nodes: [...circle, makeNode('Neg', ['a'], ['y'])] }))).toThrow(
      '<small>: nodes that can be computed one after another were required, got two and one',
    );
    const twice = [makeNode('Neg', ['x'], ['y']), makeNode('Abs', ['x'], ['y'])];
    expect(() => simplifyModel(smallModel({ ...io, nodes: twice }))).toThrow('got y for two');
  });

  it('refuses two weights of one name, a weight that a node makes, and values that nobody makes, by name', () => {
    const product = makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' });
    const two = smallModel({ ...io, nodes: [product], weights: [matrix('w', 1), matrix('w', 2)] });
    expect(() => simplifyModel(two)).toThrow('a name for each value was required, got w for two');
    const both = smallModel({ ...io, nodes: [product], weights: [matrix('w'), matrix('y')] });
    expect(() => simplifyModel(both)).toThrow('got y for two');
    const none = smallModel({ ...io, nodes: [product] });
    expect(() => simplifyModel(none)).toThrow('or that are given, were required, got w, which is neither');
    const unmade = smallModel({ ...io, nodes: [makeNode('Neg', ['x'], ['z'])] });
    expect(() => simplifyModel(unmade)).toThrow('got y, which is neither');
  });

  it('names apart what two branches and the graph around them call the same', async () => {
    const inside = (name: string, seed: number) =>
      branch([makeNode('MatMul', ['x', 'w'], ['h']), makeNode('Relu', ['h'], [name])], name, [matrix('w', seed)]);
    const model = smallModel({
      ...io,
      inputs: { ...io.inputs, flag: ['bool', []] },
      nodes: [
        makeNode('If', ['flag'], ['y'], {
          attributes: { then_branch: inside('out', 1), else_branch: inside('out', 2) },
        }),
      ],
    });
    const { simple, report } = await same(model, { ...feeds, flag: yes }, { ...feeds, flag: no });
    expect(report.renamedValues).toBe(3);
    const names = [...nestedGraphs(mainGraph(simple))].flatMap((graph) => graph.initializer.map(({ name }) => name));
    expect(names.sort()).toEqual(['w', 'w_1']);
  });

  it('stores Constant nodes of every kind, and takes Identity away except before outputs', async () => {
    const model = smallModel({
      ...io,
      outputs: { ...io.outputs, same: ['float32', ['n', 8]], stored: ['float32', [8, 8]] },
      nodes: [
        constant('c', matrix('')),
        makeNode('Identity', ['c'], ['c1']),
        makeNode('Identity', ['c1'], ['c2']),
        makeNode('Constant', [], ['half'], { attributes: { value_float: { float: 0.5 } } }),
        makeNode('Constant', [], ['axes'], { attributes: { value_ints: [0] } }),
        makeNode('MatMul', ['x', 'c2'], ['h']),
        makeNode('Identity', ['h'], ['h1']),
        makeNode('Mul', ['h1', 'half'], ['m']),
        makeNode('Unsqueeze', ['m', 'axes'], ['u']),
        makeNode('Squeeze', ['u', 'axes'], ['y']),
        makeNode('Identity', ['x'], ['same']),
        makeNode('Identity', ['c2'], ['stored']),
      ],
    });
    const { simple, operators: left } = await same(model);
    expect(left).toEqual(['MatMul', 'Mul', 'Unsqueeze', 'Squeeze', 'Identity', 'Identity']);
    expect(mainGraph(simple).initializer.map(({ name }) => name)).toEqual(['c', 'half', 'axes']);
  });

  it('keeps outputs that are inputs or weights, and weights that callers may replace', async () => {
    const model = smallModel({
      inputs: { x: ['float32', ['n', 8]], w: ['float32', [8, 8]] },
      outputs: { y: ['float32', ['n', 8]], v: ['float32', [8, 8]] },
      nodes: [makeNode('Identity', ['w'], ['w1']), makeNode('MatMul', ['x', 'w1'], ['y'])],
      weights: [matrix('w'), matrix('v', 2), matrix('unused', 3)],
    });
    const { simple, report } = await same(model, feeds, { ...feeds, w: pattern([8, 8], 3) });
    expect(report.unusedWeights).toBe(1);
    expect(mainGraph(simple).input.map(({ name }) => name)).toEqual(['x', 'w']);
  });

  it('makes the same of a weight once, where the weight belongs', async () => {
    const turned = (from: string, to: string) => makeNode('Transpose', [from], [to], { attributes: { perm: [1, 0] } });
    const model = smallModel({
      ...io,
      inputs: { ...io.inputs, flag: ['bool', []] },
      nodes: [
        turned('w', 'a'),
        makeNode('MatMul', ['x', 'a'], ['h0']),
        turned('w', 'b'),
        makeNode('MatMul', ['h0', 'b'], ['h1']),
        makeNode('If', ['flag'], ['y'], {
          attributes: {
            then_branch: branch([turned('w', 'c'), makeNode('MatMul', ['h1', 'c'], ['t'])], 't'),
            else_branch: branch([turned('v', 'd'), makeNode('MatMul', ['h1', 'd'], ['e'])], 'e'),
          },
        }),
      ],
      weights: [matrix('w'), matrix('v', 2)],
    });
    const { simple, report } = await same(model, { ...feeds, flag: yes }, { ...feeds, flag: no });
    expect(report.mergedNodes).toBe(2);
    expect(mainGraph(simple).node.map(({ opType }) => opType)).toEqual([
      'Transpose',
      'MatMul',
      'MatMul',
      'Transpose',
      'If',
    ]);
  });

  it('removes what nobody reads, and keeps operators of a domain that it does not know', () => {
    const model = smallModel({
      ...io,
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['y']),
        makeNode('MatMul', ['x', 'v'], ['nobody']),
        makeNode('Tanh', ['nobody'], ['neither']),
        makeNode('Log', ['x'], ['logged'], { domain: 'own' }),
      ],
      weights: [matrix('w'), matrix('v', 2)],
    });
    const { model: simple, report } = simplifyModel(model);
    expect(operators(simple)).toEqual(['MatMul', 'Log']);
    expect([report.unusedNodes, report.unusedWeights]).toEqual([2, 1]);
  });

  it('stores the weight of a function once, however often and from where it is called', async () => {
    // A graph inside hides a name of the function; an input may be left out.
    const body = [
      constant('c', matrix('', 2)),
      constant('zero', makeTensor('', 'float32', [], new Float32Array(1))),
      makeNode('MatMul', ['a', 'c'], ['h']),
      makeNode('ReduceMax', ['h'], ['most'], { attributes: { keepdims: 0 } }),
      makeNode('Greater', ['most', 'zero'], ['flag']),
      makeNode('If', ['flag'], ['out'], {
        attributes: {
          then_branch: branch([constant('c', matrix('', 3)), makeNode('MatMul', ['h', 'c'], ['t'])], 't'),
          else_branch: branch([makeNode('Relu', ['h'], ['e'])], 'e'),
        },
      }),
    ];
    const layer = create(FunctionProtoSchema, {
      name: 'Layer',
      domain: 'own',
      input: ['a', 'bias'],
      output: ['out'],
      node: body,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
    });
    const call = (input: string, output: string) => makeNode('Layer', [input], [output], { domain: 'own' });
    const model = smallModel({
      ...io,
      inputs: { ...io.inputs, flag: ['bool', []] },
      nodes: [
        call('x', 'h1'),
        call('h1', 'h2'),
        makeNode('If', ['flag'], ['y'], {
          attributes: { then_branch: branch([call('h2', 't')], 't'), else_branch: branch([call('h1', 'e')], 'e') },
        }),
      ],
    });
    model.proto.functions = [layer];
    model.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }));
    const { simple, report } = await same(model, { ...feeds, flag: yes }, { ...feeds, flag: no });
    expect(report.inlinedCalls).toBe(4);
    model.proto.functions = [copyMessage(layer, { node: body.toReversed() })];
    const { model: unsorted } = simplifyModel(model);
    model.proto.functions = [layer];
    const given = { ...feeds, flag: yes };
    expect(await runModel(unsorted, given)).toEqual(await runModel(model, given));
    const weights = [...nestedGraphs(mainGraph(simple))].flatMap((graph) => graph.initializer);
    expect(weights.filter(({ dims }) => dims.length === 2)).toHaveLength(2);
  });

  it('tells functions of one name apart by their overload', async () => {
    const overload = (name: string, opType: string) =>
      create(FunctionProtoSchema, {
        name: 'F',
        domain: 'own',
        overload: name,
        input: ['a'],
        output: ['b'],
        node: [makeNode(opType, ['a'], ['b'])],
        opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 17n })],
      });
    const node = makeNode('F', ['x'], ['y'], { domain: 'own' });
    node.overload = 'second';
    const model = smallModel({ ...io, nodes: [node] });
    model.proto.functions = [overload('first', 'Relu'), overload('second', 'Neg')];
    expect(operators(simplifyModel(model).model)).toEqual(['Neg']);
  });

  it('keeps the bodies of Loop and Scan as they count', async () => {
    const body = branch(
      [makeNode('Add', ['before', 'w1'], ['after']), makeNode('Identity', ['go'], ['on'])],
      'on',
      [],
      {
        i: ['int64', []],
        go: ['bool', []],
        before: ['float32', ['n', 8]],
      },
    );
    body.graph.node.unshift(makeNode('Identity', ['w'], ['w1']));
    body.graph.output = mainGraph(
      smallModel({ nodes: [], inputs: {}, outputs: { on: ['bool', []], after: ['float32', ['n', 8]] } }),
    ).output;
    const step = branch([makeNode('Add', ['s', 'r'], ['s1']), makeNode('Identity', ['s1'], ['row'])], 's1', [], {
      s: ['float32', [8]],
      r: ['float32', [8]],
    });
    step.graph.output = mainGraph(
      smallModel({ nodes: [], inputs: {}, outputs: { s1: ['float32', [8]], row: ['float32', [8]] } }),
    ).output;
    const model = smallModel({
      ...io,
      nodes: [
        makeNode('Loop', ['count', 'true', 'x'], ['looped'], { attributes: { body } }),
        makeNode('Scan', ['w', 'looped'], ['last', 'y'], {
          attributes: { body: step, num_scan_inputs: 1 },
        }),
        constant('count', makeTensor('', 'int64', [], BigInt64Array.of(3n))),
        constant('true', makeTensor('', 'bool', [], Uint8Array.of(1))),
      ],
      weights: [makeTensor('w', 'float32', [8], weightValues(8, 1))],
    });
    const { operators: left } = await same(model);
    expect(left.sort()).toEqual(['Add', 'Add', 'Identity', 'Identity', 'Loop', 'Scan']);
  });

  it('passes on sequences', async () => {
    const model = smallModel({
      ...io,
      nodes: [
        makeNode('SequenceConstruct', ['x', 'x'], ['s']),
        makeNode('Identity', ['s'], ['s1']),
        makeNode('ConcatFromSequence', ['s1'], ['y'], { attributes: { axis: 0 } }),
      ],
    });
    expect((await same(model)).operators).toEqual(['SequenceConstruct', 'ConcatFromSequence']);
  });

  it('takes weights of IR 3 out of the inputs, and gives attributes of a call to nested calls', async () => {
    const old = smallModel({
      inputs: { x: ['float32', ['n', 8]], w: ['float32', [8, 8]] },
      outputs: { y: ['float32', ['n', 8]] },
      nodes: [
        constant('c', matrix('', 2)),
        makeNode('MatMul', ['x', 'w'], ['h']),
        makeNode('MatMul', ['h', 'c'], ['y']),
      ],
      weights: [matrix('w')],
      opset: 8,
    });
    old.proto.irVersion = 3n;
    const { simple } = await same(old);
    expect(mainGraph(simple).input.map(({ name }) => name)).toEqual(['x']);

    const slope = create(AttributeProtoSchema, {
      name: 'alpha',
      refAttrName: 'slope',
      type: AttributeProto_AttributeType.FLOAT,
    });
    const inner = makeNode('LeakyRelu', ['a'], ['b']);
    inner.attribute = [slope];
    const leaky = (name: string, nodes: NodeProto[]) =>
      create(FunctionProtoSchema, {
        name,
        domain: 'own',
        input: ['a'],
        output: ['b'],
        attribute: ['slope'],
        node: nodes,
        opsetImport: [
          create(OperatorSetIdProtoSchema, { domain: '', version: 17n }),
          create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }),
        ],
      });
    const passing = makeNode('Leaky', ['a'], ['b'], { domain: 'own' });
    passing.attribute = [create(AttributeProtoSchema, { ...slope, name: 'slope' } as never)];
    const outer = makeNode('Outer', ['x'], ['y'], { domain: 'own', attributes: { slope: { float: 0.25 } } });
    const model = smallModel({ ...io, nodes: [outer] });
    model.proto.functions = [leaky('Leaky', [inner]), leaky('Outer', [passing])];
    model.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }));
    expect((await same(model)).operators).toEqual(['LeakyRelu']);
  });
});
