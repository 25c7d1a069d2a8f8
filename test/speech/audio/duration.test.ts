import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { readHeaderDuration } from '../../../src/speech/audio/duration.js';
import { makeFlacHead, makeSphere } from '../corpusServer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-duration-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(bytes: Uint8Array): Promise<unknown> {
  const path = join(folder, 'recording');
  await writeFile(path, bytes);
  return readHeaderDuration(path);
}

/** RIFF with a LIST chunk of odd length before fmt and data. */
function makeWav(channels: number, bytesEach: number, rateHz: number, dataBytes: number): Buffer {
  const head = Buffer.alloc(12 + 8 + 4 + 8 + 16 + 8);
  head.write('RIFF\0\0\0\0WAVELIST', 0, 'latin1');
  head.writeUInt32LE(3, 16);
  head.write('fmt ', 24, 'latin1');
  head.writeUInt32LE(16, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(channels, 34);
  head.writeUInt32LE(rateHz, 36);
  head.writeUInt16LE(channels * bytesEach, 44);
  head.write('data', 48, 'latin1');
  head.writeUInt32LE(dataBytes, 52);
  return Buffer.concat([head, Buffer.alloc(dataBytes)]);
}

describe('a length by its header', () => {
  it('is that of a prompt (Debian package asterisk-core-sounds-en-wav 1.6.1-1)', async () => {
    const path = fileURLToPath(new URL('../../../data/speech/audio/activated.flac', import.meta.url));
    expect(await readHeaderDuration(path)).toEqual({ samples: 8512, sampleRateHz: 8000, durationS: 1.064 });
  });

  it('counts samples of one channel, behind other chunks', async () => {
    expect(await read(makeWav(2, 3, 44_100, 6 * 441))).toEqual({ samples: 441, sampleRateHz: 44_100, durationS: 0.01 });
  });

  it('is STREAMINFO in FLAC, up to 36 bits of samples', async () => {
    expect(await read(makeFlacHead(33_440, 16_000))).toMatchObject({ samples: 33_440, durationS: 2.09 });
    expect(await read(makeFlacHead(2 ** 35, 655_350))).toMatchObject({ samples: 2 ** 35, sampleRateHz: 655_350 });
  });

  it('is sample_count in SPHERE', async () => {
    expect(await read(makeSphere(64_000))).toEqual({ samples: 64_000, sampleRateHz: 16_000, durationS: 4 });
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['RIFF without data', makeWav(1, 2, 8000, 0).subarray(0, 40)],
    ['RIFF with a rate of 0', makeWav(1, 2, 0, 4)],
    ['a FLAC that is cut off', makeFlacHead(1, 8000).subarray(0, 20)],
    ['a FLAC of unstated length', makeFlacHead(0, 8000)],
    ['SPHERE without counts', Buffer.from('NIST_1A\n   1024\nend_head\n'.padEnd(1024))],
  ])('is refused for %s, by name', async (_what, bytes) => {
    const error = await read(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(
      /recording: a WAV, FLAC or SPHERE header with the length was required, got/,
    );
  });

  it('is refused for no file', async () => {
    await expect(readHeaderDuration(join(folder, 'nowhere'))).rejects.toThrow(/nowhere: a file was required/);
  });
});
