import { beforeAll, describe, expect, it } from 'vitest';
import { quantizeDynamic } from '../../src/compress/dynamic.js';
import { convertToHalf } from '../../src/compress/float16.js';
import { compareOnSpeech } from '../../src/experiment/compare.js';
import type { ModelCard } from '../../src/model/card.js';
import { resolveModel } from '../../src/model/registry.js';
import type { OnnxModel } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/read.js';

let card: ModelCard;
let model: OnnxModel;
beforeAll(async () => {
  const resolved = await resolveModel('deepspeech2-starter');
  card = resolved.card;
  model = await readModel(resolved.path);
});

const options = { manifest: 'dev', utterances: 2, threads: 1 };

describe('comparing two models on speech', () => {
  it('finds where a compressed model begins to differ', async () => {
    const table = await compareOnSpeech(model, quantizeDynamic(model).model, card, options);
    expect(table.map(({ opType }) => opType)).toEqual(['Conv', 'Conv', 'LSTM', 'LSTM', 'LSTM', 'MatMul', null]);
    // The convolutions stay float: they agree exactly, or nearly where the runtime fuses them otherwise.
    expect(table.slice(0, 2).every(({ signalToErrorDb }) => signalToErrorDb === null || signalToErrorDb > 100)).toBe(
      true,
    );
    expect(table.slice(2).every(({ signalToErrorDb }) => signalToErrorDb !== null && signalToErrorDb > 15)).toBe(true);
    expect(table.at(-1)).toMatchObject({ value: 'log_probabilities', layer: null });
  });

  it('says that a model equals itself, and its half-precision weights too', async () => {
    for (const other of [model, convertToHalf(model, { weightsOnly: true }).model]) {
      const table = await compareOnSpeech(model, other, card, { ...options, utterances: 1 });
      expect(table.every(({ signalToErrorDb, largest }) => signalToErrorDb === null && largest === 0)).toBe(true);
    }
  });
});
