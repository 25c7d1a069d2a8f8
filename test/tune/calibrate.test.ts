import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../src/compress/applyRecipe.js';
import { PRESETS } from '../../src/compress/recipe.js';
import { readModel } from '../../src/onnx/file/read.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { calibrator } from '../../src/tune/calibrate.js';

describe('calibration on speech', () => {
  it('runs the shipped model over the embedded set and tells how far it is', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const progress: string[] = [];
    const calibrate = calibrator(model, {
      utterances: 2,
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    const { report } = await applyRecipe(await readModel(model.path), PRESETS.hybrid, { calibrate });
    expect(progress).toEqual(['1/2', '2/2']);
    expect(report.replacedNodes).toEqual({ Conv: 2, LSTM: 3, MatMul: 1 });
    expect(report.weightBytesAfter / report.weightBytesBefore).toBeLessThan(0.27);
  });

  it('finds the ranges of the clipped activations: nothing beyond 0…20', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    let ranges: ReadonlyMap<string, { lowest: number; highest: number }> = new Map();
    const calibrate = calibrator(model, { utterances: 1, threads: 1 });
    await applyRecipe(await readModel(model.path), PRESETS.hybrid, {
      calibrate: async (plan, options) => {
        ranges = await calibrate(plan, options);
        return ranges;
      },
    });
    expect(ranges.size).toBe(6);
    for (const [name, { lowest, highest }] of ranges) {
      if (!name.includes('Clip')) continue;
      expect(lowest).toBeGreaterThanOrEqual(0);
      expect(highest).toBeLessThanOrEqual(20);
    }
  });

  it('refuses a manifest that is not there', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const calibrate = calibrator(model, { manifest: 'nowhere.jsonl' });
    await expect(applyRecipe(await readModel(model.path), PRESETS.hybrid, { calibrate })).rejects.toThrow(
      /nowhere\.jsonl/,
    );
  });
});
