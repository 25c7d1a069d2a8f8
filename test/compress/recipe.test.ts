import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyRecipe } from '../../src/compress/applyRecipe.js';
import { PRESET_NAMES, PRESETS, parseRecipe, type Recipe, readRecipe, writeRecipe } from '../../src/compress/recipe.js';
import { quantizeRecurrent } from '../../src/compress/recurrent/recurrent.js';
import { calibrateRanges } from '../../src/compress/static/calibrate.js';
import { buildDeepSpeech2 } from '../../src/onnx/build/build.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { mainGraph } from '../../src/onnx/model.js';
import { elementCount } from '../../src/onnx/tensor/tensor.js';
import { pattern, runModel, signalToErrorDb } from './runModel.js';
import { convolutionModel, operatorCounts, smallModel, valueInfo, weight } from './smallModels.js';

const feed = { x: pattern([3, 2, 12, 9], 1) };
const resources: Parameters<typeof applyRecipe>[2] = {
  async calibrate(plan, options) {
    const outputs = await runModel(plan.model, feed);
    const sample = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
    return await calibrateRanges(plan.tensors, [{ x: feed.x.data as Float32Array, ...sample }], options);
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-recipe-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('recipes', () => {
  it.each(PRESET_NAMES)('%s: is applied, runs, and answers nearly the same', async (name) => {
    const model = convolutionModel(3);
    const { model: smaller, report } = await applyRecipe(model, PRESETS[name], resources);
    expect(report.transform).toBe(name);
    expect(report.compressed.length).toBeGreaterThan(0);
    const [before, after] = [await runModel(model, feed), await runModel(smaller, feed)];
    expect(
      signalToErrorDb(before['y']?.data ?? new Float32Array(), after['y']?.data ?? new Float32Array()),
    ).toBeGreaterThan(25);
    const again = await applyRecipe(model, PRESETS[name], resources);
    expect(modelToBytes(again.model)).toEqual(modelToBytes(smaller));
  });

  it('counts the bytes of a weight that is cut into pieces as a whole', async () => {
    // Both directions of an LSTM have matrices of their own in one weight.
    const model = buildDeepSpeech2({ layers: 1, units: 32 });
    const options = { opTypesToQuantize: ['LSTM'] } as const;
    const steps = [{ transform: 'recurrent', options }] as const;
    const { report } = await applyRecipe(model, { ...PRESETS.hybrid, steps });
    const { compressed, leftWeights, weightBytesBefore } = report;
    expect(compressed.filter(({ name }) => name === compressed[0]?.name)).toHaveLength(2);
    const cut = new Set(compressed.map(({ name }) => name));
    const whole = mainGraph(model).initializer.filter(({ name }) => cut.has(name));
    const left = leftWeights.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(weightBytesBefore).toBe(whole.reduce((sum, tensor) => sum + 4 * elementCount(tensor), left));
    expect(leftWeights.length).toBeGreaterThan(0);
    expect(quantizeRecurrent(model, options).report.weightBytesBefore).toBe(weightBytesBefore);
  });

  it('leaves a model as it was that it would make larger, and says so', async () => {
    // A scale and a zero point for each product of two numbers, and the nodes around it, cost more than three bytes saved.
    const products = Array.from({ length: 120 }, (_, index) => {
      const [from, to] = [index === 0 ? 'x' : `v${index}`, index === 119 ? 'y' : `v${index + 1}`];
      return makeNode('MatMul', [from, `w${index}`], [to], { name: `product${index}` });
    });
    const weights = products.map((_, index) => weight(`w${index}`, [1, 1], index + 1));
    const model = smallModel(products, weights, [valueInfo('x', ['n', 1])], [valueInfo('y', ['n', 1])]);
    const { model: same, report } = await applyRecipe(model, PRESETS.dynamic);
    expect(same).toBe(model);
    expect(report.notes).toEqual([expect.stringMatching(/^the model was left as it was: .* \d+ bytes larger$/)]);
    expect(report.compressed).toEqual([]);
    expect(report.leftWeights).toHaveLength(120);
    expect(report.weightBytesAfter).toBe(480);
    // One of them alone is quantized: it adds few bytes.
    const few = smallModel(
      [makeNode('MatMul', ['x', 'w0'], ['y'])],
      weights.slice(0, 1),
      [valueInfo('x', ['n', 1])],
      [valueInfo('y', ['n', 1])],
    );
    expect((await applyRecipe(few, PRESETS.dynamic)).report.compressed).toHaveLength(1);
  });

  it('joins the reports of its steps', async () => {
    const { model, report } = await applyRecipe(convolutionModel(3), PRESETS.hybrid, resources);
    expect(operatorCounts(model)).toMatchObject({ Conv: 2, MatMulInteger: 1, DynamicQuantizeLinear: 1 });
    expect(report.replacedNodes).toEqual({ Conv: 2, Gemm: 1 });
    expect(report.compressed.map(({ name }) => name)).toEqual(['w1_folded', 'w1_bias_folded', 'w2', 'b2', 'w3']);
    expect(report.leftWeights.map(({ name }) => name)).toEqual(['b3']);
  });

  it.each(['gru', 'lstm', 'rnn'] as const)('hybrid: quantizes every layer of a DeepSpeech 2 with %s', async (cell) => {
    const model = buildDeepSpeech2({ cell, layers: 2, units: 32, channels: 4, bins: 41, seed: 5 });
    const features = pattern([1, 60, 41], 1);
    const speech = { features, lengths: { type: 'int64', shape: [1], data: BigInt64Array.of(60n) } } as const;
    const { model: smaller, report } = await applyRecipe(model, PRESETS.hybrid, {
      async calibrate(plan, options) {
        const outputs = await runModel(plan.model, speech);
        const sample = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]));
        return await calibrateRanges(plan.tensors, [{ features: features.data as Float32Array, ...sample }], options);
      },
    });
    expect(report.leftNodes).toEqual([]);
    expect(report.replacedNodes).toMatchObject({ Conv: 2, [cell.toUpperCase()]: 2 });
    const [before, after] = [await runModel(model, speech), await runModel(smaller, speech)];
    const name = 'log_probabilities';
    expect(
      signalToErrorDb(before[name]?.data ?? new Float32Array(), after[name]?.data ?? new Float32Array()),
    ).toBeGreaterThan(25);
  });

  it.each(['gru', 'lstm', 'rnn'] as const)(
    'by-rows: what else is in a batch changes nothing, with %s',
    async (cell) => {
      const model = buildDeepSpeech2({ cell, layers: 2, units: 32, channels: 4, bins: 41, seed: 5 });
      const { model: smaller, report } = await applyRecipe(model, await readRecipe('by-rows'));
      expect(report.replacedNodes).toMatchObject({ [cell.toUpperCase()]: 2, MatMul: 5 });
      // The other recording is three times as loud: one scale for both would serve it alone.
      const [frames, bins, name] = [60, 41, 'log_probabilities'];
      const both = pattern([2, frames, bins], 1).data as Float32Array;
      for (let index = frames * bins; index < both.length; index++) both[index] = 3 * (both[index] as number);
      const run = async (made: typeof model, count: number): Promise<Float32Array> => {
        const outputs = await runModel(made, {
          features: { type: 'float32', shape: [count, frames, bins], data: both.slice(0, count * frames * bins) },
          lengths: { type: 'int64', shape: [count], data: new BigInt64Array(count).fill(BigInt(frames)) },
        });
        return outputs[name]?.data as Float32Array;
      };
      const apart = async (made: typeof model): Promise<number> => {
        const [alone, together] = [await run(made, 1), await run(made, 2)];
        return Math.max(...alone.map((value, index) => Math.abs(value - (together[index] as number))));
      };
      expect(signalToErrorDb(await run(model, 1), await run(smaller, 1))).toBeGreaterThan(25);
      expect(await apart(smaller)).toBeLessThan(1e-5);
      expect(await apart((await applyRecipe(model, PRESETS.dynamic)).model)).toBeGreaterThan(1e-4);
    },
  );

  it('are files', async () => {
    const path = join(folder, 'mine.json');
    const recipe: Recipe = {
      schema: 'quantlab.recipe/1',
      name: 'mine',
      description: 'four bits in the last layer',
      steps: [{ transform: 'weight-only', options: { bits: 4, blockSize: 32, nodesToQuantize: ['gemm'] } }],
    };
    await writeRecipe(recipe, path);
    expect(await readRecipe(path)).toEqual(recipe);
    expect((await readFile(path, 'utf8')).endsWith('}\n')).toBe(true);
    expect(await readRecipe('hybrid')).toBe(PRESETS.hybrid);
    for (const preset of Object.values(PRESETS)) expect(parseRecipe(JSON.stringify(preset))).toEqual(preset);
  });

  it('say which field is wrong', async () => {
    const path = join(folder, 'bad.json');
    await writeFile(
      path,
      JSON.stringify({ ...PRESETS.dynamic, steps: [{ transform: 'dynamic', options: { perChanel: true } }] }),
    );
    await expect(readRecipe(path)).rejects.toThrow(/bad\.json: field steps\.0/);
    await expect(readRecipe('best')).rejects.toThrow(/dynamic, static, hybrid/);
    await expect(applyRecipe(convolutionModel(3), PRESETS.static)).rejects.toThrow(/a calibration set was required/);
  });
});
