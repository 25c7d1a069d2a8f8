/**
 * Random small graphs of everything that a recipe may meet: weights shared, transposed, half-typed, external or odd,
 * nested graphs, local functions, unsorted nodes, old and new operator sets. Each value is float32 [n, 16].
 */
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from 'onnx-buf';
import { copyMessage } from '../../src/onnx/graph/copy.js';
import { makeNode, type NodeParts } from '../../src/onnx/graph/node.js';
import { subgraphsOf } from '../../src/onnx/graph/subgraphs.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import { DTYPE_CODE } from '../../src/onnx/tensor/dtype.js';
import { encodeFloat16 } from '../../src/onnx/tensor/halfFloat.js';
import { makeTensor, tensorDtype } from '../../src/onnx/tensor/tensor.js';
import { weightValues } from '../onnx/smallModels.js';
import { type Fed, pattern } from './runModel.js';
import { valueInfo } from './smallModels.js';

const WIDTH = 16;
const ROWS = 5;

/** What the numbers of a weight are like. */
const NUMBERS = ['plain', 'outlier', 'zero', 'constant', 'tiny', 'denormal', 'huge', 'nan', 'infinite'] as const;

/** How a weight reaches what reads it. */
const WAYS = ['stored', 'Constant', 'Identity', 'Transpose', 'Reshape', 'half', 'twice'] as const;

interface DrawnWeight {
  readonly numbers: (typeof NUMBERS)[number];
  readonly way: (typeof WAYS)[number];
  /** Weights of one seed and shape are one weight. */
  readonly seed: number;
  /** Whether a nested graph reads it from the main graph. */
  readonly outer: boolean;
}

/** One step of a graph: an operator on values before it. */
export interface DrawnStep {
  readonly kind: (typeof KINDS)[number] | (typeof NESTED)[number];
  readonly source: number;
  readonly other: number;
  readonly weight: DrawnWeight;
  readonly second: DrawnWeight;
  readonly flag: boolean;
  readonly choice: number;
  readonly body: readonly DrawnStep[];
}

const KINDS = [
  'MatMul',
  'MatMulLeft',
  'HalfMatMul',
  'Gemm',
  'Conv',
  'Gather',
  'Tied',
  'LayerNormalization',
  'LSTM',
  'GRU',
  'RNN',
  'unary',
  'binary',
  'weighted',
  'Cast',
  'Call',
  'Relay',
  'BatchNormalization',
] as const;
const NESTED = ['If', 'Loop', 'Scan'] as const;

/** What a graph is made from. */
export interface DrawnGraph {
  readonly steps: readonly DrawnStep[];
  readonly opset: number;
  readonly unsorted: number;
  readonly listed: boolean;
  readonly named: boolean;
  readonly unused: boolean;
  /** Whether its large weights stand in a second file. */
  readonly external: boolean;
}

const drawnWeight: fc.Arbitrary<DrawnWeight> = fc.record({
  numbers: fc.oneof({ weight: 6, arbitrary: fc.constant('plain' as const) }, fc.constantFrom(...NUMBERS)),
  way: fc.oneof({ weight: 2, arbitrary: fc.constant('stored' as const) }, fc.constantFrom(...WAYS)),
  seed: fc.integer({ min: 1, max: 3 }),
  outer: fc.boolean(),
});

function drawnStep(depth: number): fc.Arbitrary<DrawnStep> {
  const flat = fc.constantFrom(...KINDS);
  return fc.record({
    kind: depth === 0 ? flat : fc.oneof({ weight: 5, arbitrary: flat }, fc.constantFrom(...NESTED)),
    source: fc.nat(4),
    other: fc.nat(4),
    weight: drawnWeight,
    second: drawnWeight,
    flag: fc.boolean(),
    choice: fc.nat(5),
    body: depth === 0 ? fc.constant([]) : fc.array(drawnStep(depth - 1), { minLength: 1, maxLength: 3 }),
  }) as fc.Arbitrary<DrawnStep>;
}

