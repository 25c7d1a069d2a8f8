import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../src/onnx/file/read.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { mainGraph } from '../../src/onnx/model.js';
import { shapeOf, tensorFloats } from '../../src/onnx/tensor/tensor.js';
import { smallModel, valueInfo, weight } from '../compress/smallModels.js';
import { quantlab } from './terminal.js';

/** Four samples of five rows of eight numbers. */
const STACK = fileURLToPath(new URL('../fixtures/experiment/numpy/stack.npy', import.meta.url));

let folder: string;
let input: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-prune-'));
  input = join(folder, 'model.onnx');
  const model = (units: number) =>
    smallModel(
      [
        makeNode('MatMul', ['x', 'w'], ['h'], { name: 'first' }),
        makeNode('Relu', ['h'], ['a']),
        makeNode('MatMul', ['a', 'v'], ['y'], { name: 'second' }),
      ],
      [weight('w', [8, units], 1), weight('v', [units, 6], 2)],
      [valueInfo('x', ['n', 8])],
      [valueInfo('y', ['n', 6])],
    );
  await writeModel(model(10), input);
  await writeModel(model(40), join(folder, 'wide.onnx'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const weightsOf = async (path: string) =>
  new Map(mainGraph(await readModel(path)).initializer.map((tensor) => [tensor.name, tensor]));

describe('quantlab prune', () => {
  it('takes units out, then weights, as its options ask', async () => {
    const out = join(folder, 'both.onnx');
    const asked = ['--share', '0.2', '--sparsity', '0.5', '--json'];
    const ended = await quantlab('prune', input, '-o', out, ...asked);
    expect(ended.exitCode, ended.err).toBe(0);
    expect(JSON.parse(ended.out).report.notes).toEqual([
      'first: 8 of 10 units are left',
      'w of first: 32 of 64 weights are zero',
      'v of second: 24 of 48 weights are zero',
    ]);
    expect(shapeOf((await weightsOf(out)).get('v') as never)).toEqual([8, 6]);
    const pattern = await quantlab('prune', input, '-o', out, '--pattern', '2:4');
    expect(pattern.exitCode, pattern.err).toBe(0);
    const left = tensorFloats((await weightsOf(out)).get('w') as never).filter((value) => value !== 0);
    expect(left).toHaveLength(40);
  });

  it('fits what stays to arrays, and says when they are too few or none', async () => {
    const out = join(folder, 'fitted.onnx');
    const asked = ['-o', out, '--share', '0.2', '--calibrated'];
    const none = await quantlab('prune', input, ...asked);
    expect(none).toMatchObject({ exitCode: 1, out: '' });
    expect(none.err).toMatch(/model\.onnx: .*a calibration set was required .* arrays with --inputs/);
    const few = await quantlab('prune', join(folder, 'wide.onnx'), ...asked, '--inputs', STACK);
    expect(few).toMatchObject({ exitCode: 1, out: '' });
    expect(few.err).toMatch(/at least 40 rows of a, .*, were required .*, got 20; give more recordings or arrays/);
    expect(await readdir(folder)).not.toContain('fitted.onnx');
    const done = await quantlab('prune', input, ...asked, '--inputs', STACK);
    expect(done.exitCode, done.err).toBe(0);
    expect(done.out).toContain('first: 8 of 10 units are left');
  });

  it.each([
    [[], 2, /--sparsity, --sparsities, --pattern or --share was required, got none/],
    [['--sparsities', 'nosuch=0.5'], 1, /model\.onnx: sparsities: .* got nosuch/],
    [['--sparsities', 'first=1'], 2, /a share of 0 or more, and below 1, was required/],
    [['--sparsities', 'first'], 2, /A name, =, and a number are required/],
    [['--sparsity', '1'], 2, /a share of 0 or more, and below 1, was required/],
    [['--sparsity', '-0.5'], 2, /a share of 0 or more, and below 1, was required/],
    [['--share', '1'], 2, /a share below 1 was required/],
    [['--pattern', '4:2'], 2, /N:M, such as 2:4, with N below M, was required/],
    [['--pattern', '2:4', '--scope', 'model'], 1, /model\.onnx: scope: tensor was required with a pattern/],
    [['--share', '0.2', '--only', 'nosuch'], 1, /model\.onnx: nodesToQuantize: .* got nosuch/],
  ] as const)('refuses %j, and writes nothing', async (asked, exitCode, says) => {
    const ended = await quantlab('prune', input, '-o', join(folder, 'refused.onnx'), ...asked);
    expect(ended.exitCode).toBe(exitCode);
    expect(ended.err).toMatch(says);
    expect(await readdir(folder)).not.toContain('refused.onnx');
  });

  it('takes what `sensitivity` shared out among the layers', async () => {
    const [budget, out] = [join(folder, 'budget.json'), join(folder, 'shared.onnx')];
    const asked = ['--technique', 'prune', '--inputs', STACK];
    const measured = await quantlab('sensitivity', input, ...asked, '--budget', '0.5', '-o', budget);
    expect(measured.exitCode, measured.err).toBe(0);
    expect(measured.out).toContain('prune 0.75');
    const done = await quantlab('quantize', input, '-o', out, '--recipe', budget, '--json');
    expect(done.exitCode, done.err).toBe(0);
    const zeros = [...(await weightsOf(out)).values()].flatMap((tensor) => {
      return Array.from(tensorFloats(tensor)).filter((value) => value === 0);
    });
    expect(zeros.length).toBeGreaterThanOrEqual(70);
    for (const [more, exitCode, says] of [
      [['--budget', '0.9', '-o', budget], 1, /budget: a share of at most 0.75, .*, was required, got 0.9/],
      [['--budget', '0.5'], 2, /--out was required with --budget/],
      [['--shares', '0.5,1'], 2, /A share above 0 and below 1 is required/],
    ] as const) {
      expect(await quantlab('sensitivity', input, ...asked, ...more)).toMatchObject({
        exitCode,
        err: expect.stringMatching(says),
      });
    }
    expect(await quantlab('sensitivity', input, '--budget', '0.5', '-o', budget)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/--technique was required/),
    });
  });

  it('says that zeros make nothing faster', async () => {
    expect((await quantlab('help', 'prune')).out).toContain('a model gets neither faster nor smaller by them');
  });
});
