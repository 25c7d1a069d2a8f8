import wavefile from 'wavefile';
import { InputError } from '../../errors.js';
import { BLOCK_BYTES, type SoundBlock, type SoundSource } from './source.js';

/** How samples lie in a file: uncompressed, or companded to eight bits (G.711). */
export interface PcmFormat {
  readonly encoding: 'integer' | 'float' | 'a-law' | 'mu-law';
  /** Bits a sample: 8 (unsigned), 16, 24 or 32 for integers, 32 or 64 for floats, 8 for A-law and mu-law. */
  readonly bits: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bigEndian: boolean;
}

/** WAVE's numbers for the encodings. */
const FORMAT_TAGS: Readonly<Record<PcmFormat['encoding'], number>> = {
  integer: 1,
  float: 3,
  'a-law': 6,
  'mu-law': 7,
};

const BITS: Readonly<Record<PcmFormat['encoding'], readonly number[]>> = {
  integer: [8, 16, 24, 32],
  float: [32, 64],
  'a-law': [8],
  'mu-law': [8],
};

const HEADER_BYTES = 44;

/** Rates outside this range come from broken headers, and the resampling filter would need gigabytes. */
const SAMPLE_RATE_RANGE_HZ = [1_000, 768_000] as const;

/** Size of one sample of every channel. */
export function bytesOfFrame(format: PcmFormat): number {
  return (format.bits / 8) * format.channels;
}

/**
 * Checks that a format is one that {@link decodePcm} reads.
 *
 * @param path - file that the format was read from, for the error
 * @throws {InputError} when the encoding's width, the number of channels or the sample rate is not served
 */
export function checkPcmFormat(format: PcmFormat, path: string): void {
  if (!BITS[format.encoding].includes(format.bits)) {
    throw new InputError(
      `${path}: ${BITS[format.encoding].join(', ')} bits a sample were required of ${format.encoding} sound, got ${format.bits}; convert the file to 16-bit WAV`,
    );
  }
  if (!Number.isInteger(format.channels) || format.channels < 1 || format.channels > 64) {
    throw new InputError(
      `${path}: 1 to 64 channels were required, got ${format.channels}; the header is broken, make the file again`,
    );
  }
  checkSampleRate(format.sampleRateHz, path);
}

/**
 * Checks a sample rate that came out of a file.
 *
 * @throws {InputError} when it is not a whole number from 1,000 to 768,000 Hz
 */
export function checkSampleRate(sampleRateHz: number, path: string): void {
  const [low, high] = SAMPLE_RATE_RANGE_HZ;
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < low || sampleRateHz > high) {
    throw new InputError(
      `${path}: a sample rate from ${low} to ${high} Hz was required, got ${sampleRateHz}; the header is broken, make the file again`,
    );
  }
}

/**
 * Decodes raw samples to sound in −1…1.
 *
 * The bytes get a plain 44-byte header and go through `wavefile`, so that nothing else of the file (cue points, lists,
 * other chunks, right or wrong) is ever parsed. A-law and mu-law follow ITU-T G.711.
 *
 * @param bytes - whole frames, nothing after them
 * @param format - a format that {@link checkPcmFormat} let pass
 * @returns samples of each channel
 */
export function decodePcm(bytes: Uint8Array, format: PcmFormat): readonly Float32Array[] {
  const frames = Math.floor(bytes.length / bytesOfFrame(format));
  const wav = new wavefile.WaveFile(withHeader(bytes, format));
  if (format.encoding === 'a-law') wav.fromALaw();
  if (format.encoding === 'mu-law') wav.fromMuLaw();
  const values = wav.getSamples(true, Float64Array) as unknown as Float64Array;
  const offset = format.encoding === 'integer' && format.bits === 8 ? 128 : 0;
  const scale = fullScale(format);
  return Array.from({ length: format.channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0, at = channel; i < frames; i++, at += format.channels) {
      samples[i] = ((values[at] ?? 0) - offset) / scale;
    }
    return samples;
  });
}

/**
 * Decodes raw samples that lie in one piece of a file.
 *
 * @param start - place of the first sample in the file
 * @param sizeBytes - size of all samples; an incomplete last frame is left out
 * @param startS - sound before it is stepped over, in seconds
 * @throws {InputError} when there is no sample
 */
export async function* readPcm(
  source: SoundSource,
  format: PcmFormat,
  start: number,
  sizeBytes: number,
  startS: number,
): AsyncGenerator<SoundBlock> {
  const { sampleRateHz } = format;
  const frameBytes = bytesOfFrame(format);
  const frames = Math.floor(sizeBytes / frameBytes);
  if (frames === 0) {
    throw new InputError(`${source.path}: samples were required, got none; record or fetch the file again`);
  }
  const framesOfBlock = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes));
  // Never beyond the last sample: who asked for more is told how much there is.
  for (let frame = Math.min(Math.floor(startS * sampleRateHz), frames - 1); frame < frames; frame += framesOfBlock) {
    const count = Math.min(framesOfBlock, frames - frame);
    const bytes = await source.read(start + frame * frameBytes, count * frameBytes);
    yield { channels: decodePcm(bytes, format), sampleRateHz, start: frame };
  }
}

/** The value that stands for 1. */
function fullScale(format: PcmFormat): number {
  if (format.encoding === 'float') return 1;
  return format.encoding === 'integer' ? 2 ** (format.bits - 1) : 2 ** 15;
}

function withHeader(bytes: Uint8Array, format: PcmFormat): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + bytes.length + (bytes.length % 2));
  const view = new DataView(file.buffer);
  const little = !format.bigEndian;
  const name = (at: number, text: string): void => {
    for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
  };
  name(0, little ? 'RIFF' : 'RIFX');
  view.setUint32(4, file.length - 8, little);
  name(8, 'WAVEfmt ');
  view.setUint32(16, 16, little);
  view.setUint16(20, FORMAT_TAGS[format.encoding], little);
  view.setUint16(22, format.channels, little);
  view.setUint32(24, format.sampleRateHz, little);
  view.setUint32(28, format.sampleRateHz * bytesOfFrame(format), little);
  view.setUint16(32, bytesOfFrame(format), little);
  view.setUint16(34, format.bits, little);
  name(36, 'data');
  view.setUint32(40, bytes.length, little);
  file.set(bytes, HEADER_BYTES);
  return file;
}
