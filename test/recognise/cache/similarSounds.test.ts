/** The same recording in other forms, and recordings that are others: the prompts of the hold-out (data/speech). */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CachedRecognizer } from '../../../src/recognise/cache/cachedRecognizer.js';
import { ResultCache } from '../../../src/recognise/cache/resultCache.js';
import { SimilarSounds } from '../../../src/recognise/cache/similarSounds.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { manifestPath } from '../../../src/recognise/registry/embedded.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { resample } from '../../../src/speech/audio/resample.js';
import { readUtterances } from '../../../src/speech/corpora/recordings.js';
import type { Fingerprint } from '../../../src/speech/fingerprint/fingerprint.js';
import type { Audio } from '../../../src/speech/types.js';

const PASS = fileURLToPath(new URL('../../../data/speech/audio/agent-pass.flac', import.meta.url));
/** The one recording that the prompts have twice. */
const TWICE = ['auth-thankyou', 'privacy-thankyou'];

/** ITU-T G.711's companding with 255 as its constant, there and back in eight bits. */
function muLaw(value: number): number {
  const companded = (Math.sign(value) * Math.log1p(255 * Math.abs(value))) / Math.log(256);
  const coded = Math.round(127 * companded) / 127;
  return (Math.sign(coded) * (256 ** Math.abs(coded) - 1)) / 255;
}

const change = ({ samples, sampleRateHz }: Audio, of: (value: number) => number): Audio => ({
  samples: samples.map(of),
  sampleRateHz,
});

function padded({ samples, sampleRateHz }: Audio, beforeS: number, behindS: number): Audio {
  const before = Math.round(beforeS * sampleRateHz);
  const all = new Float32Array(before + samples.length + Math.round(behindS * sampleRateHz));
  all.set(samples, before);
  return { samples: all, sampleRateHz };
}

function joined(...parts: readonly Audio[]): Audio {
  const samples = Float32Array.from(parts.flatMap((part) => [...part.samples]));
  return { samples, sampleRateHz: parts[0]?.sampleRateHz ?? 0 };
}

const FORMS: Readonly<Record<string, (audio: Audio) => Audio>> = {
  quieter: (audio) => change(audio, (value) => value / 2),
  clipped: (audio) => change(audio, (value) => Math.max(-1, Math.min(1, 1.41 * value))),
  'µ-law': (audio) => change(audio, muLaw),
  'silence around it': (audio) => padded(audio, 0.5, 0.7),
  'faint noise around it': (audio) => {
    let state = 1;
    return change(padded(audio, 0.333, 0.2), (value) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return value + 0.0005 * (state / 2 ** 31 - 1);
    });
  },
  '48 kHz': ({ samples, sampleRateHz }) => ({ samples: resample(samples, sampleRateHz, 48_000), sampleRateHz: 48_000 }),
};

let folder: string;
let sounds: readonly { readonly id: string; readonly audio: Audio }[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-similar-'));
  const utterances = await readUtterances(manifestPath('holdout'));
  sounds = await Promise.all(utterances.map(async ({ id, audioPath }) => ({ id, audio: await readAudio(audioPath) })));
}, 60_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const contentOf = (index: number): string => index.toString(16).padStart(64, '0');
const printOf = (similar: SimilarSounds, audio: Audio): Fingerprint => {
  const print = similar.of(audio);
  if (print === null) throw new Error('a fingerprint was expected');
  return print;
};

