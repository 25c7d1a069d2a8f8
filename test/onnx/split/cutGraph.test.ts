/** Stages run one after another: what they must answer is what the runtime answers to the whole model, bit for bit. */
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { simplifyModel } from '../../../src/onnx/normalForm/simplify.js';
import { type CrossingValue, crossingValues, cutGraph } from '../../../src/onnx/split/cutGraph.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { operatorSetsOf } from '../../../src/onnx/types/signature.js';
import { valueTypes } from '../../../src/onnx/types/valueTypes.js';
import { buildRandomGraph, drawnGraph, FEEDS } from '../../compress/randomGraph.js';
import { pattern } from '../../compress/runModel.js';
import { smallModel, weightValues } from '../smallModels.js';

type Values = Record<string, Tensor>;

async function run(model: OnnxModel, given: Values): Promise<Values> {
  // Nothing fused: where two nodes become one, the whole may round once less.
  const session = await InferenceSession.create(modelToBytes(model), {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
    graphOptimizationLevel: 'disabled',
  });
  try {
    return {
      ...(await session.run(Object.fromEntries(session.inputNames.map((name) => [name, given[name] as Tensor])))),
    };
  } finally {
    await session.release();
  }
}

function typesOf(model: OnnxModel): ReadonlyMap<string, CrossingValue> {
  const types = valueTypes(mainGraph(model), operatorSetsOf(model.proto));
  return new Map([...types].map(([name, dtype]) => [name, { dtype, rank: null }]));
}

const shown = (values: Values, model: OnnxModel) =>
  mainGraph(model).output.map(({ name }) => [name, values[name]?.type, values[name]?.dims, values[name]?.data]);

/** Cuts a model, and compares what the stages give with what the whole gives. */
async function sameInStages(model: OnnxModel, starts: readonly number[], feeds: Values): Promise<void> {
  const stages = cutGraph(model, starts, typesOf(model));
  const values: Values = { ...feeds };
  for (const stage of stages) {
    expect(mainGraph(stage.model).input.map(({ name }) => name)).toEqual(stage.inputs);
    const given = await run(stage.model, values);
    expect(Object.keys(given).sort()).toEqual([...stage.outputs].sort());
    Object.assign(values, given);
  }
  expect(shown(values, model)).toEqual(shown(await run(model, feeds), model));
}

const tensorsOf = (feeds: typeof FEEDS): Values =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, shape }]) => [
      name,
      new Tensor(type as 'float32', data as Float32Array, shape),
    ]),
  );

describe('cutGraph', () => {
  it('gives stages of random graphs that answer as the whole does, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(drawnGraph, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), async (drawn, places) => {
        const { model } = simplifyModel(buildRandomGraph(drawn));
        const count = mainGraph(model).node.length;
        fc.pre(count > 1);
        const [types, crossing] = [typesOf(model), crossingValues(model)];
        // Two Casts, to half precision and back, the runtime leaves out in the whole; cut apart, they round as ONNX says.
        const rounds = (at: number) => crossing[at]?.some((name) => types.get(name)?.dtype === 'float16');
        const asked = places.map((place) => 1 + (place % (count - 1))).filter((at) => !rounds(at));
        const starts = [...new Set(asked)].sort((a, b) => a - b);
        await sameInStages(model, starts, tensorsOf(FEEDS));
      }),
      { numRuns: Number(process.env['FUZZ'] ?? 60), seed: Number(process.env['FUZZ_SEED'] ?? 20_261_129) },
    );
  }, 3_600_000);

  it('hands a value past a stage, gives an early output where it is made, and a shared weight to both', async () => {
    const model = smallModel({
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['a']),
        makeNode('Relu', ['a'], ['b']),
        makeNode('MatMul', ['b', 'w'], ['c']),
        makeNode('Add', ['a', 'c'], ['d']),
        makeNode('Add', ['d', 'x'], ['y']),
      ],
      inputs: { x: ['float32', ['n', 8]] },
      outputs: { b: ['float32', ['n', 8]], y: ['float32', ['n', 8]] },
      weights: [makeTensor('w', 'float32', [8, 8], weightValues(64, 1))],
    });
    expect(crossingValues(model)).toEqual([[], ['a'], ['a', 'b'], ['a', 'c'], ['d']]);
    const stages = cutGraph(model, [2, 3], typesOf(model));
    expect(stages.map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
      [['x'], ['a', 'b']],
      [['b'], ['c']],
      [['a', 'c', 'x'], ['y']],
    ]);
    expect(stages.map(({ model }) => mainGraph(model).initializer.length)).toEqual([1, 1, 0]);
    await sameInStages(model, [2, 3], tensorsOf({ x: pattern([3, 8], 1) }));
  });

  it('refuses a stage without nodes, and a value that nothing is known of', () => {
    const { model } = simplifyModel(
      smallModel({
        nodes: [makeNode('Relu', ['x'], ['a']), makeNode('Neg', ['a'], ['y'])],
        inputs: { x: ['float32', [2]] },
        outputs: { y: ['float32', [2]] },
      }),
    );
    expect(() => cutGraph(model, [0], typesOf(model))).toThrow(/a node for each stage was required/);
    expect(() => cutGraph(model, [2], typesOf(model))).toThrow(/a stage without one/);
    expect(() => cutGraph(model, [1], new Map())).toThrow(/values of a known type .*, got a;/);
  });
});
