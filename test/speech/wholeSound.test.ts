import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { fixture, largestDifference } from './npy.js';
import { pagesOf, sealed, writeOggPage } from './oggPages.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-whole-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(name: string, ...parts: readonly (Uint8Array | string)[]) {
  const path = join(folder, name);
  writeFileSync(
    path,
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
  );
  return await readAudio(path);
}

async function refusal(name: string, ...parts: readonly (Uint8Array | string)[]): Promise<string> {
  const error: unknown = await read(name, ...parts).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

// 26,280 samples in 46 frames of 576 (the last shorter), by metaflac and `flac -a` 1.4.2.
const speech = readFileSync(new URL('../../data/speech/audio/agent-pass.flac', import.meta.url));
const SAMPLES = 26_280;

/** The number of samples in STREAMINFO taken out, as `flac - | …` leaves it (RFC 9639, section 8.2: 0 is "unknown"). */
function withoutTotal(flac: Buffer): Buffer {
  const bytes = Buffer.from(flac);
  bytes.writeUInt8(bytes.readUInt8(21) & 0xf0, 21);
  bytes.writeUInt32BE(0, 22);
  return bytes;
}

function changed(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ mask, at);
  return copy;
}

/** STREAMINFO and the frames of a FLAC file with fewer than 128 of them. */
function framesOf(flac: Buffer): { readonly info: Buffer; readonly frames: readonly Buffer[] } {
  let start = 4;
  for (let isLast = false; !isLast; start += 4 + flac.readUIntBE(start + 1, 3)) isLast = flac.readUInt8(start) >= 0x80;
  const starts: number[] = [];
  // Number n of a frame stands in the fifth byte.
  for (let at = start; at >= 0; at = flac.indexOf(Buffer.from([0xff, 0xf8]), at + 1)) {
    if (flac[at + 4] === starts.length) starts.push(at);
  }
  return { info: flac.subarray(8, 42), frames: starts.map((at, index) => flac.subarray(at, starts[index + 1])) };
}

describe('FLAC: nothing is skipped', () => {
  it('reads a stream that a pipe wrote, without a number of samples', async () => {
    const whole = await read('whole.flac', speech);
    expect((await read('piped.flac', withoutTotal(speech))).samples).toEqual(whole.samples);
    expect(whole.samples.length).toBe(SAMPLES);
  });

  // `flac -t` 1.4.2 fails on each of them; a decoder that looks for the next frame gives fewer samples and no error.
  it('refuses such a stream when it is cut', async () => {
    const piped = withoutTotal(speech);
    for (const part of [0.3, 0.6, 0.95]) {
      expect(await refusal('cut.flac', piped.subarray(0, Math.floor(part * piped.length)))).toMatch(/damaged, cut off/);
    }
    expect(await refusal('cut-in-last.flac', piped.subarray(0, -3))).toMatch(/damaged, cut off/);
  });

  it('refuses it when one bit is wrong, in a frame or in the header of one', async () => {
    const { frames } = framesOf(speech);
    expect(frames.length).toBe(46);
    for (const [index, frame] of frames.entries()) {
      if (index % 9 !== 0) continue;
      for (const place of [1, 4, 5, 40, frame.length - 1]) {
        const bad = changed(withoutTotal(speech), speech.indexOf(frame) + place, 0x04);
        expect(await refusal('bit.flac', bad), `frame ${index}, byte ${place}`).toMatch(
          /a whole FLAC stream was required/,
        );
      }
    }
  });

  it('refuses it when a frame is missing', async () => {
    const { frames } = framesOf(speech);
    const head = withoutTotal(speech).subarray(0, speech.indexOf(frames[0] as Buffer));
    expect(await refusal('no-third.flac', head, ...frames.filter((_, index) => index !== 2))).toMatch(
      /not followed by the next/,
    );
    expect(await refusal('no-first.flac', head, ...frames.slice(1))).toMatch(/begins with frame 1/);
  });

  it.each<[string, Buffer | string]>([
    ['ID3v1', `TAG${'x'.repeat(125)}`],
    ['APEv2', `APETAGEX${'\xd0\x07\0\0'.repeat(40)}`],
    ['zeros', Buffer.alloc(70_000)],
  ])('reads all samples before %s', async (name, tail) => {
    expect((await read(`${name}.flac`, speech, tail)).samples.length).toBe(SAMPLES);
    expect((await read(`${name}.piped.flac`, withoutTotal(speech), tail)).samples.length).toBe(SAMPLES);
  });

  it('reads all samples before anything, where the header says how many there are', async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) & 0xff));
    expect((await read('noise.flac', speech, noise)).samples.length).toBe(SAMPLES);
    expect(await refusal('noise.piped.flac', withoutTotal(speech), noise)).toMatch(/damaged, cut off/);
  });

  it('reads all samples behind ID3v2', async () => {
    expect((await read('id3v2.flac', 'ID3\x03\0\0\0\0\0\x0a0123456789', speech)).samples.length).toBe(SAMPLES);
  });

  it('says so when the MD5 in STREAMINFO is that of other samples, as `flac -t` does', async () => {
    expect(await refusal('md5.flac', changed(speech, 26, 1))).toMatch(/samples with the MD5 of the FLAC header/);
    const unknown = Buffer.from(speech);
    unknown.fill(0, 26, 42);
    expect((await read('no-md5.flac', unknown)).samples.length).toBe(SAMPLES);
  });

  it('refuses a stream of no frame', async () => {
    const { frames } = framesOf(speech);
    const head = withoutTotal(speech).subarray(0, speech.indexOf(frames[0] as Buffer));
    expect(await refusal('empty.flac', head)).toMatch(/no frame of sound/);
  });
});

