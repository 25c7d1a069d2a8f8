import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { shrinkPng } from '../../../src/report/figures/pngSize.js';

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  readonly check: number;
}

function chunksOf(bytes: Uint8Array): readonly Chunk[] {
  const file = Buffer.from(bytes);
  const chunks: Chunk[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const end = at + 8 + file.readUInt32BE(at);
    chunks.push({
      type: file.toString('latin1', at + 4, at + 8),
      data: file.subarray(at + 8, end),
      check: file.readUInt32BE(end),
    });
  }
  return chunks;
}

function pixelsOf(chunks: readonly Chunk[]): Buffer {
  return inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
}

/** A picture as a browser writes it: little compressed, in several chunks. */
function asBrowsersWrite(bytes: Uint8Array): Buffer {
  const [pixels, size] = [deflateSync(pixelsOf(chunksOf(bytes)), { level: 1 }), 10_000];
  const parts: Buffer[] = [Buffer.from(bytes.subarray(0, 8))];
  const put = (type: string, data: Buffer): void => {
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    parts.push(length, body, check);
  };
  for (const { type, data } of chunksOf(bytes)) {
    if (type === 'IEND') {
      for (let at = 0; at < pixels.length; at += size) put('IDAT', pixels.subarray(at, at + size));
    }
    if (type !== 'IDAT') put(type, data);
  }
  return Buffer.concat(parts);
}

describe('shrinkPng', () => {
  const drawn = readFileSync(fileURLToPath(new URL('../../../figures/04-memory.png', import.meta.url)));

  it('makes a file smaller, and changes no pixel', () => {
    const before = asBrowsersWrite(drawn);
    const after = shrinkPng(before);
    expect(after.length).toBeLessThan(before.length);
    expect(pixelsOf(chunksOf(after)).equals(pixelsOf(chunksOf(before)))).toBe(true);
    const others = (bytes: Uint8Array): readonly Chunk[] => chunksOf(bytes).filter(({ type }) => type !== 'IDAT');
    expect(others(after)).toEqual(others(before));
    for (const { type, data, check } of chunksOf(after)) {
      expect(crc32(Buffer.concat([Buffer.from(type, 'latin1'), data]))).toBe(check);
    }
  });

  it('leaves alone what is small already', () => {
    expect(Buffer.from(shrinkPng(shrinkPng(drawn))).equals(Buffer.from(shrinkPng(drawn)))).toBe(true);
  });

  it('refuses other files', () => {
    expect(() => shrinkPng(Buffer.from('<svg/>'))).toThrow('a PNG was required');
  });
});
