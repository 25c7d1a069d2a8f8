import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../src/onnx/file/write.js';
import { recurrentCase } from '../compress/recurrentModels.js';
import { recurrentModel } from '../compress/smallModels.js';
import { quantlab } from './terminal.js';

const MODEL = 'deepspeech2-lstm';
const SPEECH = new URL('../../data/speech/audio/agent-pass.flac', import.meta.url).pathname;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-cli-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('quantlab quantize', () => {
  it('writes a model that inspects, has its card, and hears the same', async () => {
    const path = join(folder, 'small.onnx');
    const { exitCode, out } = await quantlab('quantize', MODEL, '-o', path, '--json');
    expect(exitCode).toBe(0);
    const { sizeBytes, report } = JSON.parse(out);
    expect(sizeBytes.before / sizeBytes.after).toBeGreaterThan(3.5);
    expect(report.replacedNodes).toEqual({ LSTM: 3, MatMul: 1 });

    const inspected = JSON.parse((await quantlab('inspect', path, '--json')).out);
    expect(inspected.sizeBytes).toBe(sizeBytes.after);
    expect(inspected.operators['com.microsoft.DynamicQuantizeLSTM']).toBe(3);
    expect(inspected.operators.LSTM).toBeUndefined();

    // The transcript of the prompt: data/speech/holdout.jsonl.
    const heard = await quantlab('transcribe', SPEECH, '--model', path);
    expect(heard).toMatchObject({ exitCode: 0, out: 'please enter your password followed by the pound key\n' });
  });

  it('writes the same bytes each time', async () => {
    const [first, second] = [join(folder, 'first.onnx'), join(folder, 'second.onnx')];
    await quantlab('quantize', MODEL, '-o', first, '--per-channel');
    await quantlab('quantize', MODEL, '-o', second, '--per-channel');
    expect((await readFile(first)).equals(await readFile(second))).toBe(true);
  });

  it('applies each recipe of the package, and the model still hears', async () => {
    const few = join(folder, 'few.jsonl');
    await writeFile(few, `${JSON.stringify({ audio_filepath: SPEECH, duration: 3.285, text: '' })}\n`);
    const sizes = new Map<string, number>();
    for (const recipe of ['weight-only', 'float16', 'hybrid']) {
      const path = join(folder, `${recipe}.onnx`);
      const { exitCode, out, err } = await quantlab(
        'quantize',
        MODEL,
        '-o',
        path,
        '--recipe',
        recipe,
        '--no-measure',
        '--calibrate',
        few,
        '--json',
      );
      expect(exitCode, err).toBe(0);
      sizes.set(recipe, JSON.parse(out).sizeBytes.after);
      const heard = await quantlab('transcribe', SPEECH, '--model', path);
      expect(heard.out, recipe).toBe('please enter your password followed by the pound key\n');
    }
    const float = 32_041_669;
    expect(float / (sizes.get('float16') ?? float)).toBeGreaterThan(1.9);
    expect(float / (sizes.get('weight-only') ?? float)).toBeGreaterThan(3.5);
    expect(float / (sizes.get('hybrid') ?? float)).toBeGreaterThan(3.5);
  });

  it('takes the options of techniques, each checked by its technique', async () => {
    const [from, to] = ['lstm.onnx', 'four.onnx'].map((name) => join(folder, name));
    await writeModel(recurrentModel(3), from ?? '');
    const quantize = (...options: string[]) =>
      quantlab('quantize', from ?? '', '-o', to ?? '', '--recipe', 'weight-only', ...options, '--json');
    const { compressed } = JSON.parse((await quantize('--bits', '4', '--block-size', '16')).out).report;
    expect(compressed).toMatchObject([{ to: 'uint8', granularity: 'block' }]);
    // One scale for each tensor instead of each channel, which is the technique's default.
    const whole = JSON.parse((await quantize('--no-per-channel')).out).report.compressed;
    expect(new Set(whole.map(({ granularity }: { granularity: string }) => granularity))).toEqual(new Set(['tensor']));
    for (const [option, value, says] of [
      ['--bits', '5', 'One of 4, 8 is required.'],
      ['--block-size', 'many', '--block-size'],
      ['--algorithm', 'gptq', 'One of nearest, hqq is required.'],
      ['--sparsity', '0.5', '--sparsity: a recipe that knows it was required, got weight-only'],
    ] as const) {
      const { exitCode, err } = await quantize(option, value);
      expect(exitCode, option).toBe(2);
      expect(err).toContain(says);
    }
    const { exitCode, err } = await quantize('--op-types', 'Softmax');
    expect(exitCode).toBe(1);
    expect(err).toMatch(/lstm\.onnx: opTypesToQuantize: MatMul, .* was required, got Softmax/);
  });

  it('ends with 2 for an option that no step of the recipe knows', async () => {
    const path = join(folder, 'wrong.onnx');
    const { exitCode, err } = await quantlab('quantize', MODEL, '-o', path, '--recipe', 'float16', '--per-channel');
    expect(exitCode).toBe(2);
    expect(err).toContain('--per-channel');
  });

  it('writes a model whose nodes were rewritten in float, though no weight is smaller', async () => {
    const [from, to, recipe] = ['gru.onnx', 'rewritten.onnx', 'float.json'].map((name) => join(folder, name));
    await writeModel(recurrentCase({ opType: 'GRU' }).model, from ?? '');
    const options = { opTypesToQuantize: ['GRU'], projection: 'float', recurrence: 'float' };
    const steps = [{ transform: 'recurrent', options }];
    await writeFile(
      recipe ?? '',
      JSON.stringify({ schema: 'quantlab.recipe/1', name: 'float', description: '', steps }),
    );
    const made = await quantlab('quantize', from ?? '', '-o', to ?? '', '--recipe', recipe ?? '', '--json');
    expect(made.exitCode).toBe(0);
    expect(JSON.parse(made.out).report.replacedNodes).toEqual({ GRU: 1 });
    const inspected = JSON.parse((await quantlab('inspect', to ?? '', '--json')).out);
    expect(inspected.operators).toMatchObject({ Scan: 1 });
    expect(inspected.operators.GRU).toBeUndefined();
  });

  it('leaves nothing behind when the place cannot be written', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, 'kept');
    const before = await readdir(folder);
    const { exitCode, err } = await quantlab('quantize', MODEL, '-o', join(file, 'small.onnx'));
    expect(exitCode).toBe(2);
    expect(err).toContain(`A folder is required, got the file ${file}`);
    expect(await readdir(folder)).toEqual(before);
    expect(await readFile(file, 'utf8')).toBe('kept');
  });

  it('refuses a model whose bytes are not those of its card', async () => {
    const path = join(folder, 'changed.onnx');
    await quantlab('quantize', MODEL, '-o', path);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    const { exitCode, err } = await quantlab('transcribe', SPEECH, '--model', path);
    expect(exitCode).toBe(1);
    expect(err).toContain(path);
    expect(err).toContain('SHA-256');
  });
});
