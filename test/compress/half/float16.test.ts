import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertToHalf, type HalfOptions } from '../../../src/compress/half/float16.js';
import { InputError, UnavailableError } from '../../../src/errors.js';
import { readModel } from '../../../src/onnx/file/read.js';
import { modelToBytes } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { mainGraph, type OnnxModel } from '../../../src/onnx/model.js';
import { DTYPE_CODE } from '../../../src/onnx/tensor/dtype.js';
import { makeTensor, tensorDtype } from '../../../src/onnx/tensor/tensor.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { type Fed, pattern, runModel, signalToErrorDb } from '../runModel.js';
import { convolutionModel, operatorCounts, recurrentModel, smallModel, valueInfo, weight } from '../smallModels.js';

async function decibels(
  model: OnnxModel,
  options: HalfOptions,
  feeds: Record<string, Fed>,
  output = 'y',
): Promise<number> {
  const { model: smaller } = convertToHalf(model, options);
  const [before, after] = [await runModel(model, feeds), await runModel(smaller, feeds)];
  expect(after[output]?.shape).toEqual(before[output]?.shape);
  return signalToErrorDb(before[output]?.data ?? new Float32Array(), after[output]?.data ?? new Float32Array());
}

const convFeeds = { x: pattern([3, 2, 12, 9], 1) };
const lstmFeeds = { x: pattern([6, 2, 12], 1) };