/** Draws a graph. */
export const drawnGraph: fc.Arbitrary<DrawnGraph> = fc.record({
  steps: fc.array(drawnStep(2), { minLength: 1, maxLength: 6 }),
  opset: fc.constantFrom(11, 13, 17, 17, 21),
  unsorted: fc.oneof(fc.constant(0), fc.nat(50)),
  listed: fc.boolean(),
  named: fc.boolean(),
  unused: fc.boolean(),
  external: fc.boolean(),
});

/** What to feed to any of the graphs. */
export const FEEDS: Readonly<Record<string, Fed>> = {
  x: pattern([ROWS, WIDTH], 1),
  ids: { type: 'int64', shape: [ROWS], data: BigInt64Array.of(3n, 0n, 11n, 7n, 3n) },
};

/** More rows of the same: enough for what is fitted to them. */
export const MANY_FEEDS: Readonly<Record<string, Fed>> = {
  x: pattern([8 * ROWS, WIDTH], 2),
  ids: {
    type: 'int64',
    shape: [8 * ROWS],
    data: BigInt64Array.from({ length: 8 * ROWS }, (_, i) => BigInt(i % WIDTH)),
  },
};

/** Whether some weight of a graph holds other than plain numbers: its errors have no floor. */
export function isOdd(graph: DrawnGraph): boolean {
  return holds(graph.steps, (numbers) => numbers !== 'plain');
}

/** Whether some weight is not finite: zero times infinity may be anything. */
export function isEndless(graph: DrawnGraph): boolean {
  return holds(graph.steps, (numbers) => numbers === 'nan' || numbers === 'infinite');
}

function holds(steps: readonly DrawnStep[], asked: (numbers: DrawnWeight['numbers']) => boolean): boolean {
  return steps.some(({ weight, second, body }) => asked(weight.numbers) || asked(second.numbers) || holds(body, asked));
}

/** Builds the graph that was drawn: x [n, 16] and ids [n] → y [n, 16]. */
export function buildRandomGraph(drawn: DrawnGraph): OnnxModel {
  const builder = new Builder(drawn);
  const graph = builder.graph(drawn.steps, 'main', 'x', 'y', []);
  graph.input.push(valueInfo('x', ['n', WIDTH]), valueInfo('ids', ['n'], 'int64'));
  graph.output.push(valueInfo('y', ['n', WIDTH]));
  if (drawn.unused) graph.initializer.push(makeTensor('nobody', 'float32', [4, 4], weightValues(16, 5)));
  if (drawn.listed) {
    for (const one of graph.initializer) graph.input.push(valueInfo(one.name, one.dims.map(Number), tensorDtype(one)));
  }
  const first = drawn.unsorted % graph.node.length;
  const node = [...graph.node.slice(first), ...graph.node.slice(0, first)];
  const opset = create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(drawn.opset) });
  const own = create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n });
  const { functions } = builder;
  const nested = graph.node.some((one) => subgraphsOf(one).length > 0);
  return {
    proto: create(ModelProtoSchema, {
      graph: { ...graph, node: drawn.unsorted > 0 ? node : graph.node },
      // Weights that are inputs may be replaced by the caller from IR 4 on: in IR 3 they are constants.
      irVersion: functions.length > 0 || nested || !drawn.listed ? 8n : 3n,
      opsetImport: functions.length > 0 ? [opset, own] : [opset],
      functions,
    }),
    path: '<random>',
  };
}

type AddNode = (opType: string, inputs: readonly string[], outputs: readonly string[], parts?: NodeParts) => void;

class Builder {
  readonly functions: ReturnType<typeof create<typeof FunctionProtoSchema>>[] = [];
  #count = 0;
  #main: GraphProto | undefined;

  constructor(readonly drawn: DrawnGraph) {}

  graph(
    steps: readonly DrawnStep[],
    name: string,
    input: string,
    output: string,
    outer: readonly string[],
  ): GraphProto {
    const graph = create(GraphProtoSchema, { name });
    this.#main ??= graph;
    // Values and nodes of different branches may have the same names.
    const values = [input, ...outer];
    for (const [index, step] of steps.entries()) {
      const out = index === steps.length - 1 ? output : `${name}_v${index}`;
      this.#step(step, graph, values, out, name);
      values.push(out);
    }
    return graph;
  }

