// Expected: openai-whisper 20250625 and kaldi-native-fbank 1.23.0 (test/fixtures/speech/frontEnds/make_whisper_kaldi.py).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readAudio } from '../../src/speech/audio/audio.js';
import { createFrontEnd } from '../../src/speech/features/features.js';
import { createRealFft } from '../../src/speech/features/fft.js';
import { FRONT_END_PRESETS } from '../../src/speech/features/frontEndPresets.js';
import type { Audio, Features, FrontEnd, KaldiFilterBankFrontEnd } from '../../src/speech/types.js';
import { fixture, largestDifference, readNpy } from './npy.js';

const { step, recordings } = JSON.parse(readFileSync(fixture('frontEnds/whisper.json'), 'utf8')) as {
  step: number;
  recordings: { name: string; whisper: number; kaldi: number }[];
};

const whisper = FRONT_END_PRESETS.whisper.make({ sampleRateHz: 16_000, bins: 80 });
const kaldiAt = (sampleRateHz: number, bins: number): KaldiFilterBankFrontEnd =>
  FRONT_END_PRESETS.kaldi.make({ sampleRateHz, bins }) as KaldiFilterBankFrontEnd;
const kaldi = kaldiAt(16_000, 80);

const NOISY: Audio = { samples: readNpy('frontEnds/samples.npy').data, sampleRateHz: 16_000 };

async function prompt(name: string): Promise<Audio> {
  return await readAudio(new URL(`../../data/speech/audio/${name}.flac`, import.meta.url).pathname);
}

/** Every so many frames. */
function rowsOf({ data, frames, bins }: Features, every: number = step): Float32Array {
  const kept = Array.from({ length: Math.ceil(frames / every) }, (_, row) => row * every * bins);
  return Float32Array.from(kept.flatMap((from) => [...data.subarray(from, from + bins)]));
}

describe('Whisper’s and Kaldi’s front ends', () => {
  it.each<['whisper' | 'kaldi', string, FrontEnd, number]>([
    ['whisper', 'whisper', whisper, 1e-4],
    [
      'kaldi',
      'kaldi.8k',
      { ...kaldiAt(8000, 40), highHz: 3800 },
      // Its float32 shows in bands that hold next to nothing: 6e-4 from the same in double precision.
      1.5e-3,
    ],
  ])('%s: equal on ten recordings', async (which, name, frontEnd, tolerance) => {
    const extractor = await createFrontEnd(frontEnd);
    const expected = readNpy(`frontEnds/${name}.npy`);
    let from = 0;
    for (const recording of recordings) {
      const features = extractor.compute(await prompt(recording.name));
      expect(features.frames).toBe(recording[which]);
      const rows = rowsOf(features);
      expect(largestDifference(rows, expected.data.subarray(from, from + rows.length))).toBeLessThan(tolerance);
      from += rows.length;
    }
    expect(from).toBe(expected.data.length);
  });

  it.each<[string, Partial<KaldiFilterBankFrontEnd>]>([
    ['kaldi.16k', {}],
    ['kaldi.whole', { snipEdges: false, window: 'hamming', sampleScale: 1, preemphasis: 0 }],
  ])('%s: equal with other settings', async (name, change) => {
    const features = (await createFrontEnd({ ...kaldi, ...change })).compute(NOISY);
    expect(largestDifference(rowsOf(features), readNpy(`frontEnds/${name}.npy`).data)).toBeLessThan(1e-3);
  });

  it('digital silence is the floor of Kaldi’s energies, and sound of one frame is taken', async () => {
    const extractor = await createFrontEnd(kaldi);
    const { data, frames } = extractor.compute({ samples: new Float32Array(400), sampleRateHz: 16_000 });
    expect(frames).toBe(1);
    for (const value of data) expect(value).toBeCloseTo(Math.log(2 ** -23), 4);
    const short = { samples: new Float32Array(399), sampleRateHz: 16_000 };
    expect(() => extractor.compute(short)).toThrow(/at least 400 samples at 16000 Hz/);
  });
});