describe('Ogg: nothing is skipped', () => {
  const opus = readFileSync(fixture('tone.opus'));

  it('refuses a file with a page missing, and one without its last page', async () => {
    const pages = pagesOf(opus);
    expect(await refusal('gap.opus', ...pages.filter((_, index) => index !== 1))).toMatch(/page 1 missing/);
    expect(await refusal('no-end.opus', ...pages.slice(0, -1))).toMatch(/without its last page/);
  });

  it('refuses a last page that says more samples than there are', async () => {
    const pages = pagesOf(opus);
    const last = Buffer.from(pages.at(-1) as Buffer);
    last.writeBigInt64LE(BigInt(48_000) * 3600n * 200n, 6);
    expect(await refusal('lies.opus', ...pages.slice(0, -1), sealed(last))).toMatch(/samples where its last page says/);
  });

  it('applies the output gain (RFC 7845, section 5.1: 10^(gain / (20 · 256)))', async () => {
    const plain = await readAudio(fixture('tone.opus'));
    for (const decibels of [6, -12]) {
      const [head, ...rest] = pagesOf(opus) as [Buffer, ...Buffer[]];
      head.writeInt16LE(decibels * 256, 28 + 16);
      const louder = await read('gain.opus', sealed(head), ...rest);
      const expected = plain.samples.map((sample) => sample * 10 ** (decibels / 20));
      expect(largestDifference(louder.samples, expected)).toBeLessThan(1e-6);
    }
  });

  it('reads streams that follow each other (RFC 3533, section 4), each without its pre-skip', async () => {
    const plain = await readAudio(fixture('tone.opus'));
    const chained = await read('chain.opus', opus, opus);
    expect([...chained.samples]).toEqual([...plain.samples, ...plain.samples]);
  });

  it('reads Ogg FLAC (RFC 9639, section 10.1)', async () => {
    const { info, frames } = framesOf(speech);
    const magic = Buffer.from('\x7fFLAC\x01\0\0\x01fLaC\0\0\0\x22', 'latin1');
    const pages = [
      writeOggPage({ packets: [Buffer.concat([magic, info])], granule: 0, number: 0, flags: 2 }),
      writeOggPage({ packets: [Buffer.from('\x84\0\0\0', 'latin1')], granule: 0, number: 1 }),
      ...frames.map((frame, index) =>
        writeOggPage({
          packets: [frame],
          granule: Math.min(SAMPLES, (index + 1) * 576),
          number: 2 + index,
          flags: index === frames.length - 1 ? 4 : 0,
        }),
      ),
    ];
    const whole = await readAudio(new URL('../../data/speech/audio/agent-pass.flac', import.meta.url).pathname);
    expect((await read('speech.oga', ...pages)).samples).toEqual(whole.samples);
    expect(await refusal('gap.oga', ...pages.filter((_, index) => index !== 4))).toMatch(/page 4 missing/);
  });

  it('reads Ogg Vorbis as libsndfile does', async () => {
    // 401 samples of the tone of vorbis.ogg, by libsndfile 1.2.2.
    const { samples, sampleRateHz } = await readAudio(fixture('vorbis.ogg'));
    expect([samples.length, sampleRateHz]).toEqual([401, 16_000]);
    expect(await refusal('cut.ogg', readFileSync(fixture('vorbis.ogg')).subarray(0, -40))).toMatch(/within a page/);
  });
});

