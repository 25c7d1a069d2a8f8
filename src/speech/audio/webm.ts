import { InputError } from '../../errors.js';
import { ByteQueue } from './byteQueue.js';
import { OPUS_RATE_HZ, type OpusPackets, openOpus, parseOpusHead } from './opus.js';
import { damagedFile, latin1, readBlocks, type SoundBlock, type SoundSource } from './source.js';

/** Elements of Matroska (RFC 9559) that are looked at. */
const ID = {
  segment: 0x18538067,
  cluster: 0x1f43b675,
  info: 0x1549a966,
  duration: 0x4489,
  timestampScale: 0x2ad7b1,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  contentEncodings: 0x6d80,
  blockGroup: 0xa0,
  block: 0xa1,
  simpleBlock: 0xa3,
  discardPadding: 0x75a2,
} as const;

/** Elements whose content is walked through; their own sizes may be unknown while they are written. */
const ENTERED: ReadonlySet<number> = new Set([ID.segment, ID.cluster, ID.info, ID.tracks, ID.blockGroup]);

/** A packet of sound has some kilobytes. */
const MAXIMUM_ELEMENT_BYTES = 2 ** 24;
const SKIP_BYTES = 2 ** 18;
const NS_PER_S = 1e9;
/** Sound may be shorter than the stated duration by so much, in seconds: it is rounded, and tells of the last packet. */
const TOLERANCE_S = 0.1;

interface Element {
  readonly id: number;
  /** `null` where it is not known. */
  readonly sizeBytes: number | null;
}

interface Track {
  readonly number: number;
  readonly codecPrivate: Uint8Array;
}

/**
 * Reads the first track of Opus in a WebM or Matroska file as it is decoded, at 48 kHz.
 *
 * @throws {InputError} when there is none, or the file is truncated or damaged
 */
export async function* readWebm(source: SoundSource): AsyncGenerator<SoundBlock> {
  const { path } = source;
  const queue = new ByteQueue(readBlocks(source));
  let track: Track | undefined;
  let decoder: OpusPackets | undefined;
  let skip = 0;
  let [samples, duration, timestampScale] = [0, 0, 1_000_000];
  /** Kept until the next, as what is to be cut off it stands behind it. */
  let waiting: readonly Float32Array[] | undefined;
  const codecs: string[] = [];
  const release = (cutNs: number): SoundBlock | undefined => {
    const channels = waiting;
    waiting = undefined;
    const length = channels?.[0]?.length ?? 0;
    const from = Math.min(skip, length);
    skip -= from;
    const end = Math.max(from, length - Math.round((cutNs / NS_PER_S) * OPUS_RATE_HZ));
    samples += end - from;
    if (channels === undefined || end === from) return undefined;
    return { channels: channels.map((one) => one.subarray(from, end)), sampleRateHz: OPUS_RATE_HZ };
  };
  try {
    for (
      let element = await nextElement(queue, path);
      element !== undefined;
      element = await nextElement(queue, path)
    ) {
      const { id, sizeBytes } = element;
      if (ENTERED.has(id)) {
        if (id === ID.segment && sizeBytes !== null && queue.position + sizeBytes > source.sizeBytes) {
          throw damaged(path, `${source.sizeBytes} bytes of ${queue.position + sizeBytes}`);
        }
        continue;
      }
      if (id === ID.trackEntry) {
        const entry = parseTrack(await contentOf(queue, element, path), path);
        codecs.push(entry.codec);
        if (track === undefined && entry.codec === 'A_OPUS') track = entry;
      } else if (id === ID.duration) duration = floatOf(await contentOf(queue, element, path));
      else if (id === ID.timestampScale) timestampScale = unsignedOf(await contentOf(queue, element, path));
      else if (id === ID.simpleBlock || id === ID.block) {
        if (track === undefined) break;
        const block = parseBlock(await contentOf(queue, element, path), path);
        if (block.track !== track.number) continue;
        const before = release(0);
        if (before !== undefined) yield before;
        if (decoder === undefined) {
          const head = parseOpusHead(track.codecPrivate, path);
          // CodecDelay should say the same; FFmpeg writes it in another unit where it resampled.
          skip = head.preSkip;
          decoder = await openOpus(head, path);
        }
        waiting = decoder.decode(block.frames);
      } else if (id === ID.discardPadding) {
        const last = release(signedOf(await contentOf(queue, element, path)));
        if (last !== undefined) yield last;
      } else await skipOver(queue, element, path);
    }
    const rest = release(0);
    if (rest !== undefined) yield rest;
  } finally {
    decoder?.free();
  }
  if (track === undefined) {
    throw new InputError(
      `${path}: a track of Opus was required in the WebM file, got ${codecs.join(', ') || 'none'}; convert it: ffmpeg -i IN OUT.flac`,
    );
  }
  if (samples === 0) throw damaged(path, 'no sample that can be decoded');
  const [soundS, statedS] = [samples / OPUS_RATE_HZ, (duration * timestampScale) / NS_PER_S];
  // Of several tracks the longest gives the duration.
  if (codecs.length === 1 && soundS < statedS - TOLERANCE_S) {
    throw damaged(path, `${soundS.toFixed(3)} s of sound where its header says ${statedS.toFixed(3)}`);
  }
}

