/** Models without a card, measured beside each other: expected values by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../../src/onnx/file/write.js';
import { makeNode } from '../../../src/onnx/graph/node.js';
import { makeTensor } from '../../../src/onnx/tensor/tensor.js';
import { benchOnArrays } from '../../../src/tune/arrays/benchOnArrays.js';
import { quantlab } from '../../cli/terminal.js';
import { smallModel, valueInfo } from '../../compress/smallModels.js';

const product = (input: string, scale: number) =>
  smallModel(
    [makeNode('MatMul', [input, 'w'], ['y'], { name: 'product' })],
    [
      makeTensor(
        'w',
        'float32',
        [64, 64],
        Float32Array.from({ length: 64 * 64 }, (_, i) => scale * Math.sin(i)),
      ),
    ],
    [valueInfo(input, ['batch', 64])],
    [valueInfo('y', ['batch', 64])],
  );

let folder: string;
const at = (name: string) => join(folder, `${name}.onnx`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-bench-'));
  await writeModel(product('x', 1), at('one'));
  await writeModel(product('x', 1.1), at('tenth'));
  await writeModel(product('other', 1), at('other'));
});
afterAll(async () => await rm(folder, { recursive: true }));

describe('models without a card', () => {
  it('are timed in turns, with memory, size and how far their outputs are apart', async () => {
    const [first, second, same] = await benchOnArrays([at('one'), at('tenth'), at('one')], { trials: 30, threads: 1 });
    expect(first).toMatchObject({ model: at('one'), speedUp: null, agreement: null, threads: 1 });
    expect(first?.times.trials).toBe(30);
    expect(first?.times.meanMs.value).toBeGreaterThan(0);
    expect(first?.sizeBytes).toBeGreaterThan(64 * 64 * 4);
    expect(first?.peakBytes).toBeGreaterThan(2e7);
    expect(second?.speedUp?.draws).toBe('turns');
    // A tenth more of everything: the error has a hundredth of the signal's power, 20 dB.
    expect(second?.agreement?.[0]?.signalToErrorDb).toBeCloseTo(20, 3);
    expect(second?.agreement?.[0]?.equal).toBe(0);
    expect(same?.agreement).toEqual([{ output: 'y', signalToErrorDb: null, largestDifference: 0, equal: 1 }]);
  });

  it('are refused where they read something else', async () => {
    await expect(benchOnArrays([at('one'), at('other')])).rejects.toThrow(
      /other\.onnx: the inputs of .*one\.onnx \(x float32 of 2 axes\) were required, got other float32/,
    );
    await expect(benchOnArrays([])).rejects.toThrow(/at least one model/);
  });

  it('are made smaller and measured from the command line, by two commands', async () => {
    const made = await quantlab('quantize', at('one'), '-o', at('small'));
    expect(made.exitCode, made.err).toBe(0);
    const args = ['bench', at('one'), at('small'), '--trials', '10', '--dim', 'batch=2', '--threads', '1'];
    const shown = await quantlab(...args);
    expect(shown.exitCode, shown.err).toBe(0);
    expect(shown.out).toMatch(/^4 random samples: x \[2, 64\]; axes of any size \(--dim\): batch=2\n/);
    expect(shown.out).toMatch(/^small +y +\d\d\.\d /m);
    for (const line of shown.out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const records = JSON.parse((await quantlab(...args, '--json')).out) as { agreement: unknown }[];
    expect(records.map(({ agreement }) => agreement === null)).toEqual([true, false]);
    expect((await quantlab(...args, '--export', 'csv')).out.split('\r\n')[0]).toContain('signal');
    expect((await quantlab('bench', at('one'), '--dim', 'batch')).exitCode).toBe(2);
  });

  it('are compared layer by layer, and their layers ranked', async () => {
    const compared = await quantlab('compare', at('one'), at('tenth'));
    expect(compared.exitCode, compared.err).toBe(0);
    expect(compared.out).toMatch(/^y +output +20\.0 /m);
    const ranked = await quantlab('sensitivity', at('one'), '--json');
    expect(ranked.exitCode, ranked.err).toBe(0);
    const choices = (JSON.parse(ranked.out) as { choice: string }[]).map(({ choice }) => choice);
    expect(choices.sort()).toEqual(['dynamic', 'nbits4', 'nbits8', 'static']);
    expect((await quantlab('sensitivity', at('one'), '--output', 'z')).err).toMatch(/named z was required/);
  });
});
