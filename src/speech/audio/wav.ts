import { InputError } from '../../errors.js';
import { bytesOfFrame, checkPcmFormat, type PcmFormat, readPcm } from './pcm.js';
import { latin1, type ReadPlan, type SoundBlock, type SoundSource } from './source.js';

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

/**
 * Sizes that stand for "not known": FFmpeg writes 0xffffffff into a pipe, SoX and eSpeak 0x7ffff000, ALSA 0x80000000, others
 * a header less. A longer file than can be stated is no WAV but an RF64.
 */
const UNKNOWN_SIZES_BYTES: readonly (readonly [low: number, high: number])[] = [
  [0x7fffe000, 0x80001000],
  [0xffffe000, 0xffffffff],
  [2 ** 53, 2 ** 64],
];

/** Chunks that follow one of odd size where its writer left out the byte that makes it even. */
const CHUNK_NAMES: ReadonlySet<string> = new Set([
  'data',
  'fmt ',
  'fact',
  'LIST',
  'bext',
  'JUNK',
  'PEAK',
  'cue ',
  'id3 ',
]);

/** How long a WAV file is and how its samples lie in it. */
export interface WavLayout {
  readonly format: PcmFormat;
  /** Place of the first sample. */
  readonly start: number;
  /** Bytes of the samples that are there. */
  readonly sizeBytes: number;
}

/**
 * Reads a WAV file (RIFF, big-endian RIFX, RF64 or BW64) a block at a time.
 *
 * @throws {InputError} when the file is no WAVE, is truncated, has no samples, or is of another codec
 */
export async function* readWav(source: SoundSource, { startS }: ReadPlan): AsyncGenerator<SoundBlock> {
  const { format, start, sizeBytes } = await findSamples(source);
  yield* readPcm(source, format, start, sizeBytes, startS);
}

/**
 * Finds the samples in a WAV file.
 *
 * @throws {InputError} as {@link readWav} does
 */
export async function findSamples(source: SoundSource): Promise<WavLayout> {
  const riff = viewOf(await source.read(0, 12));
  const container = nameAt(riff, 0);
  if (riff.byteLength < 12 || nameAt(riff, 8) !== 'WAVE') {
    throw new InputError(`${source.path}: a WAVE header was required, got a broken one; fetch or make the file again`);
  }
  const little = container !== 'RIFX';
  const wide = container === 'RF64' || container === 'BW64';
  let format: PcmFormat | undefined;
  let longSizes: { readonly riff: number; readonly data: number } | undefined;
  let position = 12;
  for (let chunks = 0; position + 8 <= source.sizeBytes && chunks < MAXIMUM_CHUNKS; chunks++) {
    const header = viewOf(await source.read(position, 8));
    const name = nameAt(header, 0);
    const sizeBytes = header.getUint32(4, little);
    const start = position + 8;
    if (name === 'ds64' && wide) {
      const ds64 = viewOf(await source.read(start, 28));
      if (ds64.byteLength >= 16) longSizes = { riff: longAt(ds64, 0), data: longAt(ds64, 8) };
    } else if (name === 'fmt ') {
      format = parseFormat(viewOf(await source.read(start, Math.min(sizeBytes, 40))), little, source.path);
    } else if (name === 'data') {
      if (format === undefined) break;
      const long = wide && sizeBytes === 0xffffffff ? longSizes : undefined;
      const stated = { riff: long?.riff ?? riff.getUint32(4, little), data: long?.data ?? sizeBytes };
      const present = presentBytes(source, start, stated);
      await refuseMoreSamples(source, start + present, little);
      return { format, start, sizeBytes: present };
    }
    position = start + sizeBytes;
    if (sizeBytes % 2 === 1 && !CHUNK_NAMES.has(latin1(await source.read(position, 4)))) position++;
  }
  const missing = format === undefined ? 'format (fmt)' : 'samples (data)';
  throw new InputError(
    `${source.path}: a chunk of ${missing} was required in the WAVE file, got none; the file is truncated or broken, fetch or make it again`,
  );
}

/** A second chunk of samples behind the first: players hear the first alone, and half a sentence would be missing unseen. */
async function refuseMoreSamples(source: SoundSource, end: number, little: boolean): Promise<void> {
  let position = end;
  for (let chunks = 0; position + 8 <= source.sizeBytes && chunks < MAXIMUM_CHUNKS; chunks++) {
    position += position % 2;
    const header = viewOf(await source.read(position, 8));
    if (header.byteLength < 8) return;
    const name = nameAt(header, 0);
    // Behind the samples anything may stand that is no chunk.
    if (!/^[ -~]{4}$/.test(name)) return;
    const sizeBytes = header.getUint32(4, little);
    if (name === 'data' && sizeBytes > 0) {
      throw new InputError(
        `${source.path}: one chunk of samples (data) was required in the WAVE file, got another at byte ${position}; convert it: ffmpeg -i IN OUT.flac`,
      );
    }
    position += 8 + sizeBytes;
  }
}

/**
 * Bytes of samples by the sizes that a header states. Whoever writes into a pipe cannot know them: a size of the data that
 * stands for "not known", or is larger than a whole file by the size of the RIFF form, means all that is there.
 */
function presentBytes(
  source: SoundSource,
  start: number,
  stated: { readonly riff: number; readonly data: number },
): number {
  const present = Math.max(0, source.sizeBytes - start);
  // Left at 0 by a writer that could not go back to fill it in.
  if (stated.data === 0 && stated.riff + 8 <= start) return present;
  if (stated.data <= present) return stated.data;
  const whole = stated.riff + 8 <= source.sizeBytes;
  if (whole || UNKNOWN_SIZES_BYTES.some(([low, high]) => stated.data >= low && stated.data <= high)) return present;
  throw new InputError(
    `${source.path}: ${stated.data} bytes of samples were required by the header, got ${present}; the file is truncated, fetch or make it again`,
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

function longAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function nameAt(view: DataView, at: number): string {
  let name = '';
  for (let i = at; i < Math.min(at + 4, view.byteLength); i++) name += String.fromCharCode(view.getUint8(i));
  return name;
}
