import { InputError } from '../errors.js';
import { bytesOfFrame, checkPcmFormat, type PcmFormat } from './pcm.js';
import { readPcm, type SoundSource } from './source.js';
import type { Audio } from './types.js';

/** Format tags of codecs that people meet and that are not decoded here (RFC 2361). */
const CODEC_NAMES: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG',
  85: 'MP3',
  353: 'Windows Media Audio',
};

const ENCODINGS: Readonly<Record<number, PcmFormat['encoding']>> = {
  1: 'integer',
  3: 'float',
  6: 'a-law',
  7: 'mu-law',
};

const EXTENSIBLE = 0xfffe;
/** A file with more chunks than this is made to keep us busy. */
const MAXIMUM_CHUNKS = 10_000;

/** What the chunks before the samples say. */
interface WavLayout {
  readonly format: PcmFormat;
  readonly start: number;
  readonly sizeBytes: number;
}

/**
 * Reads a WAV file (RIFF, big-endian RIFX, or RF64) a block at a time.
 *
 * @throws {InputError} when the file is no WAVE, is truncated, has no samples, or is of another codec
 */
export async function* readWav(source: SoundSource): AsyncGenerator<Audio> {
  const { format, start, sizeBytes } = await findSamples(source);
  yield* readPcm(source, format, start, sizeBytes);
}

async function findSamples(source: SoundSource): Promise<WavLayout> {
  const riff = viewOf(await source.read(0, 12));
  const container = nameAt(riff, 0);
  if (riff.byteLength < 12 || nameAt(riff, 8) !== 'WAVE') {
    throw new InputError(`${source.path}: a WAVE header was required, got a broken one; fetch or make the file again`);
  }
  const little = container !== 'RIFX';
  let format: PcmFormat | undefined;
  let longSizeBytes: number | undefined;
  let position = 12;
  for (let chunks = 0; position + 8 <= source.sizeBytes && chunks < MAXIMUM_CHUNKS; chunks++) {
    const header = viewOf(await source.read(position, 8));
    const name = nameAt(header, 0);
    const sizeBytes = header.getUint32(4, little);
    const start = position + 8;
    if (name === 'ds64' && container === 'RF64') {
      const ds64 = viewOf(await source.read(start, 28));
      if (ds64.byteLength >= 16) longSizeBytes = ds64.getUint32(8, true) + ds64.getUint32(12, true) * 2 ** 32;
    } else if (name === 'fmt ') {
      format = parseFormat(viewOf(await source.read(start, Math.min(sizeBytes, 40))), little, source.path);
    } else if (name === 'data') {
      if (format === undefined) break;
      const long = container === 'RF64' && sizeBytes === 0xffffffff;
      return { format, start, sizeBytes: long ? (longSizeBytes ?? sizeBytes) : sizeBytes };
    }
    position = start + sizeBytes + (sizeBytes % 2);
  }
  const missing = format === undefined ? 'format (fmt)' : 'samples (data)';
  throw new InputError(
    `${source.path}: a chunk of ${missing} was required in the WAVE file, got none; the file is truncated or broken, fetch or make it again`,
  );
}

function parseFormat(chunk: DataView, little: boolean, path: string): PcmFormat {
  if (chunk.byteLength < 16) {
    throw new InputError(
      `${path}: a format chunk of 16 bytes or more was required, got ${chunk.byteLength}; fetch or make the file again`,
    );
  }
  let tag = chunk.getUint16(0, little);
  // The extensible form keeps the tag in the first bytes of a GUID.
  if (tag === EXTENSIBLE && chunk.byteLength >= 26) tag = chunk.getUint16(24, little);
  const encoding = ENCODINGS[tag];
  if (encoding === undefined) {
    const name = CODEC_NAMES[tag] ?? `codec 0x${tag.toString(16).padStart(4, '0')}`;
    throw new InputError(
      `${path}: PCM, float, A-law or mu-law sound was required, got ${name}; convert the file to 16-bit PCM`,
    );
  }
  const format: PcmFormat = {
    encoding,
    channels: chunk.getUint16(2, little),
    sampleRateHz: chunk.getUint32(4, little),
    bits: chunk.getUint16(14, little),
    bigEndian: !little,
  };
  checkPcmFormat(format, path);
  const blockAlign = chunk.getUint16(12, little);
  if (blockAlign !== bytesOfFrame(format)) {
    throw new InputError(
      `${path}: frames of ${bytesOfFrame(format)} bytes were required by the format chunk, got ${blockAlign}; the header is broken, make the file again`,
    );
  }
  return format;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function nameAt(view: DataView, at: number): string {
  let name = '';
  for (let i = at; i < Math.min(at + 4, view.byteLength); i++) name += String.fromCharCode(view.getUint8(i));
  return name;
}