describe('SimilarSounds', () => {
  it('takes no prompt for another, and finds each in other forms', async () => {
    const similar = await SimilarSounds.open();
    const hits: string[] = [];
    for (const [index, { id, audio }] of sounds.entries()) {
      const print = printOf(similar, audio);
      for (const { content } of await similar.find(print)) {
        hits.push(id, sounds[Number.parseInt(content, 16)]?.id ?? '');
      }
      await similar.add(print, contentOf(index));
    }
    expect(hits.sort()).toEqual(TWICE);
    const names = Object.keys(FORMS);
    for (const [index, { id, audio }] of sounds.entries()) {
      const name = names[index % names.length] as string;
      const found = await similar.find(printOf(similar, (FORMS[name] as (audio: Audio) => Audio)(audio)));
      const ids = found.map(({ content }) => sounds[Number.parseInt(content, 16)]?.id);
      expect(ids.sort(), `${id}, ${name}`).toEqual(TWICE.includes(id) ? TWICE : [id]);
    }
  }, 60_000);

  it('tells how much later the same is said', async () => {
    const similar = await SimilarSounds.open();
    const audio = await readAudio(PASS);
    await similar.add(printOf(similar, audio), contentOf(1));
    const [found] = await similar.find(printOf(similar, padded(audio, 0.5, 0)));
    expect(found?.laterS).toBeCloseTo(0.5, 1);
    await similar.add(printOf(similar, padded(audio, 0.5, 0)), contentOf(2));
    const [same, other] = await similar.find(printOf(similar, audio));
    expect([same?.content, other?.content]).toEqual([contentOf(1), contentOf(2)]);
    expect(other?.laterS).toBeCloseTo(-0.5, 1);
  });

  it('takes recordings with a part in common for others', async () => {
    const similar = await SimilarSounds.open();
    const [first, one, two] = ['agent-pass', 'digits/5', 'digits/9'].map(
      (id) => sounds.find((sound) => sound.id === id)?.audio,
    ) as [Audio, Audio, Audio];
    await similar.add(printOf(similar, joined(first, one)), contentOf(1));
    for (const other of [
      joined(first, two),
      first,
      joined(one, first),
      joined(first, one, two),
      joined(first, first),
    ]) {
      expect(await similar.find(printOf(similar, other))).toEqual([]);
    }
    expect(await similar.find(printOf(similar, padded(joined(first, one), 0.1, 0)))).toHaveLength(1);
  });

  it('does not tell what is too short or silent', async () => {
    const similar = await SimilarSounds.open();
    expect(similar.of({ samples: new Float32Array(16_000), sampleRateHz: 8000 })).toBeNull();
    const audio = await readAudio(PASS);
    expect(similar.of({ ...audio, samples: audio.samples.subarray(0, 2000) })).toBeNull();
  });

  it('forgets the oldest', async () => {
    const similar = await SimilarSounds.open({ maximum: 4 });
    const prints = sounds.slice(0, 5).map(({ audio }) => printOf(similar, audio));
    for (const [index, print] of prints.entries()) await similar.add(print, contentOf(index));
    const kept = await Promise.all(prints.map(async (print) => (await similar.find(print)).length));
    expect(kept).toEqual([0, 0, 1, 1, 1]);
  });

  it('shares a file with other processes, which may be damaged', async () => {
    const [one, other] = [await SimilarSounds.open({ folder }), await SimilarSounds.open({ folder })];
    const [a, b] = sounds.slice(0, 2).map(({ audio }) => printOf(one, audio)) as [Fingerprint, Fingerprint];
    await one.add(a, contentOf(1));
    expect((await other.find(a)).map(({ content }) => content)).toEqual([contentOf(1)]);
    await other.add(b, contentOf(2));
    expect(await one.find(b)).toHaveLength(1);
    const path = join(folder, 'sounds');
    const { size } = await stat(path);
    // As long as it was, and more: nothing of it can be read.
    await writeFile(path, Buffer.alloc(size + 100, 7));
    expect(await one.find(b)).toHaveLength(1);
    expect(await one.find(a)).toHaveLength(1);
    const later = await SimilarSounds.open({ folder });
    expect(await later.find(a)).toHaveLength(1);
    expect(await later.find(b)).toHaveLength(1);
  });
});

describe('CachedRecognizer with similar sounds', () => {
  it('answers another form of a recording without the network, its words when they are said there', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const recognizer = await Recognizer.load(model, { threads: 1, decoder: { wordTimes: true } });
    const cache = await ResultCache.open({ memoryBytes: 1e6 });
    const cached = await CachedRecognizer.create(recognizer, model, cache, { similar: await SimilarSounds.open() });
    const audio = await readAudio(PASS);
    const first = await cached.recognize(audio);
    expect(first.kept).toBeNull();
    expect((await cached.recognize(audio)).kept).toEqual({ kind: 'transcript', place: 'memory' });
    const form = padded(change(audio, muLaw), 0.5, 0.2);
    const found = await cached.recognize(form);
    expect(found.kept).toMatchObject({ kind: 'transcript', place: 'memory', differing: expect.closeTo(0.05, 1) });
    expect(found).toMatchObject({ text: first.text, audioS: form.samples.length / form.sampleRateHz });
    expect(found.timing.inferenceMs).toBe(0);
    for (const [index, word] of (first.words ?? []).entries()) {
      expect(found.words?.[index]?.startS).toBeCloseTo(word.startS + 0.5, 1);
    }
    const plain = await CachedRecognizer.create(recognizer, model, cache);
    expect((await plain.recognize(form)).kept).toBeNull();
    await recognizer.release();
  }, 30_000);
});
