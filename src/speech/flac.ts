import { InputError } from '../errors.js';
import { checkSampleRate } from './pcm.js';
import { readBlocks, type SoundSource } from './source.js';
import type { Audio } from './types.js';

/** `fLaC`, the header of the first block, and STREAMINFO (RFC 9639, section 8.2). */
const STREAM_INFO_END = 42;

/**
 * Given to the decoder behind the last byte of the file. Without them its parser loses the last frame of one file in 130: where that
 * is shorter than it takes a header for, or where the third byte from the end is 0xff and the search for the next frame steps over the end.
 * Zeros behind a frame leave its checksum 0 (CRC-16 without a final inversion), and hold no frame.
 */
const BEHIND_THE_LAST_FRAME: Uint8Array = new Uint8Array(16);

/** What the decoder hands back; the package's own types are not needed beyond this. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly errors: readonly { readonly message: string }[];
}

/**
 * Reads a FLAC file as it is decoded; channels are averaged.
 *
 * @throws {InputError} when the file is truncated, damaged or holds no sample: nothing is skipped
 */
export async function* readFlac(source: SoundSource): AsyncGenerator<Audio> {
  const info = await readStreamInfo(source);
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  let samples = 0;
  try {
    for await (const block of withZerosBehind(readBlocks(source))) {
      const mono = mix(await attempt(() => decoder.decode(block), source.path), info.bits, source.path);
      samples += mono.length;
      if (mono.length > 0) yield { samples: mono, sampleRateHz: info.sampleRateHz };
    }
    const rest = mix(await attempt(() => decoder.flush(), source.path), info.bits, source.path);
    samples += rest.length;
    if (rest.length > 0) yield { samples: rest, sampleRateHz: info.sampleRateHz };
  } finally {
    decoder.free();
  }
  if (samples === 0) throw damaged(source.path, 'no sample that can be decoded');
  // Zero stands for "not known" (a stream that was never rewound).
  if (info.samples !== 0 && samples !== info.samples) {
    throw damaged(source.path, `${samples} samples where its header says ${info.samples}`);
  }
}

async function* withZerosBehind(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* blocks;
  yield BEHIND_THE_LAST_FRAME;
}

async function attempt(decode: () => Promise<Decoded>, path: string): Promise<Decoded> {
  try {
    return await decode();
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function mix(decoded: Decoded, bits: number, path: string): Float32Array {
  const [error] = decoded.errors;
  if (error !== undefined) throw damaged(path, error.message);
  // The decoder divides whole numbers by 2^(bits−1) − 1; every other reader here, and libsndfile, by 2^(bits−1).
  const full = 2 ** (bits - 1);
  for (const channel of decoded.channelData) {
    for (let i = 0; i < channel.length; i++) channel[i] = Math.round((channel[i] as number) * (full - 1)) / full;
  }
  return mixChannels(decoded.channelData, decoded.samplesDecoded);
}

/** Averages channels into one. */
export function mixChannels(channels: readonly Float32Array[], length: number): Float32Array {
  const [first] = channels;
  if (first === undefined) return new Float32Array(0);
  const mono = first.slice(0, length);
  if (channels.length === 1) return mono;
  for (const channel of channels.slice(1)) {
    for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] ?? 0) + (channel[i] ?? 0);
  }
  for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] ?? 0) / channels.length;
  return mono;
}

async function readStreamInfo(
  source: SoundSource,
): Promise<{ readonly sampleRateHz: number; readonly bits: number; readonly samples: number }> {
  const bytes = await source.read(0, STREAM_INFO_END);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < STREAM_INFO_END || (view.getUint8(4) & 0x7f) !== 0) throw damaged(source.path, 'no STREAMINFO');
  // 20 bits of sample rate, 3 of channels, 5 of width, 36 of samples, from byte 18 on.
  const sampleRateHz = view.getUint32(18) >>> 12;
  checkSampleRate(sampleRateHz, source.path);
  const bits = (((view.getUint8(20) & 1) << 4) | (view.getUint8(21) >>> 4)) + 1;
  return { sampleRateHz, bits, samples: (view.getUint8(21) & 0x0f) * 2 ** 32 + view.getUint32(22) };
}

function damaged(path: string, got: string, cause?: unknown): InputError {
  return new InputError(`${path}: a whole FLAC stream was required, got ${got}; fetch or make the file again`, {
    cause,
  });
}
