// Expected: librosa 0.11.0 and NumPy 1.26.4 (test/fixtures/speech/frontEnds/make.py).
import { describe, expect, it } from 'vitest';
import { readAudio } from '../../src/speech/audio/audio.js';
import { createFrontEnd } from '../../src/speech/features/features.js';
import { FRONT_END_PRESETS } from '../../src/speech/features/frontEndPresets.js';
import { melFilters } from '../../src/speech/features/melFilters.js';
import type { Audio, LogMelFrontEnd, WaveformFrontEnd } from '../../src/speech/types.js';
import { fixture, largestDifference, readNpy } from './npy.js';

/** What training/log_mel.py writes into a card. */
const training: LogMelFrontEnd = {
  kind: 'log-mel',
  sampleRateHz: 16_000,
  fftSamples: 512,
  windowSamples: 400,
  hopSamples: 160,
  window: 'hann-periodic',
  bins: 128,
  melScale: 'slaney',
  logGuard: 2 ** -24,
  normalisation: 'per-feature',
};

const nemo = FRONT_END_PRESETS.nemo.make({ sampleRateHz: 16_000, bins: 80 });

const librosa: LogMelFrontEnd = {
  ...training,
  windowSamples: 512,
  bins: 64,
  padding: 'reflect',
  logGuard: 1e-10,
  logGuardMode: 'clamp',
  normalisation: 'none',
};

const torchaudio: LogMelFrontEnd = {
  ...training,
  bins: 40,
  padding: 'reflect',
  lowHz: 60,
  highHz: 7600,
  melScale: 'htk',
  melNormalisation: 'none',
  power: 1,
  logGuard: 1e-6,
  normalisation: 'utterance',
};

const wav2vec2 = FRONT_END_PRESETS.wav2vec2.make({ sampleRateHz: 16_000, bins: 1 }) as WaveformFrontEnd;

const NOISY: Audio = { samples: readNpy('frontEnds/samples.npy').data, sampleRateHz: 16_000 };
const RECORDING = fixture('auth-thankyou.16k.wav');

describe('log-mel front end', () => {
  it.each(Object.entries({ training, nemo, librosa, torchaudio }))(
    'equals the recipe of %s',
    async (name, frontEnd) => {
      const features = (await createFrontEnd(frontEnd)).compute(NOISY);
      const expected = readNpy(`frontEnds/${name}.npy`);
      expect([features.frames, features.bins]).toEqual(expected.shape);
      expect(largestDifference(features.data, expected.data)).toBeLessThan(1e-4);
    },
  );

  it('gives the same again, and about the same from another rate', async () => {
    const extractor = await createFrontEnd(librosa);
    const first = extractor.compute(await readAudio(RECORDING)).data;
    const other = extractor.compute(await readAudio(fixture('auth-thankyou.44k1.wav')));
    expect(extractor.compute(await readAudio(RECORDING)).data).toEqual(first);
    // Below 4 kHz, where the 8 kHz original has sound; 0.5 is a tenth of its standard deviation.
    const low = first.map((value, i) => (i % 64 < 40 ? Math.abs(value - (other.data[i] ?? Number.NaN)) : 0));
    expect(low.reduce((sum, value) => sum + value, 0) / low.length).toBeLessThan(0.5);
  });

  it('gives zeros for silence, and finite numbers for a single frame', async () => {
    const silence = { samples: new Float32Array(1600), sampleRateHz: 16_000 };
    for (const frontEnd of [training, { ...training, normalisation: 'utterance' as const }]) {
      const { data, frames } = (await createFrontEnd(frontEnd)).compute(silence);
      expect(frames).toBe(11);
      expect(data.every((value) => Math.abs(value) < 1e-6)).toBe(true);
    }
    const one = (await createFrontEnd(training)).compute({
      samples: new Float32Array(1).fill(1),
      sampleRateHz: 16_000,
    });
    expect(one.frames).toBe(1);
    expect(one.data.every(Number.isFinite)).toBe(true);
  });

  it('refuses sound that is too short or not finite', async () => {
    const sound = (samples: Float32Array) => ({ samples, sampleRateHz: 16_000 });
    const reflecting = await createFrontEnd(librosa);
    expect(() => reflecting.compute(sound(new Float32Array(256)))).toThrow(/at least 257 samples/);
    const unpadded = await createFrontEnd({ ...training, padding: 'none' });
    expect(unpadded.compute(sound(new Float32Array(512))).frames).toBe(1);
    expect(() => unpadded.compute(sound(new Float32Array(511)))).toThrow(/at least 512 samples/);
    const spoilt = new Float32Array(1000).fill(Number.NaN, 500, 501);
    expect(() => reflecting.compute(sound(spoilt))).toThrow(/finite samples were required/);
    const raw = await createFrontEnd(wav2vec2);
    expect(() => raw.compute(sound(spoilt))).toThrow(/finite samples were required/);
    expect(() => raw.compute(sound(new Float32Array()))).toThrow(/at least 1 sample/);
  });

  it.each<[Partial<LogMelFrontEnd>, RegExp]>([
    [{ fftSamples: 399 }, /the window's 400 samples or more were required of fftSamples, got 399/],
    [{ windowSamples: 600 }, /the window's 600 samples or more/],
    [{ highHz: 9000 }, /bands within 0…8000 Hz were required, got 0…9000/],
    [{ lowHz: 8000 }, /got 8000…8000/],
    [{ logGuard: 0 }, /a logGuard above 0/],
    [{ hopSamples: 0 }, /hopSamples, got 0/],
    [{ bins: 1.5 }, /bins, got 1.5/],
  ])('refuses a card with %o', async (change, message) => {
    await expect(createFrontEnd({ ...training, ...change })).rejects.toThrow(message);
  });
});

describe('mel filters', () => {
  it('of Slaney have area one, of HTK height one', () => {
    const settings = {
      sampleRateHz: 16_000,
      fftSamples: 8192,
      bins: 20,
      lowHz: 0,
      highHz: 8000,
      straightOver: 'hertz',
    } as const;
    for (const { weights } of melFilters({ ...settings, melScale: 'slaney', melNormalisation: 'slaney' })) {
      const area = weights.reduce((sum, weight) => sum + weight, 0) * (16_000 / 8192);
      expect(area).toBeCloseTo(1, 2);
    }
    for (const { weights } of melFilters({ ...settings, melScale: 'htk', melNormalisation: 'none' })) {
      expect(Math.max(...weights)).toBeGreaterThan(0.97);
      expect(Math.max(...weights)).toBeLessThanOrEqual(1);
    }
  });
});

describe('waveform front end', () => {
  it('equals wav2vec 2.0’s, and leaves samples alone where the card says so', async () => {
    const audio = NOISY;
    const { data, frames, bins } = (await createFrontEnd(wav2vec2)).compute(audio);
    const expected = readNpy('frontEnds/wav2vec2.npy');
    expect([frames, bins]).toEqual([expected.shape[0], 1]);
    expect(largestDifference(data, expected.data)).toBeLessThan(1e-4);
    const plain = (await createFrontEnd({ ...wav2vec2, normalisation: 'none' })).compute(audio);
    expect(plain.data).toEqual(audio.samples);
    expect(plain.data).not.toBe(audio.samples);
  });

  it('refuses a sample rate of zero', async () => {
    await expect(createFrontEnd({ ...wav2vec2, sampleRateHz: 0 })).rejects.toThrow(/sampleRateHz, got 0/);
  });
});
