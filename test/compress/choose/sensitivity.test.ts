import { describe, expect, it } from 'vitest';
import { measureSensitivity, type SensitivityResources } from '../../../src/compress/choose/sensitivity.js';
import { calibrateRanges } from '../../../src/compress/static/calibrate.js';
import { pattern, runModel } from '../runModel.js';
import { convolutionModel, operatorCounts } from '../smallModels.js';

const feeds = [1, 2].map((seed) => ({ x: pattern([2, 2, 12, 9], seed) }));

const resources: SensitivityResources = {
  async *run(model, tensors) {
    for (const feed of feeds) {
      const outputs = await runModel(model, feed);
      yield Object.fromEntries(
        tensors.map((name) => [
          name,
          outputs[name]?.data ?? (name === 'x' ? (feed.x.data as Float32Array) : new Float32Array()),
        ]),
      );
    }
  },
  async calibrate(plan, options) {
    return await calibrateRanges(plan.tensors, this.run?.(plan.model, plan.tensors) ?? [], options);
  },
  // A made-up profile: one millisecond for each node, by operator and count.
  profile: async (model) =>
    new Map(Object.entries(operatorCounts(model)).map(([op, count]) => [`${op} ${count}`, count])),
} as SensitivityResources & { run: SensitivityResources['run'] };

describe('sensitivity', () => {
  it('measures each layer and each choice, the most harmful first', async () => {
    const progress: number[] = [];
    const table = await measureSensitivity(convolutionModel(3), resources, {
      output: 'y',
      onProgress: (done) => progress.push(done),
    });
    // Two convolutions with one choice each, a Gemm with four.
    expect(progress).toEqual([1, 2, 3, 4, 5, 6]);
    expect(table.map(({ layer, choice }) => `${layer.node} ${choice}`).sort()).toEqual(
      ['conv1 static', 'conv2 static', 'gemm dynamic', 'gemm nbits4', 'gemm nbits8', 'gemm static'].sort(),
    );
    const outputs = table.map(({ outputDb }) => outputDb ?? Number.POSITIVE_INFINITY);
    expect(outputs).toEqual(outputs.toSorted((a, b) => a - b));
    expect(`${table[0]?.layer.node} ${table[0]?.choice}`).toBe('gemm nbits4');
    for (const one of table) {
      expect(one.weightsDb).toBeGreaterThan(one.choice === 'nbits4' ? 15 : 35);
      expect(one.weightBytesAfter).toBeLessThan(one.weightBytesBefore);
      expect(one.savedMs).not.toBeNull();
    }
    // The last layer's output is the model's.
    const gemm = table.find(({ choice }) => choice === 'nbits8');
    expect(gemm?.activationDb).toBe(gemm?.outputDb);
  });

  it('does without a profile', async () => {
    const { profile: _, ...untimed } = resources;
    const table = await measureSensitivity(convolutionModel(4), untimed, { output: 'y' });
    expect(table.every(({ savedMs }) => savedMs === null)).toBe(true);
  });
});
