import type { InputError } from '../../errors.js';
import { ByteQueue } from './byteQueue.js';
import { damagedFile, isTail } from './source.js';

/** What STREAMINFO says (RFC 9639, section 8.2). */
export interface FlacInfo {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bits: number;
  /** Samples of one channel; 0 where they are not known (a stream that was never rewound). */
  readonly samples: number;
  /** MD5 of all samples in hexadecimal digits; zeros where it is not known. */
  readonly md5: string;
}

/** Size of STREAMINFO behind its block header. */
export const STREAM_INFO_BYTES = 34;

/** One frame, whole. */
export interface FlacFrame {
  readonly samples: number;
  /** The frame; behind the last one of a stream, where bytes follow that are no frame, each place that it may end at. */
  readonly ends: readonly Uint8Array[];
}

/** Longest header of a frame. */
const HEADER_BYTES = 16;
/** STREAMINFO has 24 bits for the size of a frame. */
const MAXIMUM_FRAME_BYTES = 2 ** 24;
/** Places that the last frame may end at, where bytes follow it: by chance one in 65,536 bytes looks like an end. */
const MAXIMUM_ENDS = 64;
/** Places in the middle of a stream that are tried as the beginning of a frame: by chance one in four million bytes looks like one. */
const MAXIMUM_STARTS = 64;

interface FrameHeader {
  readonly sizeBytes: number;
  /** Number of the frame, or of its first sample where frames differ in length. */
  readonly number: number;
  readonly isSampleNumber: boolean;
  readonly samples: number;
}

/**
 * Reads STREAMINFO.
 *
 * @param bytes - 34 bytes, without the header of the block
 */
export function parseStreamInfo(bytes: Uint8Array): FlacInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // 20 bits of sample rate, 3 of channels, 5 of width, 36 of samples, from byte 10 on.
  return {
    sampleRateHz: view.getUint32(10) >>> 12,
    channels: ((view.getUint8(12) >>> 1) & 7) + 1,
    bits: (((view.getUint8(12) & 1) << 4) | (view.getUint8(13) >>> 4)) + 1,
    samples: (view.getUint8(13) & 0x0f) * 2 ** 32 + view.getUint32(14),
    md5: Buffer.from(bytes.subarray(18, 34)).toString('hex'),
  };
}

/**
 * Cuts a stream into its frames, which a decoder alone would look for wherever it finds something like one: each begins
 * where the one before ends, its checksums are right, and its number follows. Nothing is skipped; behind the last frame
 * only tags and zeros may follow, and anything where the header's number of samples is reached.
 *
 * @param blocks - the stream behind its metadata
 * @param position - place of the first block in the file
 * @throws {InputError} naming the place of a frame that is damaged or cut off
 */
export async function* cutFrames(
  blocks: AsyncIterable<Uint8Array>,
  info: FlacInfo,
  path: string,
  position: number,
): AsyncGenerator<FlacFrame> {
  const queue = new ByteQueue(blocks, position);
  let done = 0;
  await queue.fill(HEADER_BYTES);
  let header = parseHeader(queue.bytes, 0);
  // Where the header does not tell how much there is, its beginning may be missing just as well.
  if (info.samples === 0 && header !== undefined && header.number !== 0) {
    throw damaged(path, `one that begins with frame ${header.number}`);
  }
  while (header !== undefined) {
    const at = queue.position;
    const missing = info.samples === 0 ? undefined : info.samples - done;
    const frame = await findEnd(queue, header, missing);
    if (frame === undefined)
      throw damaged(path, `a frame at byte ${at} that is damaged, cut off, or not followed by the next`);
    done += header.samples;
    yield { samples: header.samples, ends: frame.ends };
    header = frame.next;
  }
  if (done !== info.samples && info.samples !== 0) {
    throw damaged(path, `${done} samples where its header says ${info.samples}`);
  }
  if (done === 0) throw damaged(path, 'no frame of sound');
}

/**
 * Samples of one channel before the last frame, by its number: what a stream holds, but for that frame. Numbers count only behind
 * frames that are whole, have right checksums, and follow each other.
 *
 * @param tail - bytes of the stream, from anywhere on to its end
 * @returns 0 where there is no such frame
 */
