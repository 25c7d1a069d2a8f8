import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { type Fed, pattern, runModel } from '../../compress/runModel.js';

// OpenAI's tiny.en as faster-whisper keeps it; expected values: test/fixtures/whisper/make.py.
const FOLDER = process.env['QUANTLAB_WHISPER'];

const out = mkdtempSync(join(tmpdir(), 'quantlab-tiny-'));
afterAll(() => rmSync(out, { recursive: true }));

interface Reference {
  readonly tokens: readonly number[];
  readonly frames: number;
  readonly seed: number;
  readonly every: number;
  readonly best: readonly number[];
  readonly logits: readonly (readonly number[])[];
}

const VOCABULARY = 51_864;
const LAYERS = 4;

const title =
  FOLDER === undefined ? "Whisper's own weights (skipped: QUANTLAB_WHISPER names none)" : "Whisper's own weights";
describe.skipIf(FOLDER === undefined)(title, () => {
  it('give the logits of an implementation in float64 within 1e-3', async () => {
    const wanted = JSON.parse(readFileSync('test/fixtures/whisper/reference.json', 'utf8')) as Reference;
    const card = await importModel(FOLDER ?? '', out);
    // PyTorch counts 37,184,256 in openai-whisper's: there the encoder's positions are no parameter.
    const parameters = 37_184_256 + 1500 * 384;
    expect(card).toMatchObject({ parameters, vocabulary: VOCABULARY, tokens: { start: 50_257 } });
    expect(card.tokens.languages).toBeUndefined();
    const heard = await runModel(join(out, 'encoder.onnx'), { mel: pattern([1, 80, wanted.frames], wanted.seed) });
    const integers = (shape: readonly number[], values: readonly number[]): Fed => {
      return { type: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
    };
    const none: Fed = { type: 'float32', shape: [1, 6, 0, 64], data: new Float32Array() };
    const feeds: Record<string, Fed> = {
      tokens: integers([1, wanted.tokens.length], wanted.tokens),
      read: integers([wanted.tokens.length], [...wanted.tokens.keys()]),
    };
    for (let layer = 0; layer < LAYERS; layer++) {
      for (const part of ['key', 'value']) {
        feeds[`past_${part}_${layer}`] = none;
        feeds[`cross_${part}_${layer}`] = {
          type: 'float32',
          ...(heard[`cross_${part}_${layer}`] as Omit<Fed, 'type'>),
        };
      }
    }
    const came = (await runModel(join(out, 'decoder.onnx'), feeds))['logits']?.data ?? new Float32Array();
    for (const [step, row] of wanted.logits.entries()) {
      const logits = came.subarray(step * VOCABULARY, (step + 1) * VOCABULARY);
      expect(logits.indexOf(Math.max(...logits))).toBe(wanted.best[step]);
      const differences = row.map((value, index) => Math.abs(value - (logits[index * wanted.every] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThan(1e-3);
    }
  });
});
