import type { Audio } from '../types.js';

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
const FULL_SCALE = 32_767;

/**
 * Mono sound as a WAV file of 16-bit samples, which every browser plays. Samples beyond −1…1 are clipped.
 *
 * @see "Multimedia Programming Interface and Data Specifications 1.0" (1991), the RIFF form `WAVE`
 */
export function encodeWav({ samples, sampleRateHz }: Audio): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + samples.length * BYTES_PER_SAMPLE);
  // Not a Buffer: the page of the service encodes, too.
  const view = new DataView(bytes.buffer);
  const write = (text: string, at: number): void => bytes.set(new TextEncoder().encode(text), at);
  write('RIFF', 0);
  view.setUint32(4, bytes.length - 8, true);
  write('WAVEfmt ', 8);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * BYTES_PER_SAMPLE, true);
  view.setUint16(32, BYTES_PER_SAMPLE, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  write('data', 36);
  view.setUint32(40, samples.length * BYTES_PER_SAMPLE, true);
  for (const [index, sample] of samples.entries()) {
    const level = Math.round(Math.min(1, Math.max(-1, sample)) * FULL_SCALE);
    view.setInt16(HEADER_BYTES + index * BYTES_PER_SAMPLE, level, true);
  }
  return bytes;
}
