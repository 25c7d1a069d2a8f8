import type { InputError } from '../../errors.js';
import { ByteQueue, joinBytes } from './byteQueue.js';
import { checkSampleRate } from './pcm.js';
import { damagedFile, isTail, latin1, readBlocks, type SoundBlock, type SoundSource } from './source.js';

/** Bytes of frames that are decoded at a time. */
const GROUP_BYTES = 32_768;

/** What the header of a frame says (ISO/IEC 11172-3, section 2.4.2.3; 13818-3 for the lower rates). */
interface FrameHeader {
  readonly sizeBytes: number;
  readonly samples: number;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  /** Version, layer and rate, which do not change within a stream. */
  readonly kind: string;
}

/** What the first frame says of the stream, where its encoder knew (the tags of Xing and LAME). */
interface StreamTag {
  readonly frames: number;
  /** Samples that the encoder put before and behind the sound. */
  readonly padding: number;
}

/**
 * Reads an MPEG audio file (MP3, and layers I and II) frame by frame.
 *
 * @throws {InputError} when a frame is cut off, something else stands between two frames, or fewer frames come than the first
 * one says: nothing is skipped
 */
export async function* readMp3(source: SoundSource): AsyncGenerator<SoundBlock> {
  const { path } = source;
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  let [samples, expected] = [0, 0];
  let channels = 1;
  const decode = (bytes: Uint8Array): SoundBlock => {
    const { channelData, samplesDecoded, sampleRate, errors } = decoder.decode(bytes);
    const [error] = errors;
    if (error !== undefined) throw damaged(path, error.message);
    samples += samplesDecoded;
    // The decoder gives two channels of one.
    return { channels: channelData.slice(0, channels), sampleRateHz: sampleRate };
  };
  try {
    for await (const group of cutFrames(source)) {
      channels = group.channels;
      expected = group.expected;
      const block = decode(group.bytes);
      if (block.channels[0]?.length) yield block;
    }
  } finally {
    decoder.free();
  }
  if (samples < expected) throw damaged(path, `${samples} samples where its frames have ${expected}`);
}

interface FrameGroup {
  readonly bytes: Uint8Array;
  readonly channels: 1 | 2;
  /** Samples of all frames up to here that the decoder has to give. */
  readonly expected: number;
}

async function* cutFrames(source: SoundSource): AsyncGenerator<FrameGroup> {
  const { path } = source;
  const queue = new ByteQueue(readBlocks(source));
  let first: FrameHeader | undefined;
  let tag: StreamTag | undefined;
  let frames = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const group = (): FrameGroup => {
    const bytes = joinBytes(waiting, waitingBytes);
    [waiting, waitingBytes] = [[], 0];
    const { channels, samples } = first as FrameHeader;
    return { bytes, channels, expected: frames * samples - (tag?.padding ?? 0) };
  };
  while (await queue.fill(4)) {
    const header = parseHeader(queue.bytes);
    if (header === undefined || (first !== undefined && header.kind !== first.kind)) {
      await queue.fill(128);
      if (first !== undefined && isTail(queue.bytes)) break;
      throw damaged(path, `bytes that are no frame at byte ${queue.position}`);
    }
    if (!(await queue.fill(header.sizeBytes))) throw damaged(path, `a frame at byte ${queue.position} that is cut off`);
    const frame = queue.take(header.sizeBytes);
    let isTag = false;
    if (first === undefined) {
      first = header;
      checkSampleRate(header.sampleRateHz, path);
      tag = parseTag(frame, header);
      isTag = tag !== undefined;
    }
    waiting.push(frame);
    waitingBytes += frame.length;
    // The frame that carries the tag is silent and not among those that it counts.
    if (!isTag) frames++;
    if (waitingBytes >= GROUP_BYTES) yield group();
  }
  if (first === undefined) throw damaged(path, 'no frame');
  if (tag !== undefined && frames < tag.frames) {
    throw damaged(path, `${frames} frames where its first one says ${tag.frames}`);
  }
  if (waitingBytes > 0) yield group();
}

const RATES_HZ = [44_100, 48_000, 32_000];
/** Kilobits a second by number, of version 1 in layers I, II and III, and of versions 2 and 2.5 in layer I and the others. */
const BIT_RATES: Readonly<Record<string, readonly number[]>> = {
  '1.1': [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  '1.2': [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  '1.3': [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  '2.1': [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  '2.2': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  '2.3': [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};

function parseHeader(bytes: Uint8Array): FrameHeader | undefined {
  const [sync, kind, rates, mode] = bytes as unknown as readonly [number, number, number, number];
  const version = (kind >>> 3) & 3;
  const layer = 4 - ((kind >>> 1) & 3);
  if (sync !== 0xff || kind >>> 5 !== 7 || version === 1 || layer === 4) return undefined;
  const bitRate = BIT_RATES[`${version === 3 ? 1 : 2}.${layer}`]?.[rates >>> 4] ?? 0;
  const fullRateHz = RATES_HZ[(rates >>> 2) & 3];
  // 0 stands for a bit rate that is in no table: nobody writes it.
  if (bitRate === 0 || fullRateHz === undefined) return undefined;
  const sampleRateHz = fullRateHz / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  const slotBytes = layer === 1 ? 4 : 1;
  const slots = Math.floor((samples / 8 / slotBytes) * ((1000 * bitRate) / sampleRateHz)) + ((rates >>> 1) & 1);
  return {
    sizeBytes: slots * slotBytes,
    samples,
    sampleRateHz,
    channels: mode >>> 6 === 3 ? 1 : 2,
    kind: `${version}.${layer}.${sampleRateHz}`,
  };
}

/** The tag of Xing, which LAME and FFmpeg write, too; behind the frame's side information. */
function parseTag(frame: Uint8Array, { samples, channels }: FrameHeader): StreamTag | undefined {
  const isFull = samples === 1152;
  const at = 4 + (channels === 1 ? (isFull ? 17 : 9) : isFull ? 32 : 17);
  if (!/^(Xing|Info)$/.test(latin1(frame.subarray(at, at + 4)))) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const flags = view.getUint32(at + 4);
  const frames = (flags & 1) === 0 ? 0 : view.getUint32(at + 8);
  // Behind frames, bytes, 100 of contents and quality, each where its flag says so, stand nine letters of the encoder's name.
  const lame = at + 8 + [4, 4, 100, 4].reduce((sum, size, bit) => sum + ((flags >> bit) & 1) * size, 0);
  if (lame + 24 > frame.length || !/^(LAME|Lav[cf])/.test(latin1(frame.subarray(lame, lame + 4)))) {
    return { frames, padding: 0 };
  }
  const both = view.getUint32(lame + 20) & 0xffffff;
  return { frames, padding: (both >>> 12) + (both & 0xfff) };
}

function damaged(path: string, got: string): InputError {
  return damagedFile(path, 'MPEG audio', got);
}
