import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { InputError, QuantlabError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { isGzip, readStart } from '../audio/fileStart.js';

/** Lines that stand one behind another in a file. */
export interface LineBlock {
  /** Number of the first one, from 1. */
  readonly first: number;
  /** Without their line breaks. */
  readonly lines: readonly string[];
}

/** Bytes of the longest line that is read: no sentence and no n-gram comes near. */
const LONGEST_LINE_BYTES = 1 << 20;

const NEW_LINE = 0x0a;

/** First bytes of packed files that are not read. */
const OTHER_PACKERS: Readonly<Record<string, readonly number[]>> = {
  bzip2: [0x42, 0x5a, 0x68],
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  Zstandard: [0x28, 0xb5, 0x2f, 0xfd],
  ZIP: [0x50, 0x4b, 0x03, 0x04],
};

/**
 * Reads the lines of a text file, plain or packed by gzip (told by its first bytes, not its name), a block of the file at a
 * time. Lines end in LF or CR LF; a byte order mark at the beginning is none of the text.
 *
 * @throws {InputError} when the file is missing, is no UTF-8 (naming the line), is packed otherwise or cut
 */
export async function* readLines(path: string): AsyncGenerator<LineBlock> {
  let first = 1;
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of readText(path)) {
    const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const end = joined.lastIndexOf(NEW_LINE) + 1;
    if (end > 0) {
      const lines = decodeLines(joined.subarray(0, end - 1), path, first);
      yield { first, lines };
      first += lines.length;
    }
    rest = joined.subarray(end);
    if (rest.length > LONGEST_LINE_BYTES) {
      throw new InputError(
        `${path}:${first}: a line of at most ${LONGEST_LINE_BYTES} bytes was required, got a longer one; give a text with line breaks`,
      );
    }
  }
  if (rest.length > 0) yield { first, lines: decodeLines(rest, path, first) };
}

/** All lines of a text file: see {@link readLines}. */
export async function readAllLines(path: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { lines } of readLines(path)) for (const line of lines) all.push(line);
  return all;
}

async function* readText(path: string): AsyncGenerator<Buffer> {
  const start = await readStart(path, 8);
  for (const [name, magic] of Object.entries(OTHER_PACKERS)) {
    if (magic.every((byte, index) => start[index] === byte)) {
      throw new InputError(`${path}: a text, plain or packed by gzip, was required, got ${name}; unpack it first`);
    }
  }
  const file = createReadStream(path);
  const packed = isGzip(start);
  const plain = packed ? file.pipe(createGunzip()) : file;
  if (packed) file.on('error', (error) => plain.destroy(error));
  try {
    for await (const bytes of plain) yield bytes as Buffer;
  } catch (error) {
    if (error instanceof QuantlabError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw describeFileError(path, error);
    throw new InputError(`${path}: a whole gzip file was required, got ${message}; restore it`, { cause: error });
  } finally {
    file.destroy();
    plain.destroy();
  }
}

function decodeLines(bytes: Buffer, path: string, first: number): string[] {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: first !== 1 });
  try {
    return utf8.decode(bytes).split('\n').map(withoutReturn);
  } catch (error) {
    throw new InputError(
      `${path}:${first + firstBadLine(bytes)}: UTF-8 was required, got other bytes; convert the file`,
      { cause: error },
    );
  }
}

/** Index of the first line that is no UTF-8. */
function firstBadLine(bytes: Buffer): number {
  let from = 0;
  for (let index = 0; ; index++) {
    const end = bytes.indexOf(NEW_LINE, from);
    if (end < 0 || !isUtf8(bytes.subarray(from, end))) return index;
    from = end + 1;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