describe('WAV: sizes that its writer could not know', () => {
  const SIZE = 1600;
  function wav(riffBytes: number, dataBytes: number, tail: Uint8Array = new Uint8Array(0)): Buffer {
    const header = Buffer.alloc(44);
    header.write('RIFF', 0, 'latin1');
    header.writeUInt32LE(riffBytes, 4);
    header.write('WAVEfmt \x10\0\0\0\x01\0\x01\0', 8, 'latin1');
    header.writeUInt32LE(16_000, 24);
    header.writeUInt32LE(32_000, 28);
    header.write('\x02\0\x10\0data', 32, 'latin1');
    header.writeUInt32LE(dataBytes, 40);
    return Buffer.concat([header, Buffer.alloc(SIZE, 1), tail]);
  }

  it.each<[string, number, number]>([
    ['FFmpeg 5', 0xffffffff, 0xffffffff],
    ['SoX 14.4, eSpeak NG 1.51', 0x7ffff024, 0x7ffff000],
    ['ALSA arecord', 0x80000024, 0x80000000],
    ['one that leaves zeros', 0, 0],
    ['a form that is whole around data that is not', 36 + SIZE, SIZE + 16],
  ])('reads what is there: %s', async (name, riffBytes, dataBytes) => {
    expect((await read(`${name.slice(0, 4)}.wav`, wav(riffBytes, dataBytes))).samples.length).toBe(SIZE / 2);
  });

  it('refuses one that is cut', async () => {
    expect(await refusal('cut.wav', wav(36 + SIZE, SIZE).subarray(0, -100))).toMatch(/the file is truncated/);
    expect(await refusal('cut-long.wav', wav(3_000_000_036, 3_000_000_000))).toMatch(/the file is truncated/);
  });

  it('leaves out what follows the samples', async () => {
    expect((await read('list.wav', wav(36 + SIZE + 12, SIZE, Buffer.from('LIST\x04\0\0\0INFO')))).samples.length).toBe(
      800,
    );
  });

  it.each([0, 1])('steps over a chunk of odd size with %i bytes of padding', async (padding) => {
    const bytes = wav(36 + SIZE, SIZE);
    const chunk = Buffer.concat([Buffer.from('LIST\x05\0\0\0hello', 'latin1'), Buffer.alloc(padding)]);
    expect((await read('odd.wav', bytes.subarray(0, 36), chunk, bytes.subarray(36))).samples.length).toBe(800);
  });

  it('reads BW64, whose size stands in ds64 (ITU-R BS.2088)', async () => {
    const bytes = wav(0xffffffff, 0xffffffff);
    bytes.write('BW64', 0, 'latin1');
    const ds64 = Buffer.alloc(36);
    ds64.write('ds64\x1c', 0, 'latin1');
    ds64.writeBigUInt64LE(BigInt(72 + SIZE), 8);
    ds64.writeBigUInt64LE(BigInt(SIZE - 2), 16);
    expect((await read('bw64.wav', bytes.subarray(0, 12), ds64, bytes.subarray(12))).samples.length).toBe(799);
  });
});

