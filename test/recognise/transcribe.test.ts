import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { Recognizer } from '../../src/recognise/recognizer.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { transcribe, transcribeFile } from '../../src/recognise/transcribe.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import type { Audio } from '../../src/speech/types.js';

const HOLDOUT = fileURLToPath(new URL('../../data/speech/holdout.jsonl', import.meta.url));
const PAUSE = new Float32Array(4000);

describe('transcribe', () => {
  let recognizer: Recognizer;
  const prompts: Audio[] = [];

  beforeAll(async () => {
    recognizer = await Recognizer.load(await resolveModel('deepspeech2-lstm'), { threads: 1 });
    for (const { audioPath } of (await readManifest(HOLDOUT)).slice(0, 12)) prompts.push(await readAudio(audioPath));
  });

  afterAll(async () => await recognizer.release());

  it('hears in a long recording what it hears in its parts', async () => {
    // Each prompt is followed by half a second of silence, so every cut falls between two prompts.
    const chunks = prompts.flatMap((prompt) => [prompt, { samples: PAUSE, sampleRateHz: 8000 }]);
    const { text, segments, audioS } = await transcribe(recognizer, chunks, { targetS: 8, lookBackS: 5 });
    const samples = chunks.reduce((total, chunk) => total + chunk.samples.length, 0);
    expect(audioS).toBeCloseTo(samples / 8000, 6);
    expect(segments.length).toBeGreaterThan(3);
    expect(segments.at(-1)?.endS).toBeCloseTo(audioS, 6);
    expect(text).toBe(
      segments
        .map((segment) => segment.text.trim())
        .filter(Boolean)
        .join(' ')
        .replace(/ +/g, ' '),
    );
  });

  it('reads a file, tells how far it is, and leaves short sound whole', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'quantlab-')), 'prompt.wav');
    const prompt = prompts[2] as Audio;
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, 8000, '32f', prompt.samples);
    await writeFile(path, wav.toBuffer());
    const done: number[] = [];
    const transcript = await transcribeFile(recognizer, path, { onProgress: (seconds) => done.push(seconds) });
    expect(transcript.text).toBe((await recognizer.recognize(prompt)).text);
    expect(transcript.segments).toHaveLength(1);
    expect(done).toEqual([transcript.audioS]);
    expect(transcript.computeMs).toBeGreaterThan(0);
  });

  it('stops between segments when asked', async () => {
    const controller = new AbortController();
    const stopping = transcribe(recognizer, prompts, {
      targetS: 8,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopping).rejects.toThrow(/aborted/);
  });
});
