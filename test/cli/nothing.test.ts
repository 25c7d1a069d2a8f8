/** Commands that find nothing to do say what they looked for, and end with 1: an empty table is no answer. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../src/onnx/file/read.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { makeNode } from '../../src/onnx/graph/node.js';
import { mainGraph } from '../../src/onnx/model.js';
import { makeTensor } from '../../src/onnx/tensor/tensor.js';
import { writeVariantCard } from '../../src/recognise/card/variantCard.js';
import { buildModel } from '../../src/recognise/kinds/ctc/buildModel.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { recurrentCase } from '../compress/recurrentModels.js';
import { recurrentModel, smallModel, valueInfo, weight } from '../compress/smallModels.js';
import { quantlab } from './terminal.js';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-nothing-'));
  await writeModel(recurrentCase({ opType: 'GRU' }).model, at('gru.onnx'));
  await writeModel(recurrentModel(3), at('lstm.onnx'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('quantlab quantize', () => {
  it('names the recipe that has a form of GRU', async () => {
    const { exitCode, out, err } = await quantlab('quantize', at('gru.onnx'), '-o', at('never.onnx'));
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toContain('it looked for constant weights of MatMul, Gemm, LSTM');
    expect(err).toContain('W of layer: dynamic quantization has no form of GRU');
    expect(err).toContain('--recipe hybrid has a form of GRU');
    expect(await readdir(folder)).not.toContain('never.onnx');
    const hybrid = await quantlab('quantize', at('gru.onnx'), '-o', at('small.onnx'), '--recipe', 'hybrid');
    expect(hybrid.exitCode, hybrid.err).toBe(0);
    expect(hybrid.out).not.toContain('dynamic quantization has no form of');
  });

  it('tells integers, half precision and models without weights apart', async () => {
    const plain = smallModel([makeNode('Relu', ['x'], ['y'])], [], [valueInfo('x', [3])], [valueInfo('y', [3])]);
    await writeModel(plain, at('plain.onnx'));
    await quantlab('quantize', at('lstm.onnx'), '-o', at('int8.onnx'));
    await quantlab('quantize', at('lstm.onnx'), '-o', at('half.onnx'), '--recipe', 'float16');
    await writeFile(
      at('none.json'),
      JSON.stringify({ schema: 'quantlab.recipe/1', name: 'none', description: '', steps: [] }),
    );
    for (const [model, recipe, says] of [
      ['plain', 'dynamic', 'the model holds no such weight'],
      ['plain', 'float16', 'it looked for float32 constants of more than one number'],
      ['int8', 'dynamic', 'its weights are integers already'],
      ['half', 'float16', 'its weights are in half precision already'],
      ['lstm', at('none.json'), 'the recipe has no steps'],
    ] as const) {
      const { exitCode, err } = await quantlab(
        'quantize',
        at(`${model}.onnx`),
        '-o',
        at('never.onnx'),
        '--recipe',
        recipe,
      );
      expect(exitCode, `${model} ${recipe}`).toBe(1);
      expect(err).toContain(says);
    }
    expect(await readdir(folder)).not.toContain('never.onnx');
  });

  it('sums up biases and norms in one line', async () => {
    const count = 30;
    const nodes = Array.from({ length: count }, (_, index) =>
      makeNode('Add', [index === 0 ? 'p' : `v${index - 1}`, `b${index}`], [index === count - 1 ? 'y' : `v${index}`]),
    );
    const model = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['p']), ...nodes],
      [weight('w', [64, 64], 1), ...nodes.map((_, index) => weight(`b${index}`, [64], index + 2))],
      [valueInfo('x', ['n', 64])],
      [valueInfo('y', ['n', 64])],
    );
    await writeModel(model, at('biases.onnx'));
    const { out, exitCode } = await quantlab('quantize', at('biases.onnx'), '-o', at('biases.int8.onnx'));
    expect(exitCode).toBe(0);
    expect(out).toMatch(/30 biases, norms and the like {2}Add +7680 {2}no matrices: computed in float/);
    expect(out.split('\n').length).toBeLessThan(10);
    const weightOnly = await quantlab(
      'quantize',
      at('biases.onnx'),
      '-o',
      at('w.onnx'),
      '--recipe',
      'weight-only',
      '--json',
    );
    expect(weightOnly.out).not.toContain('dynamic quantization has no form of');
    expect(JSON.parse(weightOnly.out).report.leftWeights).toHaveLength(30);
  });

  it('names the node that was probably meant', async () => {
    const { exitCode, err } = await quantlab(
      'quantize',
      at('lstm.onnx'),
      '-o',
      at('never.onnx'),
      '--exclude',
      'clases',
    );
    expect(exitCode).toBe(1);
    expect(err).toContain('did you mean classes or ');
  });
});

describe('quantlab code', () => {
  it('refuses a plain model to decode, and one that is coded', async () => {
    const wide = smallModel(
      [makeNode('MatMul', ['x', 'w'], ['y'])],
      [weight('w', [64, 64], 1)],
      [valueInfo('x', ['n', 64])],
      [valueInfo('y', ['n', 64])],
    );
    await writeModel(wide, at('wide.onnx'));
    await quantlab('quantize', at('wide.onnx'), '-o', at('wide.int8.onnx'));
    const plain = await quantlab('code', at('wide.int8.onnx'), '--decode', '-o', at('never.onnx'));
    expect(plain.exitCode).toBe(1);
    expect(plain.err).toContain('got a plain one');
    expect((await quantlab('code', at('wide.int8.onnx'), '-o', at('coded.onnx'))).exitCode).toBe(0);
    const twice = await quantlab('code', at('coded.onnx'), '-o', at('never.onnx'));
    expect(twice.exitCode).toBe(1);
    expect(twice.err).toContain('got a coded one');
    expect(await readdir(folder)).not.toContain('never.onnx');
  });

  it('refuses integers that the code makes no smaller', async () => {
    // Every code equally often, and no three in the same order again: eight bits each.
    const even = Int8Array.from({ length: 4096 }, (_, index) => index * (2 * Math.floor(index / 256) + 1));
    const model = smallModel(
      [makeNode('Cast', ['w'], ['f'], { attributes: { to: 1 } }), makeNode('MatMul', ['x', 'f'], ['y'])],
      [makeTensor('w', 'int8', [64, 64], even)],
      [valueInfo('x', ['n', 64])],
      [valueInfo('y', ['n', 64])],
    );
    await writeModel(model, at('even.onnx'));
    const { exitCode, err } = await quantlab('code', at('even.onnx'), '-o', at('never.onnx'));
    expect(exitCode).toBe(1);
    expect(err).toContain('values that are all alike often; keep it as it is');
  });
});

describe('quantlab sensitivity', () => {
  it('names the layer that was probably meant', async () => {
    const { exitCode, out, err } = await quantlab('sensitivity', 'deepspeech2-lstm', '--node', 'nosuch');
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toMatch(/nodes: names of the model's nodes were required, got nosuch; /);
    const near = await quantlab('sensitivity', 'deepspeech2-lstm', '--node', 'conv0.cnv');
    expect(near.exitCode).toBe(1);
    expect(near.err).toMatch(/did you mean conv0\.conv or /);
  });
});

describe('quantlab compare', () => {
  const short = ['--utterances', '1', '--threads', '1'];

  it('refuses a model of another front end, and says which layers have no counterpart', async () => {
    await buildModel(at('residual.onnx'), { front: 'residual', cell: 'gru', layers: 1, units: 8, seed: 1 });
    const other = await quantlab('compare', 'deepspeech2-lstm', at('residual.onnx'), ...short);
    expect(other.exitCode).toBe(1);
    expect(other.err).toMatch(
      /the front end of .* was required, got another in its card; compare a model with its own/,
    );
    // The same graph, its last product under another name.
    const { card, path } = await resolveModel('deepspeech2-lstm');
    const model = await readModel(path);
    for (const node of mainGraph(model).node) {
      if (node.opType !== 'MatMul') continue;
      for (const reader of mainGraph(model).node) {
        reader.input = reader.input.map((name) => (name === node.output[0] ? 'renamed' : name));
      }
      node.output = ['renamed'];
    }
    await writeModel(model, at('renamed.onnx'));
    await writeVariantCard({ card }, { model: at('renamed.onnx') }, 'renamed');
    const { exitCode, out, err } = await quantlab('compare', 'deepspeech2-lstm', at('renamed.onnx'), ...short);
    expect(exitCode, err).toBe(0);
    expect(out).toMatch(/not compared, since .*renamed\.onnx has no such value: labels\.product/);
  });

  it('compares a model in half precision by what it has', async () => {
    const path = at('lstm16.onnx');
    await quantlab('quantize', 'deepspeech2-lstm', '-o', path, '--recipe', 'float16');
    const { exitCode, out, err } = await quantlab('compare', 'deepspeech2-lstm', path, ...short, '--json');
    expect(exitCode, err).toBe(0);
    const { values, missing } = JSON.parse(out);
    expect(values.length + missing.length).toBe(7);
    expect(values.at(-1).signalToErrorDb).toBeGreaterThan(40);
  });
});
