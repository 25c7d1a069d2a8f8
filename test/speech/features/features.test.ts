import { describe, expect, it } from 'vitest';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { createFrontEnd } from '../../../src/speech/features/features.js';
import { FRONT_END_PRESETS } from '../../../src/speech/features/frontEndPresets.js';
import type { LogSpectrogramFrontEnd } from '../../../src/speech/types.js';
import { fixture, largestDifference, readNpy } from '../npy.js';

const frontEnd = FRONT_END_PRESETS.deepspeech2.make({ sampleRateHz: 16_000, bins: 161 }) as LogSpectrogramFrontEnd;

function prompt(name: string): string {
  return new URL(`../../../data/speech/audio/${name}.flac`, import.meta.url).pathname;
}

describe('log-spectrogram front end', () => {
  // Expected: NumPy 2.4.6 and SciPy 1.17.1 in float32, delivered with the first trained weights.
  it.each(['agent-pass', 'auth-thankyou'])('equals NumPy on the 8 kHz prompt %s', async (name) => {
    const features = (await createFrontEnd(frontEnd)).compute(await readAudio(prompt(name)));
    const expected = readNpy(`${name}.features.npy`);
    expect([features.frames, features.bins]).toEqual(expected.shape);
    expect(largestDifference(features.data, expected.data)).toBeLessThan(1e-4);
  });

  // Expected: the same computed by test/fixtures/speech/make.py from the very files.
  it.each(['auth-thankyou.16k', 'auth-thankyou.44k1'])('equals NumPy on %s', async (name) => {
    const features = (await createFrontEnd(frontEnd)).compute(await readAudio(fixture(`${name}.wav`)));
    expect(largestDifference(features.data, readNpy(`${name}.features.npy`).data)).toBeLessThan(1e-4);
  });

  it('has mean 0 and deviation 1', async () => {
    const { data } = (await createFrontEnd(frontEnd)).compute(await readAudio(prompt('auth-thankyou')));
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(variance).toBeCloseTo(1, 5);
  });

  it('does not depend on what was computed before', async () => {
    const extractor = await createFrontEnd(frontEnd);
    const audio = await readAudio(prompt('auth-thankyou'));
    const first = extractor.compute(audio).data;
    extractor.compute(await readAudio(prompt('agent-pass')));
    expect(extractor.compute(audio).data).toEqual(first);
  });

  it('gives zeros for digital silence', async () => {
    const audio = { samples: new Float32Array(16_000), sampleRateHz: 16_000 };
    const { data, frames } = (await createFrontEnd(frontEnd)).compute(audio);
    expect(frames).toBe(101);
    expect(data.every((value) => value === 0)).toBe(true);
  });

  it('takes 161 samples, and refuses 160: the reflection needs one more', async () => {
    const extractor = await createFrontEnd(frontEnd);
    const samples = Float32Array.from({ length: 161 }, (_, n) => Math.sin(n));
    expect(extractor.compute({ samples, sampleRateHz: 16_000 }).frames).toBe(2);
    expect(() => extractor.compute({ samples: samples.slice(1), sampleRateHz: 16_000 })).toThrow(
      /at least 161 samples at 16000 Hz .* were required, got 160; record/,
    );
  });

  it('refuses samples that are not finite', async () => {
    const extractor = await createFrontEnd(frontEnd);
    const samples = new Float32Array(1_000).fill(Number.NaN, 500, 501);
    expect(() => extractor.compute({ samples, sampleRateHz: 16_000 })).toThrow(/finite samples were required/);
  });

  it.each<[Partial<LogSpectrogramFrontEnd>, RegExp]>([
    [{ windowSamples: 70_000, bins: 35_001 }, /1…65536 was required of windowSamples, got 70000/],
    [{ bins: 160 }, /161 bins were required by the window, got 160/],
    [{ hopSamples: 0 }, /hopSamples, got 0/],
    [{ padSamples: -1 }, /padSamples, got -1/],
  ])('refuses a card with %o', async (change, expected) => {
    await expect(createFrontEnd({ ...frontEnd, ...change })).rejects.toThrow(expected);
  });
});
