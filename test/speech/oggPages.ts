/** An Ogg page as a test wants it. */
export interface PageParts {
  readonly packets: readonly Uint8Array[];
  readonly granule: number;
  readonly number: number;
  readonly flags?: number;
  readonly serial?: number;
}

/** Writes a page (RFC 3533, section 6) of whole packets with its checksum. */
export function writeOggPage({ packets, granule, number, flags = 0, serial = 7 }: PageParts): Buffer {
  const lacing = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255]);
  const header = Buffer.alloc(27);
  header.write('OggS', 0, 'latin1');
  header.writeUInt8(flags, 5);
  header.writeBigInt64LE(BigInt(granule), 6);
  header.writeUInt32LE(serial, 14);
  header.writeUInt32LE(number, 18);
  header.writeUInt8(lacing.length, 26);
  return sealed(Buffer.concat([header, Buffer.from(lacing), ...packets]));
}

/** The page with its checksum set anew, for one that a test has changed. */
export function sealed(page: Buffer): Buffer {
  page.writeUInt32LE(0, 22);
  let crc = 0;
  for (const byte of page) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
  }
  page.writeUInt32LE(crc >>> 0, 22);
  return page;
}

/** The pages of a file. */
export function pagesOf(file: Buffer): Buffer[] {
  const pages: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const segments = file.readUInt8(at + 26);
    const body = file.subarray(at + 27, at + 27 + segments).reduce((sum, size) => sum + size, 0);
    const end = at + 27 + segments + body;
    pages.push(Buffer.from(file.subarray(at, end)));
    at = end;
  }
  return pages;
}