describe('half precision', () => {
  // 11 bits of significand are 66 dB, 8 bits 48 dB, for one rounding.
  it('answers nearly the same', async () => {
    expect(await decibels(convolutionModel(3), {}, convFeeds)).toBeGreaterThan(50);
    expect(await decibels(recurrentModel(3), {}, lstmFeeds)).toBeGreaterThan(50);
    expect(await decibels(recurrentModel(3), { weightsOnly: true }, lstmFeeds)).toBeGreaterThan(55);
    expect(await decibels(recurrentModel(3), { format: 'bfloat16', weightsOnly: true }, lstmFeeds)).toBeGreaterThan(38);
  });

  it('keeps inputs and outputs, and stores weights in half the bytes', () => {
    const { model, report } = convertToHalf(recurrentModel(3));
    const graph = mainGraph(model);
    const types = [...graph.input, ...graph.output].map(({ type }) =>
      type?.value.case === 'tensorType' ? type.value.value.elemType : 0,
    );
    expect(types).toEqual([DTYPE_CODE.float32, DTYPE_CODE.float32]);
    expect(graph.initializer.map((tensor) => tensorDtype(tensor)).sort()).toEqual(
      ['float16', 'float16', 'float16', 'float16', 'int64'].sort(),
    );
    expect(operatorCounts(model)).toEqual({ LSTM: 1, Transpose: 1, Reshape: 1, MatMul: 1, Cast: 2 });
    expect(report.compressed.length).toBe(4);
    expect(report.weightBytesBefore).toBe(2 * report.weightBytesAfter);
  });

  it('leaves blocked operators and excluded nodes in float32', async () => {
    const options = { opBlockList: ['LSTM'], nodesToExclude: ['classes'] };
    const { model, report } = convertToHalf(recurrentModel(3), { opBlockList: ['LSTM'] });
    expect(report.leftWeights.map(({ name }) => name).sort()).toEqual(['b', 'r', 'w']);
    // x → LSTM → Cast → Transpose, Reshape, MatMul → Cast.
    expect(operatorCounts(model)).toMatchObject({ Cast: 2 });
    expect(await decibels(recurrentModel(3), { opBlockList: ['LSTM'] }, lstmFeeds)).toBeGreaterThan(55);
    const none = convertToHalf(recurrentModel(3), options);
    expect(none.report.compressed).toEqual([]);
    expect(none.report.leftWeights.map(({ name }) => name).sort()).toEqual(['b', 'm', 'r', 'w']);
    expect(none.report.notes).toEqual([expect.stringMatching(/left as it is/)]);
  });

  it('counts in float32: a length of 2,049 stays one', async () => {
    const model = smallModel(
      [
        makeNode('Shape', ['x'], ['shape']),
        makeNode('Cast', ['shape'], ['length'], { attributes: { to: DTYPE_CODE.float32 } }),
        makeNode('ReduceMean', ['x'], ['mean'], { attributes: { axes: [0], keepdims: 0 } }),
        makeNode('Mul', ['length', 'two'], ['twice']),
        makeNode('Div', ['mean', 'twice'], ['y']),
      ],
      [makeTensor('two', 'float32', [], Float32Array.of(2))],
      [valueInfo('x', ['n'])],
      [valueInfo('y', [1]), valueInfo('twice', [1])],
    );
    const { model: half } = convertToHalf(model);
    const outputs = await runModel(half, { x: pattern([2049], 1) });
    expect(outputs['twice']?.data[0]).toBe(4098);
  });

  it('feeds nested graphs what they capture in float32', async () => {
    const branch = (name: string, opType: string): NonNullable<OnnxModel['proto']['graph']> =>
      mainGraph(smallModel([makeNode(opType, ['h'], [name])], [], [], [valueInfo(name, ['n', 4])]));
    const model = smallModel(
      [
        makeNode('MatMul', ['x', 'w'], ['h']),
        makeNode('If', ['flag'], ['c'], {
          attributes: { then_branch: { graph: branch('t', 'Relu') }, else_branch: { graph: branch('e', 'Neg') } },
        }),
        makeNode('MatMul', ['c', 'v'], ['y']),
      ],
      [weight('w', [3, 4], 3), weight('v', [4, 2], 4)],
      [valueInfo('x', ['n', 3]), valueInfo('flag', [], 'bool')],
      [valueInfo('y', ['n', 2])],
    );
    const flag: Fed = { type: 'bool', shape: [], data: Uint8Array.of(0) };
    expect(await decibels(model, {}, { x: pattern([2, 3], 1), flag })).toBeGreaterThan(50);
  });

  it('keeps random layers near', async () => {
    const any = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      columns: fc.integer({ min: 1, max: 20 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      op: fc.constantFrom('Relu', 'Tanh', 'Sigmoid', 'Identity'),
      options: fc.constantFrom<HalfOptions>({}, { weightsOnly: true }, { format: 'bfloat16', weightsOnly: true }),
    });
    await fc.assert(
      fc.asyncProperty(any, async ({ rows, columns, seed, op, options }) => {
        const model = smallModel(
          [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('Add', ['m', 'b'], ['a']), makeNode(op, ['a'], ['y'])],
          [weight('w', [rows, columns], seed), weight('b', [columns], seed + 1)],
          [valueInfo('x', ['n', rows])],
          [valueInfo('y', ['n', columns])],
        );
        const feeds = { x: pattern([3, rows], 2) };
        const before = (await runModel(model, feeds))['y']?.data ?? new Float32Array();
        const after = (await runModel(convertToHalf(model, options).model, feeds))['y']?.data ?? new Float32Array();
        // Each product and sum rounded once: 2⁻⁹ (bfloat16) or 2⁻¹² of sums of at most `rows` terms of at most 1.
        for (const [i, value] of before.entries())
          expect(Math.abs(value - (after[i] ?? 9))).toBeLessThan((rows + 1) * 2 ** -8);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses what the runtime cannot do, and unknown options', async () => {
    expect(() => convertToHalf(recurrentModel(3), { format: 'bfloat16' })).toThrow(UnavailableError);
    expect(() => convertToHalf(recurrentModel(3), { format: 'float8' as 'float16' })).toThrow(InputError);
    expect(() => convertToHalf(recurrentModel(3), { nodesToExclude: ['nobody'] })).toThrow(InputError);
    // The reason for the first: should a later runtime compute in bfloat16, this fails and the refusal can go.
    const to = DTYPE_CODE.bfloat16;
    const model = smallModel(
      [
        makeNode('Cast', ['x'], ['a'], { attributes: { to } }),
        makeNode('Conv', ['a', 'w'], ['b']),
        makeNode('Cast', ['b'], ['y'], { attributes: { to: DTYPE_CODE.float32 } }),
      ],
      [makeTensor('w', 'bfloat16', [1, 1, 1, 1], Uint16Array.of(0x3f80))],
      [valueInfo('x', [1, 1, 2, 2])],
      [valueInfo('y', [1, 1, 2, 2])],
      22,
    );
    await expect(runModel(model, { x: pattern([1, 1, 2, 2], 1) })).rejects.toThrow();
  });

  it('is deterministic and leaves its input alone', () => {
    const model = convolutionModel(9);
    const before = modelToBytes(model);
    expect(modelToBytes(convertToHalf(model).model)).toEqual(modelToBytes(convertToHalf(model).model));
    expect(modelToBytes(model)).toEqual(before);
  });
});

describe('the shipped model', () => {
  let model: OnnxModel;
  beforeAll(async () => {
    model = await readModel((await resolveModel('deepspeech2-lstm')).path);
  });

  it('loses nothing as half-precision weights, which it has, and little in half-precision arithmetic', async () => {
    const feeds = {
      features: pattern([1, 60, 161], 1),
      lengths: { type: 'int64', shape: [1], data: BigInt64Array.of(60n) } as Fed,
    };
    expect(await decibels(model, { weightsOnly: true }, feeds, 'log_probabilities')).toBe(Number.POSITIVE_INFINITY);
    expect(await decibels(model, {}, feeds, 'log_probabilities')).toBeGreaterThan(40);
  });
});
