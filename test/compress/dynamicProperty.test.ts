/** Properties of dynamic quantization over random small graphs: it loads, it runs, it answers nearly the same. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic/dynamic.js';
import { modelFromBytes } from '../../src/onnx/file/read.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { modelNodes } from '../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../src/onnx/model.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { smallModel, weightValues } from '../onnx/smallModels.js';
import { pattern, runModel, signalToErrorDb } from './runModel.js';

const WIDTH = 12;

type Step =
  | { readonly kind: 'MatMul' | 'Gemm'; readonly weight: number; readonly source: number; readonly transposed: boolean }
  | { readonly kind: 'Tanh' | 'Relu'; readonly source: number }
  | { readonly kind: 'Add'; readonly source: number; readonly other: number }
  | { readonly kind: 'LSTM'; readonly weight: number; readonly source: number; readonly both: boolean };

const source = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('MatMul' as const, 'Gemm' as const),
    weight: fc.nat(3),
    source,
    transposed: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('Tanh' as const, 'Relu' as const), source }),
  fc.record({ kind: fc.constant('Add' as const), source, other: source }),
  fc.record({ kind: fc.constant('LSTM' as const), weight: fc.nat(1), source, both: fc.boolean() }),
);

/** A graph of the steps, each reading one of the values before it; the last value is the output. */
function build(steps: readonly Step[]): OnnxModel {
  const nodes = [];
  const weights = new Map<string, ReturnType<typeof makeTensor>>();
  const weight = (name: string, shape: readonly number[], seed: number): string => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    weights.set(name, makeTensor(name, 'float32', shape, weightValues(count, seed, 0.5)));
    return name;
  };
  const values = ['x'];
  const pick = (index: number): string => values[index % values.length] ?? 'x';
  for (const [index, one] of steps.entries()) {
    const out = index === steps.length - 1 ? 'y' : `v${index}`;
    const name = `n${index}`;
    if (one.kind === 'MatMul' || one.kind === 'Gemm') {
      const matrix = weight(`w${one.weight}`, [WIDTH, WIDTH], one.weight + 1);
      if (one.kind === 'MatMul' && one.transposed) {
        nodes.push(makeNode('Transpose', [matrix], [`t${index}`], { attributes: { perm: [1, 0] } }));
        nodes.push(makeNode('MatMul', [pick(one.source), `t${index}`], [out], { name }));
      } else if (one.kind === 'MatMul') {
        nodes.push(makeNode('MatMul', [pick(one.source), matrix], [out], { name }));
      } else {
        const inputs = [pick(one.source), matrix, weight('bias', [WIDTH], 9)];
        nodes.push(makeNode('Gemm', inputs, [out], { name, attributes: { transB: one.transposed ? 1 : 0 } }));
      }
    } else if (one.kind === 'LSTM') {
      const directions = one.both ? 2 : 1;
      const hidden = WIDTH / directions;
      const key = `${one.weight}_${directions}`;
      const w = weight(`W${key}`, [directions, 4 * hidden, WIDTH], one.weight + 3);
      const r = weight(`R${key}`, [directions, 4 * hidden, hidden], one.weight + 5);
      const direction = one.both ? 'bidirectional' : 'reverse';
      weights.set('axis', makeTensor('axis', 'int64', [1], BigInt64Array.of(1n)));
      weights.set('wide', makeTensor('wide', 'int64', [2], BigInt64Array.of(-1n, BigInt(WIDTH))));
      nodes.push(
        makeNode('Unsqueeze', [pick(one.source), 'axis'], [`u${index}`]),
        makeNode('LSTM', [`u${index}`, w, r], [`l${index}`], { name, attributes: { hidden_size: hidden, direction } }),
        makeNode('Reshape', [`l${index}`, 'wide'], [out]),
      );
    } else {
      const inputs = one.kind === 'Add' ? [pick(one.source), pick(one.other)] : [pick(one.source)];
      nodes.push(makeNode(one.kind, inputs, [out], { name }));
    }
    values.push(out);
  }
  return smallModel({
    nodes,
    inputs: { x: ['float32', ['n', WIDTH]] },
    outputs: { y: ['float32', ['n', WIDTH]] },
    weights: [...weights.values()],
  });
}

const options = fc.record({
  perChannel: fc.boolean(),
  reduceRange: fc.boolean(),
  weightType: fc.constantFrom('int8' as const, 'uint8' as const),
});

it('keeps what random graphs compute', async () => {
  const feeds = { x: pattern([7, WIDTH], 1) };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), options, async (steps, chosen) => {
      const model = build(steps);
      const { model: quantized, report } = quantizeDynamic(model, chosen);
      const left = [...modelNodes(quantized.proto)].filter(({ opType }) => ['MatMul', 'Gemm', 'LSTM'].includes(opType));
      expect(left).toEqual([]);
      expect(report.leftNodes).toEqual([]);
      const bytes = modelToBytes(quantized);
      expect(Buffer.compare(modelToBytes(modelFromBytes(bytes)), bytes)).toBe(0);
      expect(Buffer.compare(modelToBytes(quantizeDynamic(model, chosen).model), bytes)).toBe(0);
      const [expected, actual] = [(await runModel(model, feeds))['y'], (await runModel(quantized, feeds))['y']];
      expect(actual?.shape).toEqual(expected?.shape);
      const reference = expected?.data ?? new Float32Array();
      // Nothing to compare where rectifiers left nothing.
      if (reference.every((value) => value === 0)) return;
      expect(signalToErrorDb(reference, actual?.data ?? new Float32Array())).toBeGreaterThan(
        chosen.reduceRange ? 10 : 15,
      );
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 60), seed: 20_261_121 },
  );
});

it('names each initializer once, and none that is not read', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), options, (steps, chosen) => {
      const graph = mainGraph(quantizeDynamic(build(steps), chosen).model);
      const names = graph.initializer.map(({ name }) => name);
      const read = new Set(graph.node.flatMap(({ input }) => input));
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => !read.has(name))).toEqual([]);
      const made = graph.node.flatMap(({ output }) => output);
      expect(new Set(made).size).toBe(made.length);
    }),
    { numRuns: 200, seed: 20_261_121 },
  );
});
