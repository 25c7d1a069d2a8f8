import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import type { Audio } from '../../src/speech/types.js';
import { fixture } from './npy.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-codecs-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(name: string, ...parts: readonly (Uint8Array | string)[]): Promise<Audio> {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1'))));
  return await readAudio(path);
}

async function refusal(name: string, ...parts: readonly (Uint8Array | string)[]): Promise<string> {
  const error: unknown = await read(name, ...parts).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

/** Amplitude of a tone in the sound, by its projection on sine and cosine; the ends, where coders settle, left out. */
function amplitudeOf({ samples, sampleRateHz }: Audio, hertz: number): number {
  const edge = Math.floor(samples.length / 5);
  let [sine, cosine] = [0, 0];
  for (let i = edge; i < samples.length - edge; i++) {
    const angle = (2 * Math.PI * hertz * i) / sampleRateHz;
    sine += (samples[i] as number) * Math.sin(angle);
    cosine += (samples[i] as number) * Math.cos(angle);
  }
  return (2 * Math.hypot(sine, cosine)) / (samples.length - 2 * edge);
}

describe('MP3', () => {
  const mp3 = readFileSync(fixture('tone.mp3'));
  /** Frames of 32 kbit/s at 16 kHz: 144 bytes and 576 samples (ISO/IEC 13818-3). */
  const FRAME = 144;
  const tag = mp3.indexOf(Buffer.from([0xff, 0xf3]));
  // The frame of the encoder's tag is one of 40 kbit/s.
  const start = tag + 180;

  it('is read as FFmpeg reads it: 8,000 samples at 16 kHz without the padding, a tone of 1/8', async () => {
    const audio = await readAudio(fixture('tone.mp3'));
    expect([audio.samples.length, audio.sampleRateHz]).toEqual([8000, 16_000]);
    // Not shifted: the tone begins with sin 0. (LAME takes a twentieth off its amplitude.)
    let error = 0;
    for (let i = 1600; i < 6400; i++) {
      error = Math.max(error, Math.abs((audio.samples[i] as number) - Math.sin((2 * Math.PI * 440 * i) / 16_000) / 8));
    }
    expect(error).toBeLessThan(0.01);
  });

  it('is read between tags, and without the one of its encoder', async () => {
    const tagged = await read(
      'tagged.mp3',
      'ID3\x03\0\0\0\0\0\x0a0123456789',
      mp3.subarray(tag),
      `TAG${'x'.repeat(125)}`,
    );
    expect(tagged.samples.length).toBe(8000);
    const bare = await read('bare.mp3', mp3.subarray(start));
    expect(bare.samples.length % 576).toBe(0);
    expect(bare.samples.length).toBeGreaterThan(8000);
  });

  it('is refused when it is cut, also between two frames, when a frame is missing or something stands between two', async () => {
    expect(await refusal('cut.mp3', mp3.subarray(0, -10))).toMatch(/cut off/);
    expect(await refusal('cut-between.mp3', mp3.subarray(0, -FRAME))).toMatch(/frames where its first one says/);
    const middle = start + 5 * FRAME;
    const gap = await refusal('gap.mp3', mp3.subarray(0, middle), mp3.subarray(middle + FRAME));
    expect(gap).toMatch(/frames where its first one says/);
    expect(await refusal('noise.mp3', mp3.subarray(0, middle), 'hello', mp3.subarray(middle))).toMatch(
      /no frame at byte/,
    );
    const header = Buffer.from(mp3);
    header.writeUInt8(header.readUInt8(middle + 2) ^ 0x10, middle + 2);
    expect(await refusal('header.mp3', header)).toMatch(/no frame at byte|cut off/);
  });
});

describe('WebM', () => {
  const webm = readFileSync(fixture('tone.webm'));

  it('is read as FFmpeg reads it: 24,000 samples of Opus at 48 kHz, a tone of 1/8', async () => {
    const audio = await readAudio(fixture('tone.webm'));
    expect([audio.samples.length, audio.sampleRateHz]).toEqual([24_000, 48_000]);
    expect(amplitudeOf(audio, 440)).toBeCloseTo(1 / 8, 2);
  });

  it('is read where it was written as it came, without sizes (RFC 8794, section 6.2)', async () => {
    const live = Buffer.from(webm);
    const at = live.indexOf(Buffer.from('18538067', 'hex')) + 4;
    live.write('01ffffffffffffff', at, 'hex');
    expect((await read('live.webm', live)).samples.length).toBe(24_000);
    expect(await refusal('live-cut.webm', live.subarray(0, -900))).toMatch(/within an element|where its header says/);
  });

  it('is refused when it is cut, or of another codec', async () => {
    expect(await refusal('cut.webm', webm.subarray(0, -100))).toMatch(
      /a whole WebM stream was required, got \d+ bytes of \d+/,
    );
    const vorbis = Buffer.from(webm.toString('latin1').replace('A_OPUS', 'A_AAC\0'), 'latin1');
    expect(await refusal('aac.webm', vorbis)).toMatch(/a track of Opus was required .* got A_AAC; convert it/);
  });
});

describe('Opus of six channels', () => {
  it('has them in the order of Vorbis (RFC 7845, section 5.1.1.2)', async () => {
    // Left, centre, right, rear left, rear right, low: the tones of make_codecs.sh.
    for (const [index, hertz] of [300, 700, 500, 900, 1100, 60].entries()) {
      const audio = await readAudio(fixture('six.opus'), { channel: index + 1 });
      expect(audio.samples.length).toBe(9600);
      expect(amplitudeOf(audio, hertz), `channel ${index + 1}`).toBeCloseTo(0.5, 1);
    }
    expect(amplitudeOf(await readAudio(fixture('six.opus')), 700)).toBeCloseTo(0.5 / 6, 2);
  });
});

describe('what is not read names its format and the remedy', () => {
  it.each<[string, string]>([
    ['\0\0\0\x1cftypM4A \0\0\x02\0', 'MP4 (AAC or another codec)'],
    ['\xff\xf1\x50\x80\x04\x3f\xfc', 'AAC'],
    ['FORM\0\0\0\x1cAIFF', 'AIFF'],
  ])('%j', async (start, name) => {
    expect(await refusal('other', start, Buffer.alloc(100))).toContain(
      `got ${name}; convert it: ffmpeg -i IN OUT.flac`,
    );
  });
});
