import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinTexts, type Segment, segmentStream, splitAtSilence } from '../../../src/speech/audio/segments.js';
import type { Audio } from '../../../src/speech/types.js';

const RATE = 8_000;

/** Noise of level 1, with silence where told, in seconds. */
function noise(lengthS: number, ...silences: readonly (readonly [number, number])[]): Audio {
  let state = 7;
  const samples = Float32Array.from({ length: Math.round(lengthS * RATE) }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 31 - 1;
  });
  for (const [from, to] of silences) samples.fill(0, Math.round(from * RATE), Math.round(to * RATE));
  return { samples, sampleRateHz: RATE };
}

/** The recording again, from segments and what they share. */
function rebuilt(segments: readonly Segment[]): Float32Array {
  const parts = segments.map(({ audio, overlapS }) => audio.samples.subarray(Math.round(overlapS * RATE)));
  const samples = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => {
    samples.set(part, at);
    return at + part.length;
  }, 0);
  return samples;
}

describe('splitAtSilence', () => {
  it('leaves short sound whole', () => {
    const audio = noise(15);
    expect(splitAtSilence(audio)).toEqual([{ startS: 0, audio, overlapS: 0 }]);
  });

  it('cuts in the middle of the silence, without overlap', () => {
    const segments = splitAtSilence(noise(25, [11.9, 12.1], [3, 4]));
    expect(segments.map(({ startS, overlapS }) => [startS, overlapS])).toEqual([
      [0, 0],
      [12, 0],
    ]);
  });

  it('lets both sides have the sound around a cut where there is no silence', () => {
    const [first, second] = splitAtSilence(noise(25));
    expect(second?.overlapS).toBeGreaterThan(0.5);
    expect(second?.overlapS).toBeLessThanOrEqual(1);
    expect((second?.startS ?? 0) + (second?.overlapS ?? 0)).toBeCloseTo((first?.audio.samples.length ?? 0) / RATE, 6);
  });

  it('loses no sample and stays below the target and a second', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 70, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 69, noNaN: true }), { maxLength: 5 }),
        (lengthS, silences) => {
          const audio = noise(lengthS, ...silences.map((from) => [from, from + 0.4] as const));
          const segments = splitAtSilence(audio);
          expect(Buffer.from(rebuilt(segments).buffer).equals(Buffer.from(audio.samples.buffer))).toBe(true);
          expect(Math.max(...segments.map((segment) => segment.audio.samples.length / RATE))).toBeLessThan(16);
        },
      ),
      { numRuns: 20, seed: 4 },
    );
  });

  it('refuses lengths that do not fit each other', () => {
    expect(() => splitAtSilence(noise(1), { targetS: 3, lookBackS: 5 })).toThrow(/target 3 s, look-back 5 s/);
    expect(() => splitAtSilence(noise(1), { targetS: Number.NaN })).toThrow(/choose others/);
  });
});

describe('segmentStream', () => {
  it('cuts as the whole is cut, whatever the pieces', async () => {
    const audio = noise(50, [9, 9.5], [22, 22.3]);
    for (const size of [777, 40_000, 1_000_000]) {
      const pieces: Audio[] = [];
      for (let at = 0; at < audio.samples.length; at += size) {
        pieces.push({ samples: audio.samples.subarray(at, at + size), sampleRateHz: RATE });
      }
      const segments: Segment[] = [];
      for await (const segment of segmentStream(pieces)) segments.push(segment);
      expect(segments.map(({ startS, overlapS }) => [startS, overlapS])).toEqual(
        splitAtSilence(audio).map(({ startS, overlapS }) => [startS, overlapS]),
      );
      expect(Buffer.from(rebuilt(segments).buffer).equals(Buffer.from(audio.samples.buffer))).toBe(true);
    }
  });

  it('refuses a change of rate', async () => {
    const stream = segmentStream([noise(1), { samples: new Float32Array(10), sampleRateHz: 16_000 }]);
    await expect(stream.next()).rejects.toThrow(/one sample rate was required, got 8000 Hz and then 16000 Hz/);
  });
});

describe('joinTexts', () => {
  it.each([
    ['one two', 'three', 0, 'one two three'],
    ['one two', 'two three', 0, 'one two two three'],
    ['one two three', 'two three four', 1, 'one two three four'],
    // The cut has spoiled the last word, the first word, both.
    ['please enter your pass', 'your password now', 1, 'please enter your password now'],
    ['please enter your password', 'ter your password now', 1, 'please enter your password now'],
    ['please enter your pass', 'ter your password now', 1, 'please enter your password now'],
    ['one two', 'three four', 1, 'one two three four'],
    ['', 'one', 1, 'one'],
    ['one', '', 1, 'one'],
    // A repetition further back than the shared sound is no seam.
    ['a b c d e f g h i j', 'a b c d e f g h i j k', 0.4, 'a b c d e f g h i j a b c d e f g h i j k'],
  ])('%j and %j sharing %d s: %j', (before, next, overlapS, expected) => {
    expect(joinTexts(before, next, overlapS)).toBe(expected);
  });
});