  #step(step: DrawnStep, graph: GraphProto, values: readonly string[], out: string, at: string): void {
    const source = values[values.length - 1 - (step.source % values.length)] ?? 'x';
    const other = values[step.other % values.length] ?? 'x';
    const { opset, named } = this.drawn;
    const addTo =
      (place: GraphProto): AddNode =>
      (opType, inputs, outputs, parts = {}) => {
        place.node.push(makeNode(opType, inputs, outputs, { ...(named && { name: `${outputs[0]}_node` }), ...parts }));
      };
    const add = addTo(graph);
    const ints = (name: string, numbers: readonly number[]): string => {
      if (!graph.initializer.some((one) => one.name === name))
        graph.initializer.push(makeTensor(name, 'int64', [numbers.length], BigInt64Array.from(numbers.map(BigInt))));
      return name;
    };
    const main = this.#main ?? graph;
    const weight = (drawn: DrawnWeight, shape: readonly number[]): string =>
      drawn.outer ? this.#weight(drawn, shape, main, addTo(main), 'main') : this.#weight(drawn, shape, graph, add, at);
    const reshape = (value: string, shape: readonly number[], to: string): void => {
      add('Reshape', [value, ints(`${at}_s${shape.join('_').replaceAll('-', 'm')}`, shape)], [to]);
    };
    switch (step.kind) {
      case 'MatMul':
        add('MatMul', [source, weight(step.weight, [WIDTH, WIDTH])], [out]);
        break;
      case 'MatMulLeft':
        add('Transpose', [source], [`${out}_t`], { attributes: { perm: [1, 0] } });
        add('MatMul', [weight(step.weight, [WIDTH, WIDTH]), `${out}_t`], [`${out}_p`]);
        add('Transpose', [`${out}_p`], [out], { attributes: { perm: [1, 0] } });
        break;
      case 'HalfMatMul':
        add('Cast', [source], [`${out}_h`], { attributes: { to: DTYPE_CODE.float16 } });
        add('MatMul', [`${out}_h`, this.#half(step.weight.seed, graph, at)], [`${out}_p`]);
        add('Cast', [`${out}_p`], [out], { attributes: { to: DTYPE_CODE.float32 } });
        break;
      case 'Gemm':
        add(
          'Gemm',
          [source, weight(step.weight, [WIDTH, WIDTH]), ...(step.flag ? [weight(step.second, [WIDTH])] : [])],
          [out],
          { attributes: { transB: step.choice % 2, alpha: { float: step.choice === 3 ? 0.5 : 1 } } },
        );
        break;
      case 'Conv': {
        const group = step.choice % 2 === 0 ? 1 : 4;
        reshape(source, [-1, 4, 4], `${out}_i`);
        add(
          'Conv',
          [`${out}_i`, weight(step.weight, [4, 4 / group, 3]), ...(step.flag ? [weight(step.second, [4])] : [])],
          [`${out}_c`],
          { attributes: { pads: [1, 1], group } },
        );
        if (step.choice > 2) add('Relu', [`${out}_c`], [`${out}_a`]);
        reshape(step.choice > 2 ? `${out}_a` : `${out}_c`, [-1, WIDTH], out);
        break;
      }
      case 'BatchNormalization':
        reshape(source, [-1, 4, 4], `${out}_i`);
        add('Conv', [`${out}_i`, weight(step.weight, [4, 4, 1])], [`${out}_c`]);
        add(
          'BatchNormalization',
          [
            `${out}_c`,
            ...[1, 2, 3].map((seed) => weight({ numbers: 'plain', way: 'stored', seed, outer: false }, [4])),
            `${at}_var`,
          ],
          [`${out}_b`],
        );
        if (!graph.initializer.some(({ name }) => name === `${at}_var`))
          graph.initializer.push(makeTensor(`${at}_var`, 'float32', [4], Float32Array.of(1, 0.5, 2, 1)));
        reshape(`${out}_b`, [-1, WIDTH], out);
        break;
      case 'Gather':
        add('Gather', [weight(step.weight, [WIDTH, WIDTH]), 'ids'], [`${out}_g`], { attributes: { axis: 0 } });
        if (at !== 'main') {
          // A body may be given one row: the mean of what was looked up.
          this.#mean(`${out}_g`, `${out}_m`, graph, add, at);
          add('Add', [`${out}_m`, source], [out]);
        } else add('Add', [`${out}_g`, source], [out]);
        break;
      case 'Tied': {
        const table = weight(step.weight, [WIDTH, WIDTH]);
        add('Gather', [table, 'ids'], [`${out}_g`]);
        this.#mean(`${out}_g`, `${out}_m`, graph, add, at);
        add('Add', [`${out}_m`, source], [`${out}_a`]);
        add('Transpose', [table], [`${out}_t`], { attributes: { perm: [1, 0] } });
        add('MatMul', [`${out}_a`, `${out}_t`], [out]);
        break;
      }
      case 'LayerNormalization':
        if (opset < 17) add('Softmax', [source], [out], { attributes: { axis: 1 } });
        else
          add('LayerNormalization', [source, weight(step.weight, [WIDTH]), weight(step.second, [WIDTH])], [out], {
            attributes: { axis: -1 },
          });
        break;
      case 'LSTM':
      case 'GRU':
      case 'RNN': {
        const directions = step.flag ? 2 : 1;
        const units = WIDTH / directions;
        const gates = { LSTM: 4, GRU: 3, RNN: 1 }[step.kind];
        reshape(source, [-1, 1, WIDTH], `${out}_i`);
        add(
          step.kind,
          [
            `${out}_i`,
            weight(step.weight, [directions, gates * units, WIDTH]),
            weight(step.second, [directions, gates * units, units]),
            ...(step.choice % 2 === 0 ? [weight(step.second, [directions, 2 * gates * units])] : []),
          ],
          step.choice === 4 ? [`${out}_l`, `${out}_last`] : [`${out}_l`],
          {
            attributes: {
              hidden_size: units,
              direction: step.flag ? 'bidirectional' : step.choice < 3 ? 'forward' : 'reverse',
              ...(step.kind === 'GRU' && step.choice % 3 === 0 ? { linear_before_reset: 1 } : {}),
            },
          },
        );
        reshape(`${out}_l`, [-1, WIDTH], out);
        break;
      }
      case 'unary':
        add(['Tanh', 'Relu', 'Sigmoid', 'Identity', 'Abs', 'Neg'][step.choice] ?? 'Tanh', [source], [out]);
        break;
      case 'binary':
        add(['Add', 'Mul', 'Max', 'Sub', 'Min', 'Add'][step.choice] ?? 'Add', [source, other], [out]);
        break;
      case 'weighted':
        add(step.choice % 2 === 0 ? 'Add' : 'Mul', [source, weight(step.weight, [WIDTH])], [out]);
        break;
      case 'Cast': {
        const to = step.flag ? DTYPE_CODE.float16 : DTYPE_CODE.float64;
        add('Cast', [source], [`${out}_h`], { attributes: { to } });
        add('Neg', [`${out}_h`], [`${out}_n`]);
        add('Cast', [`${out}_n`], [out], { attributes: { to: DTYPE_CODE.float32 } });
        break;
      }
      case 'Relay':
        add('Identity', [source], [`${out}_i`]);
        add('Transpose', [`${out}_i`], [`${out}_t`], { attributes: { perm: [1, 0] } });
        add('Transpose', [`${out}_t`], [out], { attributes: { perm: [1, 0] } });
        break;
      case 'Call':
        add(this.#function(step), [source, weight(step.weight, [WIDTH, WIDTH])], [out], { domain: 'own' });
        break;
      default:
        this.#nested(step, graph, values, source, out, add, reshape);
    }
  }

  #nested(
    step: DrawnStep,
    graph: GraphProto,
    values: readonly string[],
    source: string,
    out: string,
    add: AddNode,
    reshape: (value: string, shape: readonly number[], to: string) => void,
  ): void {
    const outer = values.slice(-2);
    const condition = (name: string, value: boolean): string => {
      graph.initializer.push(makeTensor(name, 'bool', [], Uint8Array.of(value ? 1 : 0)));
      return name;
    };
    const zero = (name: string): string => {
      graph.initializer.push(makeTensor(name, 'float32', [], Float32Array.of(step.flag ? 0 : 9)));
      return name;
    };
    if (step.kind === 'If') {
      const branches = [step.body, step.flag ? step.body : step.body.slice(0, 1)].map((steps, index) => {
        const branch = this.graph(
          steps,
          `br${this.drawn.named ? this.#count : ''}_${step.flag ? '' : index}${out}`,
          source,
          `${out}_r`,
          outer,
        );
        branch.output.push(valueInfo(`${out}_r`, ['n', WIDTH]));
        return branch;
      });
      this.#count++;
      const [then, otherwise] = branches;
      if (then === undefined || otherwise === undefined) return;
      // A stored condition lets the runtime put the branch in place of the node.
      const stored = step.choice > 3;
      if (!stored) {
        add('ReduceMax', ['x'], [`${out}_max`], { attributes: { keepdims: 0 } });
        add('Greater', [`${out}_max`, zero(`${out}_zero`)], [`${out}_if`]);
      }
      add('If', [stored ? condition(`${out}_if`, step.choice === 4) : `${out}_if`], [out], {
        attributes: { then_branch: { graph: then }, else_branch: { graph: otherwise } },
      });
      return;
    }
    if (step.kind === 'Loop') {
      graph.initializer.push(makeTensor(`${out}_trips`, 'int64', [], BigInt64Array.of(2n)));
      const body = this.graph(step.body, `loop_${out}`, `${out}_in`, `${out}_r`, outer);
      body.node.push(makeNode('Identity', [`${out}_c`], [`${out}_d`]));
      body.input.push(
        valueInfo(`${out}_n`, [], 'int64'),
        valueInfo(`${out}_c`, [], 'bool'),
        valueInfo(`${out}_in`, ['n', WIDTH]),
      );
      body.output.push(valueInfo(`${out}_d`, [], 'bool'), valueInfo(`${out}_r`, ['n', WIDTH]));
      add('Loop', [`${out}_trips`, condition(`${out}_go`, true), source], [out], {
        attributes: { body: { graph: body } },
      });
      return;
    }
    // A row at a time.
    const body = this.graph(step.body, `scan_${out}`, `${out}_row`, `${out}_r`, []);
    const shape = [`scan_${out}_one`, `scan_${out}_flat`] as const;
    body.initializer.push(
      makeTensor(shape[0], 'int64', [2], BigInt64Array.of(1n, BigInt(WIDTH))),
      makeTensor(shape[1], 'int64', [1], BigInt64Array.of(BigInt(WIDTH))),
    );
    body.node.unshift(makeNode('Reshape', [`${out}_in`, shape[0]], [`${out}_row`]));
    body.node.push(makeNode('Reshape', [`${out}_r`, shape[1]], [`${out}_s`]));
    body.input.push(valueInfo(`${out}_in`, [WIDTH]));
    body.output.push(valueInfo(`${out}_s`, [WIDTH]));
    add('Scan', [source], [`${out}_all`], { attributes: { body: { graph: body }, num_scan_inputs: 1 } });
    reshape(`${out}_all`, [-1, WIDTH], out);
  }

  #mean(value: string, out: string, graph: GraphProto, add: AddNode, at: string): void {
    if (this.drawn.opset < 18) {
      add('ReduceMean', [value], [out], { attributes: { axes: [0], keepdims: 1 } });
      return;
    }
    if (!graph.initializer.some(({ name }) => name === `${at}_axis`))
      graph.initializer.push(makeTensor(`${at}_axis`, 'int64', [1], BigInt64Array.of(0n)));
    add('ReduceMean', [value, `${at}_axis`], [out]);
  }

