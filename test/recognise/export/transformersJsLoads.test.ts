// What `quantize --layout transformers.js` writes, in `@huggingface/transformers` itself, with OpenAI's tiny.en.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { PRESETS } from '../../../src/compress/recipe.js';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { manifestPath } from '../../../src/recognise/registry/embedded.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { resample } from '../../../src/speech/audio/resample.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import { quantizeModel } from '../../../src/tune/quantizeModel.js';

const WEIGHTS = process.env['QUANTLAB_WHISPER'];
const SLOW_MS = 240_000;
/** Clear enough that a rounding elsewhere changes no word. */
const SAID = ['agent-pass', 'activated'];

const folder = mkdtempSync(join(tmpdir(), 'quantlab-transformers-js-'));
afterAll(() => rmSync(folder, { recursive: true }));

const skipped = WEIGHTS === undefined ? ' (skipped: QUANTLAB_WHISPER names no weights)' : '';
describe.skipIf(WEIGHTS === undefined)(`the folder for transformers.js${skipped}`, () => {
  it(
    'is loaded there without a network, and hears what ours does',
    async () => {
      await importModel(WEIGHTS ?? '', join(folder, 'float'));
      const float = await resolveModel(join(folder, 'float'));
      await quantizeModel(float, PRESETS.dynamic, { out: join(folder, 'theirs'), layout: 'transformers.js' });
      await quantizeModel(float, PRESETS.dynamic, { out: join(folder, 'ours') });
      const recordings = (await readManifest(manifestPath('holdout'))).filter(({ id }) => SAID.includes(id));
      const sounds = await Promise.all(recordings.map(({ audioPath }) => readAudio(audioPath)));

      const ours = await Recognizer.load(await resolveModel(join(folder, 'ours')), { threads: 1 });
      const wanted: string[] = [];
      for (const sound of sounds) wanted.push((await ours.recognize(sound)).text);
      await ours.release();

      const asked = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('no network here'));
      const { env, pipeline } = await import('@huggingface/transformers');
      Object.assign(env, { allowRemoteModels: false, localModelPath: folder, useFSCache: false });
      const theirs = await pipeline('automatic-speech-recognition', 'theirs', { dtype: 'q8', device: 'cpu' });
      const heard: string[] = [];
      for (const { samples, sampleRateHz } of sounds) {
        const { text } = (await theirs(resample(samples, sampleRateHz, 16_000))) as { readonly text: string };
        heard.push(text.trim());
      }
      await theirs.dispose();
      expect(asked).not.toHaveBeenCalled();
      expect(heard).toEqual(wanted);
      expect(wanted.join(' ')).toMatch(/password/i);
    },
    SLOW_MS,
  );
});
