import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/random.js';
import {
  CachedRecognizer,
  type CachedRecognizerOptions,
  type ResultKind,
} from '../../../src/recognise/cache/cachedRecognizer.js';
import { ResultCache } from '../../../src/recognise/cache/resultCache.js';
import { importModel } from '../../../src/recognise/import/importModel.js';
import { type CtcCard, requireCtc } from '../../../src/recognise/kinds/ctc/card.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { DECODER_VERSION } from '../../../src/speech/decode/ctc.js';
import { FEATURES_VERSION } from '../../../src/speech/features/features.js';
import type { Audio } from '../../../src/speech/types.js';
import { stagesOf } from '../ctcModel.js';
import { smallConfig, writeHuggingFaceFolder } from '../import/randomWhisper.js';

const ADDED = fileURLToPath(new URL('../../../data/speech/audio/added.flac', import.meta.url));
const ALL: readonly ResultKind[] = ['features', 'scores', 'transcript'];
const VERSIONS = { features: FEATURES_VERSION, decoder: DECODER_VERSION, runtime: '1' };

describe('CachedRecognizer', () => {
  let model: ResolvedModel;
  let recognizer: Recognizer;
  let audio: Audio;
  let cache: ResultCache;

  beforeAll(async () => {
    model = await resolveModel('deepspeech2-lstm');
    recognizer = await Recognizer.load(model, { threads: 1 });
    audio = await readAudio(ADDED);
  });

  afterAll(async () => await recognizer.release());

  beforeEach(async () => {
    cache = await ResultCache.open({ memoryBytes: 1e8 });
  });

  const create = async (options: CachedRecognizerOptions = {}, of = model): Promise<CachedRecognizer> =>
    await CachedRecognizer.create(recognizer, of, cache, {
      modelSha256: 'a'.repeat(64),
      versions: VERSIONS,
      kinds: ALL,
      ...options,
    });

  it('gives from each kind of result what it computes', async () => {
    const { timing: _, ...computed } = await recognizer.recognize(audio);
    for (const kind of ALL) {
      const one = await create({ kinds: [kind] });
      expect(await one.recognize(audio)).toMatchObject({ ...computed, kept: null });
      expect(await one.recognize(audio)).toMatchObject({ ...computed, kept: { kind, place: 'memory' } });
    }
  });

  it('uses the furthest result', async () => {
    const all = await create();
    await all.recognize(audio);
    const { kept, timing } = await all.recognize(audio);
    expect(kept?.kind).toBe('transcript');
    expect(timing).toMatchObject({ featuresMs: 0, inferenceMs: 0 });
    expect((await (await create({ kinds: ['features', 'scores'] })).recognize(audio)).kept?.kind).toBe('scores');
    expect((await (await create({ kinds: ['features'] })).recognize(audio)).kept?.kind).toBe('features');
  });

  it('does not find results of another content, model, option, or version of the code', async () => {
    await (await create()).recognize(audio);
    const quieter = { ...audio, samples: audio.samples.map((sample) => sample / 2) };
    const faster = { ...audio, sampleRateHz: 11_025 };
    expect((await (await create()).recognize(quieter)).kept).toBeNull();
    expect((await (await create()).recognize(faster)).kept).toBeNull();
    const kindOf = async (options: CachedRecognizerOptions, of = model): Promise<ResultKind | undefined> =>
      (await (await create({ ...options, kinds: ALL }, of)).recognize(audio)).kept?.kind;
    // Another network shares the features; another front end shares nothing.
    expect(await kindOf({ modelSha256: 'b'.repeat(64) })).toBe('features');
    expect(await kindOf({ session: { threads: 2 } })).toBe('features');
    expect(await kindOf({ session: { executionProvider: 'webgpu' } })).toBe('features');
    expect(await kindOf({ versions: { ...VERSIONS, runtime: '2' } })).toBe('features');
    expect(await kindOf({ versions: { ...VERSIONS, decoder: 999 } })).toBe('scores');
    expect(await kindOf({ versions: { ...VERSIONS, features: 999 } })).toBeUndefined();
    const frontEnd = { ...model.card.frontEnd, window: 'hann' as const };
    expect(await kindOf({}, { ...model, card: { ...model.card, frontEnd } })).toBeUndefined();
    const labels = requireCtc(model.card).labels.map((label) => label.toUpperCase());
    expect(await kindOf({}, { ...model, card: { ...requireCtc(model.card), labels } as CtcCard })).toBe('scores');
    expect(await kindOf({})).toBe('transcript');
  });

  it('keeps its own results only where it was told to', async () => {
    await expect(create({ kinds: ['texts' as 'transcript'] })).rejects.toThrow(/were required, got texts/);
    const none = await create({ kinds: [] });
    await none.recognize(audio);
    expect((await none.recognize(audio)).kept).toBeNull();
  });
});

