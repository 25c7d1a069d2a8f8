import { createHash, type Hash } from 'node:crypto';
import { InputError } from '../../errors.js';
import {
  cutFrames,
  type FlacFrame,
  type FlacInfo,
  parseStreamInfo,
  STREAM_INFO_BYTES,
  samplesBefore,
} from './flacFrames.js';
import { checkLength } from './limits.js';
import { checkSampleRate } from './pcm.js';
import { BLOCK_BYTES, damagedFile, type ReadPlan, readBlocks, type SoundBlock, type SoundSource } from './source.js';

/** Samples of one channel that are decoded at a time, in whole frames. */
const BLOCK_SAMPLES = 65_536;
/** A file with more blocks of metadata than this is made to keep us busy. */
const MAXIMUM_METADATA_BLOCKS = 10_000;
/** The decoder's floats hold whole numbers up to this width exactly: wider sound is not checked against its MD5. */
const EXACT_BITS = 24;

/** What the decoder hands back; the package's own types are not needed beyond this. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly errors: readonly { readonly message: string }[];
}

interface FrameDecoder {
  decodeFrames(frames: Uint8Array[]): Promise<Decoded>;
  reset(): Promise<void>;
}

/**
 * Reads a FLAC file frame by frame.
 *
 * @throws {InputError} when the file is truncated, damaged, holds no sample, or its samples are not those that its MD5 was
 * taken of: nothing is skipped
 */
export async function* readFlac(source: SoundSource, plan: ReadPlan): AsyncGenerator<SoundBlock> {
  const { path } = source;
  const head = await source.read(0, 8 + STREAM_INFO_BYTES);
  if (head.length < 8 + STREAM_INFO_BYTES || ((head[4] ?? 0) & 0x7f) !== 0) {
    throw damagedFile(path, 'FLAC', 'no STREAMINFO');
  }
  const info = parseStreamInfo(head.subarray(8));
  const start = await endOfMetadata(source);
  // Where the header does not tell the length, the last frames do, before the first is decoded.
  const samples =
    info.samples ||
    (await samplesBefore(await source.read(Math.max(start, source.sizeBytes - BLOCK_BYTES), BLOCK_BYTES)));
  yield* decodeFlac(cutFrames(readBlocks(source, start), info, path, start), info, path, plan, samples);
}

/**
 * Decodes the frames of one FLAC stream.
 *
 * @param samples - of one channel, as far as is known beforehand: too many are refused before anything is decoded
 * @throws {InputError} when a frame cannot be decoded, or the samples are not those that the MD5 was taken of
 */
export async function* decodeFlac(
  frames: AsyncIterable<FlacFrame>,
  info: FlacInfo,
  path: string,
  { maximumS }: Pick<ReadPlan, 'maximumS'>,
  samples: number = info.samples,
): AsyncGenerator<SoundBlock> {
  checkSampleRate(info.sampleRateHz, path);
  checkLength(path, samples / info.sampleRateHz, maximumS);
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  const digest = info.bits <= EXACT_BITS && /[^0]/.test(info.md5) ? createHash('md5') : undefined;
  const finish = ({ channelData, samplesDecoded }: Decoded): SoundBlock => {
    const channels = channelData.map((channel) => channel.subarray(0, samplesDecoded));
    rescale(channels, info.bits);
    if (digest !== undefined) update(digest, channels, info.bits);
    return { channels, sampleRateHz: info.sampleRateHz };
  };
  try {
    let waiting: FlacFrame[] = [];
    let length = 0;
    for await (const frame of frames) {
      waiting.push(frame);
      length += frame.samples;
      if (length < BLOCK_SAMPLES) continue;
      yield finish(await decode(decoder, waiting, path));
      [waiting, length] = [[], 0];
    }
    if (waiting.length > 0) yield finish(await decode(decoder, waiting, path));
  } finally {
    decoder.free();
  }
  const md5 = digest?.digest('hex');
  if (md5 !== undefined && md5 !== info.md5) {
    throw new InputError(
      `${path}: samples with the MD5 of the FLAC header, ${info.md5}, were required, got ${md5}; the samples or the header were changed: fetch the file again, or write it anew with \`flac -d\` and \`flac\``,
    );
  }
}

async function decode(decoder: FrameDecoder, frames: readonly FlacFrame[], path: string): Promise<Decoded> {
  const last = frames.at(-1) as FlacFrame;
  const wanted = frames.reduce((sum, { samples }) => sum + samples, 0);
  let failure = 'frames that cannot be decoded';
  let cause: unknown;
  // Nearly always there is one place where the last frame may end; of several the first that the decoder takes is right.
  for (const end of last.ends) {
    try {
      const whole = frames.map((frame) => (frame === last ? end : (frame.ends[0] as Uint8Array)));
      const decoded = await decoder.decodeFrames(whole);
      if (decoded.errors.length === 0 && decoded.samplesDecoded === wanted) return decoded;
      failure = decoded.errors[0]?.message ?? `${decoded.samplesDecoded} samples of ${wanted}`;
    } catch (error) {
      [failure, cause] = [error instanceof Error ? error.message : String(error), error];
    }
    await decoder.reset();
  }
  throw damagedFile(path, 'FLAC', failure, cause);
}

/** The decoder divides whole numbers by 2^(bits−1) − 1; every other reader here, and libsndfile, by 2^(bits−1). */
function rescale(channels: readonly Float32Array[], bits: number): void {
  const full = 2 ** (bits - 1);
  for (const channel of channels) {
    for (let i = 0; i < channel.length; i++) channel[i] = Math.round((channel[i] as number) * (full - 1)) / full;
  }
}

/** The MD5 is taken of the samples of all channels in turn, in whole bytes, the lowest first. */
function update(digest: Hash, channels: readonly Float32Array[], bits: number): void {
  const width = Math.ceil(bits / 8);
  const full = 2 ** (bits - 1);
  const length = channels[0]?.length ?? 0;
  const bytes = Buffer.alloc(length * channels.length * width);
  let at = 0;
  for (let i = 0; i < length; i++) {
    for (const channel of channels) {
      const value = (channel[i] as number) * full;
      for (let byte = 0; byte < width; byte++) bytes[at++] = (value >> (8 * byte)) & 0xff;
    }
  }
  digest.update(bytes);
}

/** Where the first frame stands. */
async function endOfMetadata(source: SoundSource): Promise<number> {
  let position = 4;
  for (let blocks = 0; blocks < MAXIMUM_METADATA_BLOCKS; blocks++) {
    const header = await source.read(position, 4);
    if (header.length < 4) break;
    const [kind, high, middle, low] = header as unknown as readonly [number, number, number, number];
    position += 4 + high * 65_536 + middle * 256 + low;
    if ((kind & 0x80) !== 0) return position;
  }
  throw damagedFile(source.path, 'FLAC', 'one that ends within its metadata');
}
