import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { type Fed, largestDifference, pattern, runModel } from '../../compress/runModel.js';
import { writeCTranslate2Folder } from './ctranslate2Bytes.js';
import { randomWeights, smallConfig, writeHuggingFaceFolder } from './randomWhisper.js';
import { WhisperReference } from './whisperReference.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config = smallConfig();
const { decoder_layers: layers, decoder_attention_heads: heads, d_model: width } = config;

function integers(shape: readonly number[], values: readonly number[]): Fed {
  return { type: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
}

type Values = Record<string, { shape: readonly number[]; data: Float32Array }>;

function fed(values: Values, keep: RegExp, rename: (name: string) => string = (name) => name): Record<string, Fed> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => keep.test(name))
      .map(([name, value]) => [rename(name), { type: 'float32' as const, ...value }]),
  );
}

/** No tokens before: states of length 0. */
function nothing(n: number): Record<string, Fed> {
  const state: Fed = { type: 'float32', shape: [n, heads, 0, width / heads], data: new Float32Array() };
  return Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [
      [`past_key_${i}`, state],
      [`past_value_${i}`, state],
    ]).flat(),
  );
}

describe('a small random Whisper', () => {
  const [own, other] = [join(folder, 'own'), join(folder, 'other')];

  it('is the same model from Hugging Face and from CTranslate2', async () => {
    writeHuggingFaceFolder(join(folder, 'hf'), config);
    writeCTranslate2Folder(join(folder, 'ct2'), config);
    const card = await importModel(join(folder, 'hf'), own);
    await importModel(join(folder, 'ct2'), other);
    for (const name of ['encoder.onnx', 'decoder.onnx', 'tokenizer.json']) {
      expect(readFileSync(join(own, name)).equals(readFileSync(join(other, name))), name).toBe(true);
    }
    expect(card.tokens).toEqual({
      start: 257,
      end: 256,
      previous: 263,
      noSpeech: 264,
      noTimestamps: 265,
      firstTimestamp: 266,
      translate: 260,
      transcribe: 261,
      languages: { en: 258, de: 259 },
      suppressed: [1, 2],
      suppressedFirst: [32, 256],
    });
    expect(card).toMatchObject({ layers: 3, heads: 4, width: 16, windowS: 30, longestText: 448, layout: 'own' });
    // The card is read as those of all models are, and each file is the one that it names.
    expect((await resolveModel(own)).card).toEqual(card);
  });

  it("gives the logits of openai-whisper's arithmetic, by any steps, alone and in a batch", async () => {
    const reference = new WhisperReference(randomWeights(config), config);
    const frames = 21;
    const mel = pattern([2, 80, frames], 5);
    const encoded = await runModel(join(own, 'encoder.onnx'), { mel });
    expect(encoded['cross_key_0']?.shape).toEqual([2, heads, 11, width / heads]);
    const tokens = [257, 258, 263, 40, 41, 42];
    const cross = fed(encoded, /^cross/);
    const decoder = join(own, 'decoder.onnx');
    const all = [0, 1, 2, 3, 4, 5];
    const whole = await runModel(decoder, {
      tokens: integers([2, 6], [...tokens, ...tokens]),
      read: integers([6], all),
      ...nothing(2),
      ...cross,
    });
    expect(whole['logits']?.shape).toEqual([2, 6, config.vocab_size]);
    const wanted = [0, 1].map((n) => {
      const rows = Array.from({ length: 80 }, (_, bin) => [
        ...mel.data.subarray((n * 80 + bin) * frames, (n * 80 + bin + 1) * frames),
      ]);
      return reference.decode(tokens, reference.encode(rows as number[][])).flat();
    });
    const logits = whole['logits']?.data ?? new Float32Array();
    expect(largestDifference(logits, Float32Array.from(wanted.flat()))).toBeLessThan(1e-4);

    let past = nothing(2);
    for (const [from, to] of [
      [0, 3],
      [3, 5],
      [5, 6],
    ] as const) {
      const part = tokens.slice(from, to);
      const step = await runModel(decoder, {
        tokens: integers([2, to - from], [...part, ...part]),
        read: integers([1], [to - from - 1]),
        ...past,
        ...cross,
      });
      const last = (n: number): Float32Array =>
        logits.subarray((n * 6 + to - 1) * config.vocab_size, (n * 6 + to) * config.vocab_size);
      const came = step['logits']?.data ?? new Float32Array();
      expect(largestDifference(came, Float32Array.of(...last(0), ...last(1)))).toBeLessThan(1e-4);
      past = fed(step, /^present/, (name) => name.replace('present', 'past'));
    }
    expect(past['past_key_0']?.shape).toEqual([2, heads, 6, width / heads]);
  });
});
