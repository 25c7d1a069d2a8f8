import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { InputError } from '../../errors.js';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Compresses the pixels of a PNG file as well as deflate can: browsers write them quickly, and a quarter larger.
 *
 * @param bytes - a PNG file
 * @returns the same picture; all other chunks as they were
 * @throws {InputError} when it is no PNG
 */
export function shrinkPng(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    throw new InputError('picture: a PNG was required, got another kind of file; draw it again');
  }
  const parts: Buffer[] = [SIGNATURE];
  const pixels: Buffer[] = [];
  for (let at = SIGNATURE.length; at + 12 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT') pixels.push(file.subarray(at + 8, end - 4));
    if (type === 'IEND') parts.push(chunk('IDAT', deflateSync(inflateSync(Buffer.concat(pixels)), { level: 9 })));
    if (type !== 'IDAT') parts.push(file.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
