import { encodeWav } from '../../speech/audio/encodeWav.js';

/** Rate at which recordings are looked at, in hertz: speech lies below half of it. */
const RATE_HZ = 16_000;

/** A recording as the browser heard it. */
export interface Decoded {
  /** Average of the channels. */
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
}

/** Decodes a recording by the browser. @returns `null` when it does not know the format */
export async function decode(sound: Blob): Promise<Decoded | null> {
  try {
    const context = new OfflineAudioContext(1, 1, RATE_HZ);
    const buffer = await context.decodeAudioData(await sound.arrayBuffer());
    const samples = new Float32Array(buffer.length);
    for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
      for (const [at, sample] of buffer.getChannelData(channel).entries()) {
        samples[at] = (samples[at] as number) + sample / buffer.numberOfChannels;
      }
    }
    return { samples, sampleRateHz: buffer.sampleRate };
  } catch {
    return null;
  }
}

/** AAC, which browsers decode and the service does not: in MP4, or in frames of its own (ADTS). */
const AAC = /^(....ftyp|\xff[\xf0\xf1\xf8\xf9])/s;

/** What is sent: the recording as it is, or where the service could not read it, what the browser decoded, as WAV. */
export async function sendable(sound: Blob, decoded: Decoded | null): Promise<Blob> {
  const start = String.fromCharCode(...new Uint8Array(await sound.slice(0, 8).arrayBuffer()));
  if (decoded === null || !AAC.test(start)) return sound;
  return new Blob([encodeWav(decoded)], { type: 'audio/wav' });
}