describe('a part of a recording, and one of its channels', () => {
  it.each(['s16.wav', 'big-endian.sph', 's16.flac', 'vorbis.ogg'])('is the same piece of %s', async (name) => {
    const whole = await readAudio(fixture(name));
    const { sampleRateHz } = whole;
    const startS = 100 / sampleRateHz;
    const part = await readAudio(fixture(name), { startS, durationS: 300 / sampleRateHz });
    expect(part.samples).toEqual(whole.samples.slice(100, 400));
  });

  it('must be there', async () => {
    const error = (await readAudio(fixture('tone.opus'), { startS: 0.4, durationS: 1 }).catch((e) => e)) as Error;
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/sound up to 1\.400 s was required, got a recording of 0\.500 s/);
    await expect(readAudio(fixture('s16.wav'), { startS: 5 })).rejects.toThrow(/got a recording of 0\.025 s/);
    await expect(readAudio(fixture('s16.wav'), { startS: -1 })).rejects.toThrow(/begins at 0 s or later/);
  });

  it('is one channel or their average', async () => {
    const [left, right, mix] = await Promise.all(
      ([1, 2, 'mix'] as const).map(async (channel) => (await readAudio(fixture('stereo.wav'), { channel })).samples),
    );
    const average = left?.map((sample, i) => (sample + (right?.[i] ?? 0)) / 2) ?? new Float32Array(0);
    expect(largestDifference(mix as Float32Array, average)).toBeLessThan(1e-7);
    expect(largestDifference(left as Float32Array, right as Float32Array)).toBeGreaterThan(0.1);
    await expect(readAudio(fixture('stereo.wav'), { channel: 3 })).rejects.toThrow(
      /a channel from 1 to 2 was required, got 3/,
    );
    await expect(readAudio(fixture('stereo.wav'), { channel: 0 })).rejects.toThrow(/whole number from 1/);
  });
});

describe('bounds on the seconds of sound', () => {
  it('refuses hours of silence in a small file before it decodes them', async () => {
    const long = Buffer.from(speech);
    // 200 h at 8 kHz: more than 32 bits.
    const samples = 200 * 3600 * 8000;
    long.writeUInt8((long.readUInt8(21) & 0xf0) | Math.floor(samples / 2 ** 32), 21);
    long.writeUInt32BE(samples % 2 ** 32, 22);
    expect(await refusal('silence.flac', long)).toMatch(
      /silence\.flac: at most 7200 s .*got 720000 s.*maximumS; --max-hours of transcribe, --max-seconds of serve/,
    );
  });

  it('knows the length of a stream that a pipe wrote by its last frames, before it decodes the first', async () => {
    const path = join(folder, 'piped.flac');
    // Damaged where decoding begins: whoever decodes says that instead.
    writeFileSync(
      path,
      changed(
        withoutTotal(speech),
        speech.length - framesOf(speech).frames.reduce((sum, { length }) => sum + length, 0) + 20,
        1,
      ),
    );
    await expect(readAudio(path, { maximumS: 3 })).rejects.toThrow(
      /at most 3 s of sound were required, got 3 s or more/,
    );
    await expect(readAudio(path, { maximumS: 4 })).rejects.toThrow(/damaged/);
  });

  it('counts what is decoded where no header tells', async () => {
    const path = fixture('tone.opus');
    await expect(readAudio(path, { maximumS: 0.4 })).rejects.toThrow(/at most 0\.4 s of sound were required/);
    expect((await readAudio(path, { maximumS: 0.5 })).samples.length).toBe(24_000);
    expect((await readAudio(path, { maximumS: 0.2, durationS: 0.1 })).samples.length).toBe(4800);
  });
});
