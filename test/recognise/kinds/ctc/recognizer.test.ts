// Expected texts and log-probabilities: test/fixtures/model/README.md (NumPy 2.4.6, SciPy 1.17.1, ONNX Runtime 1.31.1).

import { mkdtempSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, UnavailableError } from '../../../../src/errors.js';
import type { CtcCard } from '../../../../src/recognise/kinds/ctc/card.js';
import { Recognizer } from '../../../../src/recognise/recognizer.js';
import { readAudio } from '../../../../src/speech/audio/audio.js';
import { readManifest } from '../../../../src/speech/corpora/manifest.js';
import type { Audio } from '../../../../src/speech/types.js';
import { REFERENCES } from '../../../fixtures/model/reference.js';
import { ctcModel, scoresOf } from '../../ctcModel.js';

const HOLDOUT = fileURLToPath(new URL('../../../../data/speech/holdout.jsonl', import.meta.url));

describe('Recognizer', () => {
  let model: Awaited<ReturnType<typeof ctcModel>>;
  let recognizer: Recognizer;
  const audios = new Map<string, Audio>();

  beforeAll(async () => {
    model = await ctcModel('deepspeech2-lstm');
    recognizer = await Recognizer.load(model, { threads: 1 });
    for (const { id, audioPath } of await readManifest(HOLDOUT)) audios.set(id, await readAudio(audioPath));
  });

  afterAll(async () => await recognizer.release());

  it('hears in all 129 prompts what the reference in Python heard', async () => {
    expect(REFERENCES).toHaveLength(129);
    for (const { id, samples, greedy, log_probability_sum: expected } of REFERENCES) {
      const audio = audios.get(id) as Audio;
      const { text, logProbability, audioS } = await recognizer.recognize(audio);
      expect({ id, text, samples: audio.samples.length }).toEqual({ id, text: greedy, samples });
      expect(Math.abs(logProbability - expected), id).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
      expect(audioS).toBeCloseTo(samples / 8000, 9);
    }
  });

  it('gives in a padded batch what it gives alone', async () => {
    const batch = ['activated', 'agent-pass', 'auth-thankyou', 'added'].map((id) => audios.get(id) as Audio);
    const together = await scoresOf(recognizer, batch);
    for (const [index, audio] of batch.entries()) {
      const [alone] = await scoresOf(recognizer, [audio]);
      const other = together[index];
      expect(other?.steps).toBe(alone?.steps);
      const differences = alone?.data.map((value, at) => Math.abs(value - (other?.data[at] as number)));
      expect(Math.max(...(differences ?? [Number.NaN]))).toBeLessThan(1e-4);
    }
    const { decodings } = await recognizer.recognizeBatch(batch);
    expect(decodings[1]?.text).toBe((await recognizer.recognize(batch[1] as Audio)).text);
  });

  it('tells where the time went, by the clock that it is given', async () => {
    let now = 0;
    const clock = () => 10 ** now++;
    const timed = await Recognizer.load(model, { threads: 1, clock });
    const { timing } = await timed.recognize(audios.get('added') as Audio);
    expect(timing).toEqual({ featuresMs: 9, inferenceMs: 90, decodingMs: 900, totalMs: 999 });
    await timed.release();
  });

  it('reads the tensors’ names from the card', async () => {
    const tensors = { ...model.card.tensors, lengths: 'audio_length' };
    const card: CtcCard = { ...model.card, tensors };
    const loading = Recognizer.load({ ...model, card });
    await expect(loading).rejects.toThrow(/inputs named audio_length were required, got features, lengths; mend/);
  });

  it('refuses a card whose labels do not fit', async () => {
    const card: CtcCard = { ...model.card, labels: ['', 'a'] };
    const other = Recognizer.load({ ...model, card });
    await expect(other).rejects.toThrow(/of 2 classes, as many as .*, got one of shape \[N, steps, 29\]/);
  });

  it('refuses an empty batch, a missing, cut or foreign model, and impossible options', async () => {
    await expect(recognizer.recognizeBatch([])).rejects.toThrow(/at least one recording/);
    const folder = mkdtempSync(join(tmpdir(), 'quantlab-'));
    const path = join(folder, 'model.onnx');
    await expect(Recognizer.load({ ...model, path, graphs: { model: path } })).rejects.toThrow(
      /a file was required, got nothing/,
    );
    await writeFile(path, (await readFile(model.path)).subarray(0, 1_000_000));
    const cut = Recognizer.load({ ...model, path, graphs: { model: path } });
    await expect(cut).rejects.toThrow(InputError);
    await expect(cut).rejects.toThrow(/model\.onnx: an ONNX model .* was required/);
    await writeFile(path, 'no model');
    await expect(Recognizer.load({ ...model, path, graphs: { model: path } })).rejects.toThrow(InputError);
    await expect(Recognizer.load(model, { threads: 0 })).rejects.toThrow(/threads: a whole number/);
    await expect(Recognizer.load(model, { executionProvider: 'tpu' as 'cpu' })).rejects.toThrow(/got tpu/);
  });

  it('says what is missing for a provider that is not there', async () => {
    const loading = Recognizer.load(model, { executionProvider: 'cuda' });
    const failure = await loading.then(
      async (loaded) => await loaded.release(),
      (error: unknown) => error,
    );
    // On a machine with CUDA it loads; anywhere else the reason is a sentence.
    if (failure === undefined) return;
    expect(failure).toBeInstanceOf(UnavailableError);
    expect((failure as Error).message).toMatch(/^execution provider cuda: .*; run on cpu instead$/);
  });
});
