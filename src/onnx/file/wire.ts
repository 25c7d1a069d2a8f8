/**
 * The little of Protocol Buffers' wire format that is needed to leave large weights in their file:
 * tags, lengths, and where a field ends.
 */

/** A malformed or cut message; whoever reads a file turns it into an error that names the file. */
export class WireError extends Error {
  override readonly name: string = 'WireError';
}

/** Bytes at a place of a file or a buffer. */
export interface ByteSource {
  readonly length: number;
  /** The bytes from `offset` on; throws {@link WireError} beyond the end. */
  read(offset: number, length: number): Uint8Array;
}

/** A field of a message and where it lies. */
export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly type: number;
  /** Where the tag begins. */
  readonly start: number;
  /** Where the value begins (after the length, for type 2). */
  readonly value: number;
  /** Where the field ends. */
  readonly end: number;
}

/** Iterates the fields of the message that lies between two places. */
export function* wireFields(source: ByteSource, start: number, end: number): Generator<WireField> {
  let at = start;
  while (at < end) {
    const tag = readVarint(source, at, end);
    const number = Math.floor(tag.value / 8);
    const type = tag.value % 8;
    if (number === 0) throw new WireError(`field number 0 at byte ${at}`);
    let value = tag.next;
    let next: number;
    if (type === 0) {
      next = readVarint(source, value, end).next;
    } else if (type === 1) {
      next = value + 8;
    } else if (type === 2) {
      const length = readVarint(source, value, end);
      value = length.next;
      next = value + length.value;
    } else if (type === 5) {
      next = value + 4;
    } else {
      throw new WireError(`wire type ${type} at byte ${at}`);
    }
    if (next > end)
      throw new WireError(`a field of ${next - value} bytes at byte ${at}, but the message ends at ${end}`);
    yield { number, type, start: at, value, end: next };
    at = next;
  }
}

function readVarint(source: ByteSource, start: number, end: number): { value: number; next: number } {
  const bytes = source.read(start, Math.min(10, end - start));
  let value = 0;
  let scale = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: start + i + 1 };
    scale *= 128;
  }
  throw new WireError(`an unfinished number at byte ${start}`);
}

/** Bytes of a number as a varint. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Tag and length of a length-delimited field. */
export function lengthDelimited(fieldNumber: number, length: number): Uint8Array {
  const tag = varint(fieldNumber * 8 + 2);
  const size = varint(length);
  const bytes = new Uint8Array(tag.length + size.length);
  bytes.set(tag);
  bytes.set(size, tag.length);
  return bytes;
}
