import type { InputError } from '../../errors.js';
import { ByteQueue, joinBytes } from './byteQueue.js';
import { damagedFile, isTail, latin1 } from './source.js';

/** A page of one stream in an Ogg file (RFC 3533). */
export interface OggPage {
  /** The page with its header. */
  readonly bytes: Uint8Array;
  /** Packets that end on it. */
  readonly packets: readonly Uint8Array[];
  /** Position at the end of its last packet, in the codec's unit; `null` where no packet ends on it. */
  readonly granule: number | null;
  readonly isLast: boolean;
}

/** A stream: what the codec's name is found in, and its pages behind the first. */
export interface OggStream {
  readonly head: Uint8Array;
  readonly firstPage: OggPage;
  readonly pages: AsyncGenerator<OggPage>;
}

/** Flags of a page. */
const CONTINUED = 1;
const FIRST = 2;
const LAST = 4;

const HEADER_BYTES = 27;
/** Longest page: 255 segments of 255 bytes. */
const MAXIMUM_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255;
/** A packet of sound has some kilobytes; pictures in comments have some megabytes. */
const MAXIMUM_PACKET_BYTES = 2 ** 26;

interface RawPage {
  readonly bytes: Uint8Array;
  readonly flags: number;
  readonly granule: number;
  readonly serial: number;
  readonly number: number;
}

/**
 * The streams of sound in an Ogg file, one behind the other (a chain). Of several at the same time the first is taken whose
 * codec is known. Each stream must be consumed before the next is asked for.
 *
 * @param isSound - tells from the first packet of a stream whether its codec is known
 * @throws {InputError} when a page is damaged, missing or cut off, or a stream has no last page: nothing is skipped
 */
export async function* readOggStreams(
  blocks: AsyncIterable<Uint8Array>,
  path: string,
  isSound: (head: Uint8Array) => boolean,
): AsyncGenerator<OggStream> {
  const pages = readPages(blocks, path);
  let unknown: Uint8Array | undefined;
  let streams = 0;
  for (let page = await nextPage(pages); page !== undefined; page = await nextPage(pages)) {
    // Pages of streams that are passed over.
    if ((page.flags & FIRST) === 0) continue;
    const [head = new Uint8Array(0)] = splitPackets(page).packets;
    if (!isSound(head)) {
      unknown = head;
      continue;
    }
    streams++;
    const assembler = new Assembler(path, page);
    yield { head, firstPage: assembler.push(page), pages: pagesOf(pages, page, assembler, path) };
  }
  if (streams > 0) return;
  const name = latin1(unknown?.subarray(0, 8) ?? new Uint8Array(0)).replace(/[^ -~]/g, '');
  throw damaged(path, unknown === undefined ? 'no first page' : `no stream of Opus, Vorbis or FLAC but "${name}"`);
}

async function nextPage(pages: AsyncGenerator<RawPage>): Promise<RawPage | undefined> {
  const { value, done } = await pages.next();
  return done ? undefined : value;
}

async function* pagesOf(
  pages: AsyncGenerator<RawPage>,
  first: RawPage,
  assembler: Assembler,
  path: string,
): AsyncGenerator<OggPage> {
  let isLast = (first.flags & LAST) !== 0;
  while (!isLast) {
    const page = await nextPage(pages);
    if (page === undefined) throw damaged(path, 'one without its last page');
    if (page.serial !== first.serial) continue;
    const whole = assembler.push(page);
    isLast = whole.isLast;
    yield whole;
  }
}

/** Puts packets together that lie on several pages, and sees that no page is missing. */
class Assembler {
  readonly #path: string;
  #number: number;
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  constructor(path: string, { number }: RawPage) {
    this.#path = path;
    this.#number = number;
  }

  push(page: RawPage): OggPage {
    if (page.number !== this.#number) throw damaged(this.#path, `one with page ${this.#number} missing`);
    this.#number = (this.#number + 1) >>> 0;
    if (((page.flags & CONTINUED) !== 0) !== this.#parts.length > 0) throw damaged(this.#path, 'a packet cut in two');
    const { packets, rest } = splitPackets(page);
    const whole = [...packets];
    if (this.#parts.length > 0 && whole.length > 0) {
      const [end] = whole as [Uint8Array];
      whole[0] = joinBytes([...this.#parts, end], this.#partBytes + end.length);
      this.#parts = [];
      this.#partBytes = 0;
    }
    if (rest !== undefined) {
      this.#parts.push(rest);
      this.#partBytes += rest.length;
      if (this.#partBytes > MAXIMUM_PACKET_BYTES) throw damaged(this.#path, `a packet of ${this.#partBytes} bytes`);
    }
    const isLast = (page.flags & LAST) !== 0;
    if (isLast && this.#parts.length > 0) throw damaged(this.#path, 'one that ends within a packet');
    return { bytes: page.bytes, packets: whole, granule: page.granule < 0 ? null : page.granule, isLast };
  }
}

/** Packets that end on a page, and the beginning of one that does not. */
function splitPackets({ bytes }: RawPage): { readonly packets: readonly Uint8Array[]; readonly rest?: Uint8Array } {
  const segments = bytes[26] as number;
  const packets: Uint8Array[] = [];
  let from = HEADER_BYTES + segments;
  let to = from;
  for (let i = 0; i < segments; i++) {
    const size = bytes[HEADER_BYTES + i] as number;
    to += size;
    if (size === 255) continue;
    packets.push(bytes.subarray(from, to));
    from = to;
  }
  const isOpen = segments > 0 && bytes[HEADER_BYTES + segments - 1] === 255;
  return isOpen ? { packets, rest: bytes.subarray(from, to) } : { packets };
}

async function* readPages(blocks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<RawPage> {
  const queue = new ByteQueue(blocks);
  let isEnded = false;
  for (;;) {
    await queue.fill(MAXIMUM_PAGE_BYTES);
    const { bytes } = queue;
    if (bytes.length === 0) return;
    if (latin1(bytes.subarray(0, 4)) !== 'OggS') {
      // Behind a last page tags may stand.
      if (isEnded && isTail(bytes)) return;
      throw damaged(path, `bytes that are no page at byte ${queue.position}`);
    }
    const sizeBytes = pageSize(bytes);
    if (sizeBytes === undefined || sizeBytes > bytes.length) throw damaged(path, 'one that ends within a page');
    const page = queue.take(sizeBytes);
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    if (checksum(page) !== view.getUint32(22, true)) throw damaged(path, 'a page with a wrong checksum');
    const flags = view.getUint8(5);
    isEnded = (flags & LAST) !== 0;
    yield {
      bytes: page,
      flags,
      granule: Number(view.getBigInt64(6, true)),
      serial: view.getUint32(14, true),
      number: view.getUint32(18, true),
    };
  }
}

/** Size of the page that begins here, or undefined where its header is not complete. */
function pageSize(bytes: Uint8Array): number | undefined {
  const segments = bytes[26];
  if (segments === undefined || bytes.length < HEADER_BYTES + segments) return undefined;
  let sizeBytes = HEADER_BYTES + segments;
  for (let i = 0; i < segments; i++) sizeBytes += bytes[HEADER_BYTES + i] as number;
  return sizeBytes;
}

/** Ogg's CRC: polynomial 0x04c11db7, nothing reflected, its own field taken as zero. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : (page[i] as number);
    crc = ((crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] as number)) >>> 0;
  }
  return crc;
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

function damaged(path: string, got: string): InputError {
  return damagedFile(path, 'Ogg', got);
}