export async function samplesBefore(tail: Uint8Array): Promise<number> {
  let tries = 0;
  for (let at = 0; at < tail.length && tries < MAXIMUM_STARTS; at++) {
    let header = parseHeader(tail, at);
    if (header === undefined) continue;
    tries++;
    const queue = new ByteQueue(only(tail.subarray(at)));
    let samples = 0;
    while (header !== undefined) {
      const next: FrameHeader | undefined = (await findEnd(queue, header, undefined))?.next;
      if (next !== undefined) samples = next.isSampleNumber ? next.number : next.number * header.samples;
      header = next;
    }
    if (samples > 0) return samples;
  }
  return 0;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface FoundEnd {
  readonly ends: readonly Uint8Array[];
  readonly next: FrameHeader | undefined;
}

/** Finds where a frame ends: at the next frame's header, or at the end of the file. `missing`: samples to come, where that is known. */
async function findEnd(
  queue: ByteQueue,
  header: FrameHeader,
  missing: number | undefined,
): Promise<FoundEnd | undefined> {
  const isCounted = missing !== undefined;
  const isLast = isCounted && header.samples >= missing;
  const following = header.number + (header.isSampleNumber ? header.samples : 1);
  const ends: number[] = [];
  let crc = 0;
  let at = 0;
  while (at < MAXIMUM_FRAME_BYTES) {
    const isThere = await queue.fill(at + 65_536 + HEADER_BYTES);
    const { bytes } = queue;
    const limit = isThere ? bytes.length - HEADER_BYTES : bytes.length;
    for (; at < limit; ) {
      crc = ((crc << 8) & 0xffff) ^ (CRC_16[(crc >>> 8) ^ (bytes[at] as number)] as number);
      at++;
      // The checksum over a frame with its own checksum is 0.
      if (crc !== 0 || at <= header.sizeBytes) continue;
      const next = parseHeader(bytes, at);
      if (next !== undefined) {
        const follows = next.number === following && next.isSampleNumber === header.isSampleNumber;
        return follows ? { ends: [queue.take(at)], next } : undefined;
      }
      if (ends.length < MAXIMUM_ENDS) ends.push(at);
      if (isLast && ends.length === MAXIMUM_ENDS) break;
    }
    if (!isThere || (isLast && ends.length === MAXIMUM_ENDS)) break;
  }
  if (ends.length === 0) return undefined;
  const { bytes } = queue;
  // Without a number of samples a damaged frame looks like something behind the last one: only what is known may stand there.
  const possible = isCounted ? ends : ends.filter((end) => isTail(bytes.subarray(end)));
  if (possible.length === 0) return undefined;
  return { ends: possible.map((end) => bytes.subarray(0, end)), next: undefined };
}

const BLOCK_SAMPLES = [0, 192, 576, 1152, 2304, 4608, 0, 0, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

/**
 * Samples of a channel in a frame.
 *
 * @param bytes - that begin with the frame
 * @returns undefined where they do not
 */
export function samplesOfFrame(bytes: Uint8Array): number | undefined {
  return parseHeader(bytes, 0)?.samples;
}

/** A frame's header (RFC 9639, section 9.1), or undefined where none stands. */
function parseHeader(bytes: Uint8Array, at: number): FrameHeader | undefined {
  const byte = (place: number): number => bytes[at + place] ?? 0;
  if (at + 6 > bytes.length || byte(0) !== 0xff || byte(1) >>> 1 !== 0x7c) return undefined;
  const sizeCode = byte(2) >>> 4;
  const rateCode = byte(2) & 0x0f;
  if (sizeCode === 0 || rateCode === 15 || byte(3) >>> 4 > 10 || (byte(3) & 1) !== 0) return undefined;
  // As UTF-8, up to 36 bits.
  const first = byte(4);
  const more = first < 0x80 ? 0 : Math.clz32(~(first << 24)) - 1;
  if ((first >= 0x80 && more < 1) || more > 6) return undefined;
  let number = more === 0 ? first : first & (0x3f >> more);
  for (let i = 1; i <= more; i++) {
    if (byte(4 + i) >>> 6 !== 2) return undefined;
    number = number * 64 + (byte(4 + i) & 0x3f);
  }
  let place = 5 + more;
  let samples = BLOCK_SAMPLES[sizeCode] as number;
  if (sizeCode === 6) samples = byte(place++) + 1;
  if (sizeCode === 7) {
    samples = byte(place) * 256 + byte(place + 1) + 1;
    place += 2;
  }
  if (rateCode >= 12) place += rateCode === 12 ? 1 : 2;
  if (at + place + 1 > bytes.length) return undefined;
  let crc = 0;
  for (let i = 0; i < place; i++) crc = CRC_8[crc ^ byte(i)] as number;
  if (crc !== byte(place)) return undefined;
  return { sizeBytes: place + 1, number, isSampleNumber: (byte(1) & 1) === 1, samples };
}

function crcTable(width: 8 | 16, polynomial: number): Uint16Array {
  const top = 1 << (width - 1);
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << (width - 8);
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & top ? polynomial : 0);
    return crc & (2 * top - 1);
  });
}

const CRC_8 = crcTable(8, 0x07);
const CRC_16 = crcTable(16, 0x8005);

function damaged(path: string, got: string): InputError {
  return damagedFile(path, 'FLAC', got);
}
