import type { Audio } from '../types.js';

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const FULL_SCALE = 32_767;

/**
 * Mono sound as a WAV file of 16-bit samples, which every browser plays. Samples beyond −1…1 are clipped.
 *
 * @see "Multimedia Programming Interface and Data Specifications 1.0" (1991), the RIFF form `WAVE`
 */
export function encodeWav({ samples, sampleRateHz }: Audio): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + samples.length * BYTES_PER_SAMPLE);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(sampleRateHz, 24);
  bytes.writeUInt32LE(sampleRateHz * BYTES_PER_SAMPLE, 28);
  bytes.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  bytes.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(samples.length * BYTES_PER_SAMPLE, 40);
  for (const [index, sample] of samples.entries()) {
    const level = Math.round(Math.min(1, Math.max(-1, sample)) * FULL_SCALE);
    bytes.writeInt16LE(level, HEADER_BYTES + index * BYTES_PER_SAMPLE);
  }
  return bytes;
}