describe('what an encoder gave', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-encoded-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const { next } = createRandom(1);
  const audio = { samples: Float32Array.from({ length: 16_000 }, () => next() - 0.5), sampleRateHz: 16_000 };
  let model: ResolvedModel;

  beforeAll(async () => {
    writeHuggingFaceFolder(join(folder, 'hf'), smallConfig({ max_target_positions: 48 }));
    await importModel(join(folder, 'hf'), join(folder, 'own'));
    model = await resolveModel(join(folder, 'own'));
  });

  it.each(['memory', 'disk'] as const)(
    'is not computed again for another prompt or other options, from %s',
    async (place) => {
      const cache = await ResultCache.open(
        place === 'memory' ? { memoryBytes: 1e8 } : { memoryBytes: 0, folder: join(folder, 'results') },
      );
      const recognizer = await Recognizer.load(model, { threads: 1 });
      const other = await Recognizer.load(model, { threads: 1, decoder: { fallBack: false, timestamps: true } });
      const keep = async (of: Recognizer, kinds: readonly ResultKind[] = ['scores', 'transcript']) =>
        await CachedRecognizer.create(of, model, cache, { kinds, session: { threads: 1 } });
      const cached = await keep(recognizer);
      expect((await cached.recognize(audio)).kept).toBeNull();
      const guide = { prompt: 'abc', language: 'de' };
      for (const [listener, plain] of [
        [await cached.guided(guide), await recognizer.guided(guide)],
        [await keep(other), other],
      ] as const) {
        const { text, timing, kept } = await listener.recognize(audio);
        expect(text).toBe((await plain.recognize(audio)).text);
        expect(timing).toMatchObject({ featuresMs: 0, inferenceMs: 0 });
        expect(kept).toEqual({ kind: 'scores', place });
        expect((await listener.recognize(audio)).kept?.kind).toBe('transcript');
      }
      // Nothing of it where scores are not kept, of other sound, or of a window of another length.
      expect((await (await keep(recognizer, [])).recognize(audio)).kept).toBeNull();
      expect((await cached.recognize({ ...audio, samples: audio.samples.slice(1) })).kept).toBeNull();
      const short = await Recognizer.load(model, { threads: 1, decoder: { fallBack: false, marginS: 4 } });
      expect((await (await keep(short)).recognize(audio)).kept).toBeNull();
      for (const one of [recognizer, other, short]) await one.release();
    },
    60_000,
  );
});

describe('versions that kept results carry', () => {
  it('are raised when the code gives other numbers', async () => {
    // Computed by this package with FEATURES_VERSION 2 and DECODER_VERSION 2. If this fails, raise the version of what changed.
    const recognizer = await Recognizer.load(await resolveModel('deepspeech2-lstm'), { threads: 1 });
    const { data } = stagesOf(recognizer).features(await readAudio(ADDED));
    const rounded = data.map((value) => Math.fround(Math.round(value * 1000)));
    const digest = createHash('sha256').update(new Uint8Array(rounded.buffer)).digest('hex').slice(0, 16);
    const scores = Float32Array.from({ length: 29 * 40 }, (_, at) => -((at * 7919) % 101) / 10);
    const { text } = stagesOf(recognizer).decode({ data: scores, steps: 40 });
    expect({ FEATURES_VERSION, digest, DECODER_VERSION, text }).toEqual({
      FEATURES_VERSION: 2,
      digest: 'f0924f35281e2108',
      DECODER_VERSION: 2,
      text: "filtwzbehksvyadgjrux'cfiqtw behpsvadgo",
    });
    await recognizer.release();
  });
});
