import { InputError } from '../errors.js';
import { mixChannels } from './flac.js';
import { readBlocks, type SoundSource } from './source.js';
import type { Audio } from './types.js';

/** Opus decodes to this rate, whatever went in (RFC 7845, section 5.1). */
const OPUS_RATE_HZ = 48_000;

const PAGE_HEADER_BYTES = 27;
const OPUS_HEAD_BYTES = 19;
/** Flags of a page: the first of a stream, the last of it. */
const FIRST_PAGE = 2;
const LAST_PAGE = 4;

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly errors: readonly { readonly message: string }[];
}

/**
 * Reads an Ogg Opus file as it is decoded, at 48 kHz; channels are averaged.
 *
 * @throws {InputError} when the file is of another codec, truncated or damaged: nothing is skipped
 */
export async function* readOpus(source: SoundSource): AsyncGenerator<Audio> {
  const { path } = source;
  const start = await source.read(0, 300);
  // The first page holds one packet, which begins with its codec's name.
  const first = latin1(start.subarray(PAGE_HEADER_BYTES + (start[26] ?? 0)));
  if (!first.startsWith('OpusHead')) {
    const codec = first.startsWith('vorbis', 1) ? 'Vorbis' : first.startsWith('FLAC', 1) ? 'Ogg FLAC' : 'another codec';
    throw new InputError(`${path}: Opus was required in the Ogg file, got ${codec}; convert the file to WAV or FLAC`);
  }
  if (first.length < OPUS_HEAD_BYTES) throw damaged(path, 'one that ends within its header');
  const { OggOpusDecoder } = await import('ogg-opus-decoder');
  const decoder = new OggOpusDecoder();
  await decoder.ready;
  const pages = new PageChecker(path);
  const header = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const preSkip = header.getUint16(PAGE_HEADER_BYTES + (start[26] ?? 0) + 10, true);
  let samples = 0;
  const mix = async (decode: () => Decoded | Promise<Decoded>): Promise<Float32Array> => {
    let decoded: Decoded;
    try {
      decoded = await decode();
    } catch (error) {
      throw damaged(path, error instanceof Error ? error.message : String(error), error);
    }
    const [error] = decoded.errors;
    if (error !== undefined) throw damaged(path, error.message);
    // The last page says where the sound ends; the decoder hands out what its last packet holds beyond that.
    const most = pages.endPosition === undefined ? decoded.samplesDecoded : pages.endPosition - preSkip - samples;
    const mono = mixChannels(decoded.channelData, Math.max(0, Math.min(decoded.samplesDecoded, most)));
    samples += mono.length;
    return mono;
  };
  try {
    for await (const block of readBlocks(source)) {
      pages.push(block);
      const mono = await mix(() => decoder.decode(block));
      if (mono.length > 0) yield { samples: mono, sampleRateHz: OPUS_RATE_HZ };
    }
    pages.finish();
    const rest = await mix(() => decoder.flush());
    if (rest.length > 0) yield { samples: rest, sampleRateHz: OPUS_RATE_HZ };
  } finally {
    decoder.free();
  }
  if (samples === 0) throw damaged(path, 'no sample that can be decoded');
}

/** Follows Ogg's pages (RFC 3533): each whole, each with its checksum, the last one marked as the last. */
class PageChecker {
  readonly #path: string;
  #rest: Uint8Array = new Uint8Array(0);
  #pages = 0;
  /** Samples to the end of the stream, pre-skip among them, once the last page has been seen. */
  endPosition: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  push(block: Uint8Array): void {
    const bytes = new Uint8Array(this.#rest.length + block.length);
    bytes.set(this.#rest);
    bytes.set(block, this.#rest.length);
    let position = 0;
    for (;;) {
      const sizeBytes = pageSize(bytes.subarray(position));
      if (sizeBytes === undefined || position + sizeBytes > bytes.length) break;
      this.#check(bytes.subarray(position, position + sizeBytes));
      position += sizeBytes;
    }
    this.#rest = bytes.slice(position);
  }

  finish(): void {
    if (this.#rest.length > 0) throw damaged(this.#path, 'one that ends within a page');
    if (this.endPosition === undefined) throw damaged(this.#path, 'one without its last page');
  }

  #check(page: Uint8Array): void {
    if (latin1(page.subarray(0, 4)) !== 'OggS') throw damaged(this.#path, 'bytes between its pages');
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    if (checksum(page) !== view.getUint32(22, true)) throw damaged(this.#path, 'a page with a wrong checksum');
    const flags = view.getUint8(5);
    if (this.#pages > 0 && (flags & FIRST_PAGE) !== 0) throw damaged(this.#path, 'several streams in one file');
    if (view.getUint32(18, true) !== this.#pages++) throw damaged(this.#path, 'one with a page missing');
    if ((flags & LAST_PAGE) !== 0) this.endPosition = Number(view.getBigInt64(6, true));
  }
}

/** Size of the page that begins here, or undefined while its header is not complete. */
function pageSize(bytes: Uint8Array): number | undefined {
  const segments = bytes[26];
  if (segments === undefined || bytes.length < 27 + segments) return undefined;
  let sizeBytes = 27 + segments;
  for (let i = 0; i < segments; i++) sizeBytes += bytes[27 + i] ?? 0;
  return sizeBytes;
}

/** Ogg's CRC: polynomial 0x04c11db7, nothing reflected, its own field taken as zero. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : (page[i] ?? 0);
    crc = ((crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  }
  return crc;
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function damaged(path: string, got: string, cause?: unknown): InputError {
  return new InputError(`${path}: a whole Ogg Opus stream was required, got ${got}; fetch or make the file again`, {
    cause,
  });
}
