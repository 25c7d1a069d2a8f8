/**
 * Static quantization against ONNX Runtime's own tool. Golden data: test/fixtures/compress/static.json, written by
 * make_static.py with onnxruntime 1.31.1; the tensors must be equal bit for bit.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { calibrateRanges } from '../../src/compress/static/calibrate.js';
import { quantizeStatic } from '../../src/compress/static/static.js';
import type { QuantizeStaticOptions } from '../../src/compress/static/staticOptions.js';
import { planCalibration } from '../../src/compress/static/staticPlan.js';
import { sha256OfBytes } from '../../src/files.js';
import { readModel } from '../../src/onnx/file/read.js';
import { modelToBytes } from '../../src/onnx/file/write.js';
import { mainGraph } from '../../src/onnx/model.js';
import { shapeOf, tensorBytes, tensorDtype } from '../../src/onnx/tensor/tensor.js';
import { xorshiftCubed } from './xorshift.js';

const folder = fileURLToPath(new URL('../fixtures/compress/', import.meta.url));
const { cases } = JSON.parse(readFileSync(`${folder}static.json`, 'utf8')) as {
  cases: Record<string, Record<string, [string, number[], string]>>;
};

const OPTIONS: Record<string, QuantizeStaticOptions> = {
  'per channel': {},
  'per tensor': { perChannel: false },
  'reduced range': { reduceRange: true },
  'symmetric int8': { activationType: 'int8', activationSymmetric: true },
  int8: { perChannel: false, activationType: 'int8' },
};

describe('static quantization equals quantize_static', () => {
  it.each(Object.entries(cases))('%s', async (name, golden) => {
    const model = await readModel(`${folder}static.onnx`);
    const options = OPTIONS[name] ?? {};
    const plan = planCalibration(model, options);
    // As the tool calibrates: nothing fused, so that the last bits are the same.
    const session = await InferenceSession.create(modelToBytes(plan.model), { graphOptimizationLevel: 'disabled' });
    const samples = [];
    for (const seed of [101, 102, 103]) {
      const x = xorshiftCubed(seed, 2 * 2 * 12 * 9);
      const outputs = await session.run({ x: new Tensor('float32', x, [2, 2, 12, 9]) });
      samples.push({
        x,
        ...Object.fromEntries(Object.entries(outputs).map(([key, { data }]) => [key, data as Float32Array])),
      });
    }
    await session.release();
    const quantized = quantizeStatic(model, await calibrateRanges(plan.tensors, samples), options).model;
    let compared = 0;
    for (const tensor of mainGraph(quantized).initializer) {
      const expected = golden[tensor.name];
      if (expected === undefined) continue;
      // The tool writes the one scale of a bias as a list of one, here it is a scalar like the others.
      if (tensor.name.endsWith('_quantized_scale') && options.perChannel === false) expected[1] = [];
      expect([tensor.name, tensorDtype(tensor), shapeOf(tensor), sha256OfBytes(tensorBytes(tensor))]).toEqual([
        tensor.name,
        ...expected,
      ]);
      compared++;
    }
    expect(compared).toBeGreaterThan(15);
  });
});
