import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { bench, evaluate } from '../../../src/measure/latency/bench.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import type { Utterance } from '../../../src/speech/types.js';

const HOLDOUT = fileURLToPath(new URL('../../../data/speech/holdout.jsonl', import.meta.url));

describe('bench', () => {
  let model: ResolvedModel;
  let utterances: readonly Utterance[];

  beforeAll(async () => {
    model = await resolveModel('deepspeech2-lstm');
    utterances = await readManifest(HOLDOUT);
  });

  it('hears the hold-out as well as the card says', async () => {
    // 129 prompts, 820 words, WER 39.6 %, CER 11.6 %: the card, measured in Python (training/measure.py).
    const [found] = await evaluate([model], { utterances });
    const figure = model.card.figures?.find(({ set }) => set === 'prompts hold-out, all');
    expect(found).toMatchObject({ model: 'deepspeech2-lstm', utterances: 129, words: 820 });
    expect(found?.wer.value).toBeCloseTo(figure?.wer ?? Number.NaN, 3);
    expect(found?.cer.value).toBeCloseTo(figure?.cer ?? Number.NaN, 3);
    expect(found?.wer.low).toBeLessThan(found?.wer.value ?? 0);
  }, 300_000);

  it('times models in turns', async () => {
    const done: number[] = [];
    const options = { utterances: utterances.slice(0, 3), trials: 35, threads: 1 };
    const found = await bench([model, model], { ...options, onProgress: (count) => done.push(count) });
    expect(found.map(({ latency }) => latency.trials)).toEqual([35, 35]);
    expect(found[0]).toMatchObject({
      model: 'deepspeech2-lstm',
      threads: 1,
      sizeBytes: model.card.graphs['model']?.file.sizeBytes,
    });
    expect(found[0]?.latency.meanMs.value).toBeGreaterThan(found[0]?.latency.minMs ?? Number.NaN);
    expect(found[0]?.speedUp).toBeNull();
    // 35 trials are 7 turns, from which the interval is drawn; the model is the same.
    expect(found[1]?.speedUp).toMatchObject({ draws: 'turns' });
    expect(found[1]?.speedUp?.low).toBeLessThan(found[1]?.speedUp?.high ?? 0);
    expect(found.map(({ turns }) => turns)).toEqual(
      process.platform === 'win32' ? ['paused', 'paused'] : ['stopped', 'stopped'],
    );
    expect(done).toEqual(Array.from({ length: 70 }, (_, index) => index + 1));
  });

  it('refuses nothing to measure', async () => {
    await expect(bench([], { utterances })).rejects.toThrow(/at least one model/);
    await expect(evaluate([model], { utterances: [] })).rejects.toThrow(/at least one utterance/);
    await expect(bench([model], { utterances, trials: 0 })).rejects.toThrow(/trials: a whole number from 1/);
  });
});