describe('scales of bands', () => {
  const bandsOf = ({ data, frames, bins }: Features): number[][] =>
    Array.from({ length: bins }, (_, bin) =>
      Array.from({ length: frames }, (_, frame) => data[frame * bins + bin] ?? 0),
    );
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('take the mean of each band, and divide by the deviation of the population', async () => {
    const plain = bandsOf((await createFrontEnd(kaldi)).compute(NOISY));
    const less = bandsOf((await createFrontEnd({ ...kaldi, normalisation: 'mean' })).compute(NOISY));
    const scaled = bandsOf((await createFrontEnd({ ...kaldi, normalisation: 'mean-variance' })).compute(NOISY));
    for (const [bin, values] of plain.entries()) {
      const centre = mean(values);
      const deviation = Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
      expect(less[bin]?.[5]).toBeCloseTo((values[5] ?? 0) - centre, 3);
      expect(scaled[bin]?.[5]).toBeCloseTo(((values[5] ?? 0) - centre) / deviation, 3);
    }
  });

  it('take the card’s mean and deviation', async () => {
    const means = Array.from({ length: 80 }, (_, bin) => bin / 10);
    const deviations = Array.from({ length: 80 }, (_, bin) => 1 + bin / 20);
    const plain = (await createFrontEnd(kaldi)).compute(NOISY).data;
    const global = { ...kaldi, normalisation: 'global', mean: means, deviation: deviations } as const;
    const scaled = (await createFrontEnd(global)).compute(NOISY).data;
    const expected = plain.map((value, i) => (value - (means[i % 80] ?? 0)) / (deviations[i % 80] ?? 1));
    expect(largestDifference(scaled, expected)).toBeLessThan(1e-5);
  });

  it.each<[Partial<KaldiFilterBankFrontEnd>, RegExp]>([
    [
      { normalisation: 'global' },
      /80 finite numbers, .* required of mean, got none; .* required of deviation above 0, got none/,
    ],
    [{ normalisation: 'global', mean: [1], deviation: [1] }, /required of mean, got 1;/],
    [{ mean: [1] }, /nothing, as the normalisation is not global/],
    [{ normalisation: 'whisper' }, /another than whisper was required/],
    [
      { sampleRateHz: 1e12, hopSamples: 0 },
      /1000…384000 was required of sampleRateHz, got 1000000000000; .*hopSamples, got 0/,
    ],
  ])('refuses %o', async (change, message) => {
    await expect(createFrontEnd({ ...kaldi, ...change })).rejects.toThrow(message);
  });
});

describe('transforms of any length', () => {
  it('of 441 samples equals NumPy’s', async () => {
    const frontEnd = { windowSamples: 441, hopSamples: 441, padSamples: 0, bins: 221, normalisation: 'none' } as const;
    const extractor = await createFrontEnd({
      kind: 'log-spectrogram',
      sampleRateHz: 16_000,
      window: 'hamming',
      ...frontEnd,
    });
    const rows = rowsOf(extractor.compute(NOISY), 7);
    const expected = readNpy('frontEnds/dft.npy').data.map((value) => Math.log(1 + value));
    expect(largestDifference(rows, expected)).toBeLessThan(1e-5);
  });

  it.each([1, 2, 3, 25, 31, 100, 225, 320, 400, 512, 997, 1103, 4096])(
    'of %i samples equals the sum that defines it',
    async (length) => {
      const fft = await createRealFft(length);
      const lines = Math.floor(length / 2) + 1;
      const powers = new Float64Array(lines);
      for (const pass of [1, 2]) {
        const samples = Float32Array.from({ length }, (_, n) => Math.sin(n * n * pass) + 0.3);
        fft.heap.set(samples, fft.input);
        fft.transform();
        fft.readPowers(powers);
        const energy = samples.reduce((sum, value) => sum + value * value, 0);
        for (const line of new Set([0, 1, Math.floor(lines / 2), lines - 1].filter((one) => one < lines))) {
          let [real, imaginary] = [0, 0];
          for (const [n, sample] of samples.entries()) {
            const angle = (2 * Math.PI * ((n * line) % length)) / length;
            real += sample * Math.cos(angle);
            imaginary -= sample * Math.sin(angle);
          }
          const difference = Math.abs((powers[line] ?? Number.NaN) - (real * real + imaginary * imaginary));
          expect(difference).toBeLessThan(1e-5 * length * energy);
        }
      }
    },
  );
});
