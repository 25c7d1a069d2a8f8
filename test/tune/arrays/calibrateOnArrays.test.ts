/** Calibration on arrays that NumPy wrote (test/fixtures/experiment/numpy/make_numpy.py). */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { readNumpy } from '../../../src/tune/arrays/numpy.js';
import { calibratorOnArrays } from '../../../src/tune/arrays/onArrays.js';
import { quantlab } from '../../cli/terminal.js';
import { smallModel, valueInfo, weight } from '../../compress/smallModels.js';

const arrays = fileURLToPath(new URL('../../fixtures/experiment/numpy/', import.meta.url));
const model = smallModel(
  [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' })],
  [weight('w', [8, 6], 1)],
  [valueInfo('x', ['n', 8])],
  [valueInfo('y', ['n', 6])],
);
const plan = { tensors: ['x', 'y'], model };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-arrays-'));
  await writeModel(model, join(folder, 'model.onnx'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('arrays of NumPy', () => {
  it('are read stored and deflated, alone and by name', async () => {
    const stack = (await readNumpy(`${arrays}stack.npy`)).get('');
    expect(stack).toMatchObject({ type: 'float32', shape: [4, 5, 8] });
    const named = (await readNumpy(`${arrays}named.npz`)).get('x');
    expect(named?.shape).toEqual([5, 8]);
    expect(named?.data).toEqual(stack?.data.subarray(0, 40));
    expect([...(await readNumpy(`${arrays}numbered.npz`)).keys()]).toEqual(['x_0', 'x_1']);
    await expect(readNumpy(`${arrays}fortran.npy`)).rejects.toThrow(/in C's order were required/);
    await writeFile(join(folder, 'cut.npz'), Buffer.from('PK\u0003\u0004 and no more'));
    await expect(readNumpy(join(folder, 'cut.npz'))).rejects.toThrow(/damaged/);
  });

  it('give the ranges: one sample, several, and a stack of them', async () => {
    const floats = (await readNumpy(`${arrays}stack.npy`)).get('')?.data as Float32Array;
    for (const [file, values] of [
      ['named.npz', floats.subarray(0, 40)],
      ['numbered.npz', floats.subarray(0, 64)],
      ['stack.npy', floats],
    ] as const) {
      const ranges = await calibratorOnArrays({ inputs: `${arrays}${file}` })(plan, {});
      expect(ranges.get('x'), file).toEqual({ lowest: Math.min(...values), highest: Math.max(...values) });
      expect(ranges.has('y')).toBe(true);
    }
  });

  it('fit a dimension that an exporter wrote as -1', async () => {
    // PaddlePaddle's exporter writes free dimensions so.
    const free = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'], { name: 'product' })],
      [weight('w', [8, 6], 1)],
      [valueInfo('x', [-1, 8])],
      [valueInfo('y', ['n', 6])],
    );
    const ranges = await calibratorOnArrays({ inputs: `${arrays}named.npz` })({ tensors: ['x', 'y'], model: free }, {});
    expect([...ranges.keys()].sort()).toEqual(['x', 'y']);
  });

  it('are refused with file and input where type, shape or name do not fit', async () => {
    for (const [file, says] of [
      ['double.npz', /double\.npz: float32 was required for input x, got float64/],
      ['narrow.npz', /narrow\.npz: \[\?, 8\] was required for input x, .* got \[5, 7\]/],
      ['other.npz', /other\.npz: an array x, or x_0, .* for input x, got features/],
    ] as const) {
      await expect(calibratorOnArrays({ inputs: `${arrays}${file}` })(plan, {})).rejects.toThrow(says);
    }
  });

  it('calibrate a model without a card from the command line', async () => {
    const [input, output] = [join(folder, 'model.onnx'), join(folder, 'small.onnx')];
    const without = await quantlab('quantize', input, '-o', output, '--recipe', 'static');
    expect(without.exitCode).toBe(1);
    expect(without.err).toContain('arrays with --inputs');
    const given = ['--inputs', `${arrays}stack.npy`, '--json'];
    const { exitCode, out, err } = await quantlab('quantize', input, '-o', output, '--recipe', 'static', ...given);
    expect(exitCode, err).toBe(0);
    expect(JSON.parse(out).report.replacedNodes).toEqual({ MatMul: 1 });
    expect(await readdir(folder)).toContain('small.onnx');
  });
});