/** The head of the next element, or undefined at the end of the file. */
async function nextElement(queue: ByteQueue, path: string): Promise<Element | undefined> {
  const at = queue.position;
  await queue.fill(12);
  if (queue.bytes.length === 0) return undefined;
  const idBytes = lengthOf(queue.bytes[0]);
  const sizeLength = lengthOf(queue.bytes[idBytes]);
  if (idBytes > 4 || sizeLength > 8 || queue.bytes.length < idBytes + sizeLength) {
    throw damaged(path, `bytes that are no element at byte ${at}`);
  }
  const id = unsignedOf(queue.take(idBytes));
  return { id, sizeBytes: sizeOf(queue.take(sizeLength)) };
}

/** Bytes of a number whose first one begins with as many zeros, and one (RFC 8794, section 4). */
function lengthOf(first: number | undefined): number {
  return first === undefined ? Number.POSITIVE_INFINITY : Math.clz32(first) - 23;
}

/** Ones alone stand for a size that is not known. */
function sizeOf(bytes: Uint8Array): number | null {
  const rest = [(bytes[0] as number) & (0xff >> bytes.length), ...bytes.subarray(1)];
  const isUnknown = rest.every((byte, index) => byte === (index === 0 ? 0xff >> bytes.length : 0xff));
  return isUnknown ? null : rest.reduce((sum, byte) => sum * 256 + byte, 0);
}

async function contentOf(queue: ByteQueue, { sizeBytes }: Element, path: string): Promise<Uint8Array> {
  if (sizeBytes === null || sizeBytes > MAXIMUM_ELEMENT_BYTES) throw damaged(path, `an element of ${sizeBytes} bytes`);
  if (!(await queue.fill(sizeBytes))) throw damaged(path, 'one that ends within an element');
  return queue.take(sizeBytes);
}

async function skipOver(queue: ByteQueue, { sizeBytes }: Element, path: string): Promise<void> {
  if (sizeBytes === null) throw damaged(path, 'an element of no known size');
  for (let left = sizeBytes; left > 0; ) {
    const step = Math.min(left, SKIP_BYTES);
    if (!(await queue.fill(step))) throw damaged(path, 'one that ends within an element');
    queue.take(step);
    left -= step;
  }
}

function parseTrack(bytes: Uint8Array, path: string): Track & { readonly codec: string } {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const idBytes = lengthOf(bytes[at]);
    const sizeLength = lengthOf(bytes[at + idBytes]);
    const start = at + idBytes + sizeLength;
    if (idBytes > 4 || sizeLength > 8 || start > bytes.length) throw damaged(path, 'a track that is no element');
    const sizeBytes = sizeOf(bytes.subarray(at + idBytes, start)) ?? 0;
    found.set(unsignedOf(bytes.subarray(at, at + idBytes)), bytes.subarray(start, start + sizeBytes));
    at = start + sizeBytes;
  }
  const codec = latin1(found.get(ID.codecId) ?? new Uint8Array(0)).replace(/\0+$/, '');
  return {
    number: unsignedOf(found.get(ID.trackNumber) ?? new Uint8Array(0)),
    codecPrivate: found.get(ID.codecPrivate) ?? new Uint8Array(0),
    // Compressed or encrypted blocks.
    codec: found.has(ID.contentEncodings) ? `${codec} (encoded)` : codec,
  };
}

/** A block's frames (RFC 9559, section 10): one, or several in a lace. */
function parseBlock(
  bytes: Uint8Array,
  path: string,
): { readonly track: number; readonly frames: readonly Uint8Array[] } {
  const trackBytes = lengthOf(bytes[0]);
  const track = trackBytes > 8 ? null : sizeOf(bytes.subarray(0, trackBytes));
  let at = trackBytes + 3;
  if (track === null || at > bytes.length) throw damaged(path, 'a block without its head');
  const lacing = ((bytes[at - 1] as number) >>> 1) & 3;
  if (lacing === 0) return { track, frames: [bytes.subarray(at)] };
  const count = (bytes[at++] ?? 0) + 1;
  const sizes: number[] = [];
  while (sizes.length < count - 1 && lacing !== 2) {
    if (at >= bytes.length) throw damaged(path, 'a block that is cut off');
    if (lacing === 1) {
      let size = 0;
      let byte = 255;
      while (byte === 255) size += byte = bytes[at++] ?? 0;
      sizes.push(size);
    } else {
      const width = Math.min(8, lengthOf(bytes[at]));
      const value = sizeOf(bytes.subarray(at, at + width)) ?? 0;
      // The first as it is, the others as differences around half of what fits.
      sizes.push(sizes.length === 0 ? value : (sizes.at(-1) as number) + value - (2 ** (7 * width - 1) - 1));
      at += width;
    }
  }
  const rest = bytes.length - at - sizes.reduce((sum, size) => sum + size, 0);
  if (lacing === 2) sizes.push(...Array<number>(count - 1).fill(rest / count));
  sizes.push(lacing === 2 ? rest / count : rest);
  if (sizes.some((size) => !(Number.isInteger(size) && size >= 0))) throw damaged(path, 'a block that is cut off');
  const frames = sizes.map((size) => {
    at += size;
    return bytes.subarray(at - size, at);
  });
  return { track, frames };
}

function unsignedOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

function signedOf(bytes: Uint8Array): number {
  const value = unsignedOf(bytes);
  return (bytes[0] ?? 0) >= 0x80 ? value - 256 ** bytes.length : value;
}

function floatOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length === 4 ? view.getFloat32(0) : bytes.length === 8 ? view.getFloat64(0) : 0;
}

function damaged(path: string, got: string): InputError {
  return damagedFile(path, 'WebM', got);
}