  /** A function of two inputs: a product and a rectifier. */
  #function(step: DrawnStep): string {
    const name = step.flag ? 'Plain' : 'Own';
    if (this.functions.some((one) => one.name === name)) return name;
    const nodes = [makeNode('MatMul', ['a', 'b'], ['c']), makeNode('Tanh', ['c'], [step.flag ? 'd' : 'e'])];
    if (step.flag) {
      const inner = makeTensor('k', 'float32', [WIDTH, WIDTH], weightValues(WIDTH * WIDTH, 9));
      nodes.push(makeNode('Constant', [], ['k'], { attributes: { value: { tensor: inner } } }));
      nodes.push(makeNode('MatMul', ['d', 'k'], ['e']));
    }
    this.functions.push(
      create(FunctionProtoSchema, {
        ...{ name, domain: 'own', input: ['a', 'b'], output: ['e'], node: nodes },
        opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(this.drawn.opset) })],
      }),
    );
    return name;
  }

  #half(seed: number, graph: GraphProto, at: string): string {
    const name = `${at}_half${seed}`;
    if (!graph.initializer.some((one) => one.name === name)) {
      const values = weightValues(WIDTH * WIDTH, seed, 0.5);
      graph.initializer.push(makeTensor(name, 'float16', [WIDTH, WIDTH], encodeFloat16(values)));
    }
    return name;
  }

  /** Names a weight, put into the graph with what stands between it and its reader. */
  #weight(
    { numbers, way, seed }: DrawnWeight,
    shape: readonly number[],
    graph: GraphProto,
    add: AddNode,
    at: string,
  ): string {
    const count = shape.reduce((product, dim) => product * dim, 1);
    const base = `${at}_${numbers}${seed}_${shape.join('_')}`;
    const transposed = way === 'Transpose' && shape.length === 2;
    const values = oddNumbers(numbers, weightValues(count, seed, 0.5));
    const stored = transposed ? shape.toReversed() : way === 'Reshape' ? [count] : shape;
    const half = way === 'half' && !['tiny', 'denormal', 'huge'].includes(numbers);
    const tensor = (name: string): TensorProto =>
      half ? makeTensor(name, 'float16', stored, encodeFloat16(values)) : makeTensor(name, 'float32', stored, values);
    const kept = `${base}${half ? '_h' : ''}${stored === shape ? '' : `_as${stored.join('x')}${transposed ? 't' : ''}`}`;
    const store = (): string => {
      if (!graph.initializer.some(({ name }) => name === kept)) {
        const made = tensor(kept);
        const listed = !half && seed === 2;
        graph.initializer.push(listed ? copyMessage(made, { floatData: [...values] }, ['rawData']) : made);
      }
      return kept;
    };
    const made = `${kept}_${this.#count++}`;
    if (way === 'Constant') add('Constant', [], [made], { attributes: { value: { tensor: tensor('') } } });
    else if (way === 'Identity') add('Identity', [store()], [made]);
    else if (transposed) add('Transpose', [store()], [made], { attributes: { perm: [1, 0] } });
    else if (half) add('Cast', [store()], [made], { attributes: { to: DTYPE_CODE.float32 } });
    else if (way === 'twice') {
      add('Identity', [store()], [`${made}_a`]);
      add('Identity', [`${made}_a`], [made]);
    } else if (way === 'Reshape') {
      const name = `${made}_shape`;
      graph.initializer.push(makeTensor(name, 'int64', [shape.length], BigInt64Array.from(shape.map(BigInt))));
      add('Reshape', [store(), name], [made]);
    } else return store();
    return made;
  }
}

function oddNumbers(numbers: DrawnWeight['numbers'], values: Float32Array): Float32Array<ArrayBuffer> {
  const scale = { tiny: 1e-6, denormal: 1e-41, huge: 1e6, zero: 0 }[numbers as string] ?? 1;
  const made = values.map((value) => value * scale) as Float32Array<ArrayBuffer>;
  if (numbers === 'constant') made.fill(0.25);
  if (numbers === 'outlier') made[1] = 40;
  if (numbers === 'nan') made[1] = Number.NaN;
  if (numbers === 'infinite') made[1] = Number.NEGATIVE_INFINITY;
  return made;
}
