import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { readAudio, readAudioChunks } from '../../../src/speech/audio/audio.js';
import { readHeaderDuration } from '../../../src/speech/audio/duration.js';
import { readArpa } from '../../../src/speech/languageModel/arpa.js';
import { fixture, largestDifference, readNpy } from '../npy.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-audio-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A 16-bit WAV with a given header, so that its fields can be broken one at a time. */
function wav(options: {
  readonly samples?: number;
  readonly tag?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  readonly bits?: number;
  readonly dataBytes?: number;
  readonly before?: Uint8Array;
}): Buffer {
  const { samples = 800, tag = 1, channels = 1, rateHz = 16_000, bits = 16, before = new Uint8Array(0) } = options;
  const { dataBytes = samples * 2 } = options;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + before.length + samples * 2, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(tag, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(((rateHz * channels * bits) / 8) % 2 ** 32, 28);
  header.writeUInt16LE((channels * bits) / 8, 32);
  header.writeUInt16LE(bits, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([header.subarray(0, 36), before, header.subarray(36), Buffer.alloc(samples * 2, 1)]);
}

describe('readAudio', () => {
  // Expected: libsndfile 1.2.2, channels averaged (test/fixtures/speech/make.py).
  it.each([
    'u8.wav',
    's16.wav',
    's24.wav',
    's32.wav',
    'f32.wav',
    'f64.wav',
    'ulaw.wav',
    'alaw.wav',
    'stereo.wav',
    'stereo-u8.wav',
    'big-endian.wav',
    'extensible.wav',
    'rf64.wav',
    'big-endian.sph',
    'little-endian.sph',
    'ulaw.sph',
    's16.flac',
    'stereo-s24.flac',
  ])('reads %s as libsndfile does', async (name) => {
    const audio = await readAudio(fixture(name));
    expect(audio.sampleRateHz).toBe(16_000);
    expect(largestDifference(audio.samples, readNpy(`${name}.npy`).data)).toBeLessThan(1e-7);
  });

  it('reads Ogg Opus as libsndfile does, but for the rounding of the decoder', async () => {
    const audio = await readAudio(fixture('tone.opus'));
    expect(audio.sampleRateHz).toBe(48_000);
    expect(largestDifference(audio.samples, readNpy('tone.opus.npy').data)).toBeLessThan(2e-4);
  });

  it('goes by content, not by name', async () => {
    const path = written('named.wav', readFileSync(fixture('s16.flac')));
    expect((await readAudio(path)).samples.length).toBe(401);
  });

  it('steps over chunks that it does not know, whatever they say', async () => {
    // A cue list that claims four thousand million entries.
    const cue = Buffer.from('cue \x04\x00\x00\x00\xff\xff\xff\xff', 'latin1');
    expect((await readAudio(written('cue.wav', wav({ before: cue })))).samples.length).toBe(800);
  });
});

describe('bad sound files: an InputError that names the file', () => {
  async function refusal(path: string): Promise<string> {
    const error: unknown = await readAudio(path).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    const message = (error as InputError).message;
    expect(message.startsWith(`${path}: `)).toBe(true);
    expect(message).toMatch(/: .* got .*; \w/);
    return message;
  }

  it.each<[string, Uint8Array | string, RegExp]>([
    ['empty.wav', '', /empty file/],
    [
      'text.wav',
      'hello, world',
      /WAV, FLAC, MP3, Ogg .* or NIST SPHERE was required, got a file that begins with "hell"/,
    ],
    ['header-only.wav', wav({}).subarray(0, 20), /format \(fmt\)|format chunk/],
    ['no-data.wav', wav({}).subarray(0, 36), /samples \(data\)/],
    ['no-samples.wav', wav({ samples: 0 }), /samples were required, got none/],
    [
      'truncated.wav',
      wav({}).subarray(0, 1000),
      /1600 bytes of samples were required by the header, got 956; the file is truncated/,
    ],
    ['mp3.wav', wav({ tag: 0x55 }), /got MP3; convert/],
    ['unknown.wav', wav({ tag: 0x1234 }), /got codec 0x1234; convert/],
    ['12-bit.wav', wav({ bits: 12 }), /8, 16, 24, 32 bits/],
    ['0-channels.wav', wav({ channels: 0 }), /channels/],
    ['0-hertz.wav', wav({ rateHz: 0 }), /sample rate from 1000 to 768000 Hz/],
    ['4-gigahertz.wav', wav({ rateHz: 4_294_967_291 }), /sample rate from 1000 to 768000 Hz/],
    // 0.01 s: not one frame.
    ['short.wav', wav({ samples: 160 }), /more than 0.01 s of sound were required, got 0.0100 s/],
    ['broken.sph', 'NIST_1A\n   1024\nsample_count -i 5\n', /SPHERE header was required, got one without its end/],
    ['no-length.sph', 'NIST_1A\n   abcd\nsample_count -i 5\n', /SPHERE header/],
  ])('%s', async (name, bytes, expected) => {
    expect(await refusal(written(name, bytes))).toMatch(expected);
  });

  it('a missing file, and a folder', async () => {
    expect(await refusal(join(folder, 'none.wav'))).toMatch(/got nothing; check the path/);
    expect(await refusal(folder)).toMatch(/got a folder/);
  });

  it.skipIf(process.platform === 'win32')('a pipe that nobody writes to, without waiting for it', async () => {
    const pipe = join(folder, 'pipe.wav');
    execFileSync('mkfifo', [pipe]);
    expect(await refusal(pipe)).toMatch(/got a device or pipe/);
    await expect(readHeaderDuration(pipe)).rejects.toThrow(/got a device or pipe/);
    await expect(readArpa(pipe)).rejects.toThrow(/got a device or pipe/);
  });

  // Microsoft's and IBM's "Multimedia Programming Interface and Data Specifications 1.0" knows one <data-ck>; libsndfile 1.2.2 refuses the file.
  it('a WAV file with more samples in a second chunk; other chunks may follow', async () => {
    const whole = wav({});
    const more = Buffer.from('data\x04\0\0\0abcd', 'latin1');
    expect(await refusal(written('more.wav', Buffer.concat([whole, more])))).toMatch(/got another at byte 1644/);
    const note = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
    expect(await refusal(written('note-more.wav', Buffer.concat([whole, note, more])))).toMatch(/at byte 1656/);
    const { samples } = await readAudio(written('note.wav', Buffer.concat([whole, note])));
    expect(samples.length).toBe(800);
  });

  it('codecs that have no decoder here', async () => {
    expect(await refusal(fixture('ima-adpcm.wav'))).toMatch(/got IMA ADPCM/);
    const packed = readFileSync(fixture('big-endian.sph'), 'latin1').replace(
      /sample_coding -s3 pcm {0,30}/,
      'sample_coding -s26 pcm,embedded-shorten-v2.00',
    );
    expect(await refusal(written('packed.sph', Buffer.from(packed, 'latin1')))).toMatch(
      /embedded-shorten.*unpack it with `sph2pipe/,
    );
  });

  it.each(['s16.flac', 'tone.opus', 'big-endian.sph', 's24.wav'])('%s, cut short', async (name) => {
    const bytes = readFileSync(fixture(name));
    const path = written(`cut-${name}`, bytes);
    truncateSync(path, bytes.length - 100);
    await refusal(path);
  });

  it.each(['s16.flac', 'tone.opus'])('%s, with one damaged byte', async (name) => {
    const bytes = readFileSync(fixture(name));
    const at = Math.floor(bytes.length * 0.8);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
    await refusal(written(`damaged-${name}`, bytes));
  });

  it('floats that are not finite', async () => {
    const bytes = readFileSync(fixture('f32.wav'));
    bytes.writeFloatLE(Number.NaN, bytes.length - 8);
    expect(await refusal(written('nan.wav', bytes))).toMatch(/finite samples/);
  });
});

describe('FLAC', () => {
  it.each([
    // Lengths: metaflac 1.4.2 --show-total-samples. The last frame of the first is shorter than a header may be; the third byte from the
    // end of the second is 0xff. The decoder's parser by itself loses both frames.
    ['digits/50', 9797],
    ['phonetic/a_p', 7264],
  ])('%s is read to its last frame', async (name, length) => {
    const path = new URL(`../../../data/speech/audio/${name}.flac`, import.meta.url).pathname;
    expect((await readAudio(path)).samples.length).toBe(length);
  });
});

describe('readAudioChunks', () => {
  it.each(['s16.wav', 's16.flac', 'tone.opus', 'big-endian.sph'])(
    'gives the samples of %s in equal pieces',
    async (name) => {
      const whole = await readAudio(fixture(name));
      const size = 100;
      const pieces: Float32Array[] = [];
      for await (const piece of readAudioChunks(fixture(name), size / whole.sampleRateHz)) pieces.push(piece.samples);
      expect(pieces.slice(0, -1).every((piece) => piece.length === size)).toBe(true);
      expect(pieces.flatMap((piece) => [...piece])).toEqual([...whole.samples]);
    },
  );
});
