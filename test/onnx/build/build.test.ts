import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { sha256OfBytes } from '../../../src/files.js';
import { buildDeepSpeech2, type DeepSpeech2Options, deepSpeech2Settings } from '../../../src/onnx/build/build.js';
import { uniformWeights } from '../../../src/onnx/build/buildRandom.js';
import { modelToBytes, writeModel } from '../../../src/onnx/file/write.js';
import { mainGraph, opsetVersion } from '../../../src/onnx/model.js';
import { elementCount } from '../../../src/onnx/tensor/tensor.js';
import { writeBuiltCard } from '../../../src/recognise/kinds/ctc/builtCard.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { type Fed, largestDifference, pattern, runModel } from '../../compress/runModel.js';

const small = (options: DeepSpeech2Options = {}) => buildDeepSpeech2({ layers: 2, units: 16, channels: 4, ...options });

function feeds(features: Fed, lengths: readonly number[]): Record<string, Fed> {
  return { features, lengths: { type: 'int64', shape: [lengths.length], data: BigInt64Array.from(lengths, BigInt) } };
}

const parameters = (options: DeepSpeech2Options): number =>
  mainGraph(buildDeepSpeech2(options)).initializer.reduce(
    (sum, tensor) => sum + (tensor.dims.length > 0 && tensor.dataType === 1 ? elementCount(tensor) : 0),
    0,
  );

describe.each(['deepspeech2', 'residual'] as const)('a built Deep Speech 2 with the %s front', (front) => {
  it.each(['lstm', 'gru', 'rnn'] as const)(
    'of %s cells gives a padded batch the answers of its single utterances',
    async (cell) => {
      const model = small({ cell, front });
      const bins = front === 'residual' ? 128 : 161;
      const [long, short] = [31, 20];
      const both = pattern([2, long, bins], 3);
      // The padding holds numbers, not zeros: the mask must take them away.
      const batch = await runModel(model, feeds(both, [long, short]));
      const first = await runModel(
        model,
        feeds({ ...both, shape: [1, long, bins], data: both.data.slice(0, long * bins) as Float32Array }, [long]),
      );
      const shortData = both.data.slice(long * bins, (long + short) * bins) as Float32Array;
      const second = await runModel(model, feeds({ ...both, shape: [1, short, bins], data: shortData }, [short]));
      const together = batch['log_probabilities'];
      expect(together?.shape).toEqual([2, 16, 29]);
      expect(first['log_probabilities']?.shape).toEqual([1, 16, 29]);
      expect(second['log_probabilities']?.shape).toEqual([1, 10, 29]);
      const at = (row: number, steps: number) =>
        together?.data.slice(row * 16 * 29, row * 16 * 29 + steps * 29) ?? new Float32Array();
      const empty = new Float32Array();
      expect(largestDifference(at(0, 16), first['log_probabilities']?.data ?? empty)).toBeLessThan(1e-4);
      expect(largestDifference(at(1, 10), second['log_probabilities']?.data ?? empty)).toBeLessThan(1e-4);
    },
  );

  it('is loaded by the runtime at each operator set', async () => {
    const bins = front === 'residual' ? 128 : 161;
    const results = [];
    for (const opset of [17, 19, 21, 23]) {
      const model = small({ front, opset });
      expect(opsetVersion(model)).toBe(opset);
      results.push((await runModel(model, feeds(pattern([1, 9, bins], 1), [9])))['log_probabilities']?.data);
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });
});

describe('buildDeepSpeech2', () => {
  it('gives the same bytes for the same options, others for another seed', () => {
    // Frozen: a change of the generator would change every published figure's model.
    expect(sha256OfBytes(uniformWeights('layer0.W', 1, 1000, 0.5) as unknown as Uint8Array)).toMatchInlineSnapshot(
      `"4b20e0936c6cccf18dc5237e7cb7a5805db21952811946798541bd6941a8120e"`,
    );
    const hash = (options: DeepSpeech2Options) => sha256OfBytes(modelToBytes(small(options)));
    expect(hash({})).toBe(hash({ cell: 'lstm', seed: 1 }));
    expect(hash({ seed: 2 })).not.toBe(hash({}));
  });

  it('spreads its weights evenly', () => {
    const values = uniformWeights('w', 7, 100_000, 2);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const power = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(power - 4 / 3)).toBeLessThan(0.02);
    expect(Math.max(...values.slice(0, 10_000))).toBeLessThanOrEqual(2);
  });

  it('has the sizes of the models that facts are known of', () => {
    // 5 × BiLSTM 1024: conv (1·41·11 + 32·21·11)·32 + 64, W 2·4096·(1312 + 4·1024), R 5·2·4096·1024, B 5·16384, labels.
    expect(parameters({})).toBe((451 + 7392) * 32 + 64 + 8192 * (1312 + 4096) + 41_943_040 + 81_920 + 1024 * 29 + 29);
    // The residual model of 23.7 million parameters: 95 MB.
    expect(Math.round(parameters({ cell: 'gru', units: 512, front: 'residual' }) / 1e5)).toBe(237);
  });

  it.each([
    [{ layers: 0 }, /layers: a whole number from 1/],
    [{ units: 1.5 }, /units: .* got 1.5/],
    [{ opset: 16 }, /opset: a whole number from 17 to 23 was required, got 16/],
    [{ cell: 'mgu' as 'gru' }, /cell: lstm, gru or rnn was required, got mgu/],
    [{ front: 'conv' as 'residual' }, /front: .* got conv/],
  ])('refuses %j', (options, message) => {
    expect(() => buildDeepSpeech2(options)).toThrow(InputError);
    expect(() => buildDeepSpeech2(options)).toThrow(message);
  });
});

describe('writeBuiltCard', () => {
  it.each([{ bins: 161 }, { bins: 129 }, { front: 'residual' }, { front: 'residual', bins: 80 }] as const)(
    'makes a model with %j that the recognizer runs',
    async (shape) => {
      const folder = await mkdtemp(join(tmpdir(), 'quantlab-build-'));
      try {
        const options = { layers: 1, units: 8, channels: 2, cell: 'gru', ...shape } as const;
        const model = buildDeepSpeech2(options);
        const path = join(folder, 'random.onnx');
        await writeModel(model, path);
        await writeBuiltCard(model, deepSpeech2Settings(options), path);
        const resolved = await resolveModel(path);
        expect(resolved.card.parameters).toBe(parameters(options));
        const recognizer = await Recognizer.load(resolved, { threads: 1 });
        const sound = {
          samples: Float32Array.from({ length: 8000 }, (_, n) => Math.sin(n * n * 1e-5)),
          sampleRateHz: 16_000,
        };
        expect((await recognizer.recognize(sound)).audioS).toBeCloseTo(0.5);
        await recognizer.release();
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
});
