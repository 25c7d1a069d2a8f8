import { appendFile, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../files.js';
import { type Fingerprint, Fingerprinter, STEP_S } from '../../speech/fingerprint/fingerprint.js';
import { isSameRecording, type Likeness, likeness } from '../../speech/fingerprint/likeness.js';
import type { Audio } from '../../speech/types.js';

/** A recording that was heard before, in another form. */
export interface SimilarSound extends Likeness {
  /** By which its results are kept. */
  readonly content: string;
  /** How much later the same is said in the recording that was asked for, in seconds. */
  readonly laterS: number;
}

/** How many recordings are remembered, and where. */
export interface SimilarSoundsOptions {
  /** The oldest are forgotten. Default: 5,000, which is about 30 MB of memory and 5 MB of disk. */
  readonly maximum?: number;
  /** Folder for other processes and the next start. Default: none. */
  readonly folder?: string | undefined;
}

interface Known {
  readonly content: string;
  readonly print: Fingerprint;
}

const DEFAULT_MAXIMUM = 5000;

/** Steps that are not silent, of the shortest recording that is told from others: about half a second. */
const FEWEST_LOUD = 30;

/** Places that are compared bit by bit, of those where the most halves of words agree. */
const COMPARED = 12;

/** Halves of words are looked up: a half of 16 bits is whole far more often than 32 are. */
const HALF = 16;

const FILE = 'sounds';
const MAGIC = 0x716c6670;
const CONTENT_BYTES = 32;
const HEADER_BYTES = 16 + CONTENT_BYTES;

/**
 * Recordings that were heard, by what they sound like: finds one again in another encoding, at another volume, or with silence around
 * it. The same words said again are another recording.
 *
 * Processes share a file to which each adds what it heard, and of which each reads what others added.
 */
export class SimilarSounds {
  readonly #fingerprinter: Fingerprinter;
  readonly #maximum: number;
  readonly #path: string | undefined;
  #known: Known[] = [];
  /** For each half of a word, and which half it is: the recordings and steps where it stands, two numbers each. */
  #places = new Map<number, number[]>();
  #contents = new Set<string>();
  /** How much of which file was read. */
  #read = { file: 0, bytes: 0 };

  private constructor(fingerprinter: Fingerprinter, maximum: number, path: string | undefined) {
    this.#fingerprinter = fingerprinter;
    this.#maximum = maximum;
    this.#path = path;
  }

  /**
   * Opens what is remembered.
   *
   * @throws {UnavailableError} when the folder cannot be written
   */
  static async open({ maximum = DEFAULT_MAXIMUM, folder }: SimilarSoundsOptions = {}): Promise<SimilarSounds> {
    if (folder !== undefined) await makeFolder(folder);
    const path = folder === undefined ? undefined : join(folder, FILE);
    return new SimilarSounds(await Fingerprinter.create(), maximum, path);
  }

  /** What a recording sounds like; `null` where it is too short, or too silent, to be told from others. */
  of(audio: Audio): Fingerprint | null {
    const print = this.#fingerprinter.of(audio);
    return print.loud.reduce((sum, loud) => sum + loud, 0) < FEWEST_LOUD ? null : print;
  }

  /** Recordings that are the same in another form, the most like first. */
  async find(print: Fingerprint): Promise<readonly SimilarSound[]> {
    await this.#readOthers();
    const votes = new Map<number, number>();
    for (const [step, word] of print.words.entries()) {
      if (print.loud[step] !== 1) continue;
      for (const key of keysOf(word)) {
        const places = this.#places.get(key) ?? [];
        for (let at = 0; at < places.length; at += 2) {
          const place = placeOf(places[at] as number, (places[at + 1] as number) - step);
          votes.set(place, (votes.get(place) ?? 0) + 1);
        }
      }
    }
    const likely = [...votes].sort((a, b) => b[1] - a[1]).slice(0, COMPARED);
    const found = new Map<string, SimilarSound>();
    for (const [place] of likely) {
      const [index, shift] = recordingAt(place);
      const known = this.#known[index];
      if (known === undefined) continue;
      for (const near of [shift - 1, shift, shift + 1]) {
        const like = likeness(print, known.print, near);
        const before = found.get(known.content);
        if (!isSameRecording(like) || (before !== undefined && before.errorRate <= like.errorRate)) continue;
        const laterS = print.startS - known.print.startS - near * STEP_S;
        found.set(known.content, { ...like, content: known.content, laterS });
      }
    }
    return [...found.values()].sort((a, b) => a.errorRate - b.errorRate);
  }

  /**
   * Remembers a recording. Where the disk is full or may not be written, this process alone does.
   *
   * @param content - by which its results are kept: 64 hexadecimal digits
   */
  async add(print: Fingerprint, content: string): Promise<void> {
    if (this.#contents.has(content)) return;
    if (this.#path === undefined) {
      this.#remember({ content, print });
      return;
    }
    // One call: records of several processes stand one behind the other.
    const isWritten = await appendFile(this.#path, encode({ content, print })).then(
      () => true,
      () => false,
    );
    if (!isWritten) this.#remember({ content, print });
  }

  #remember(known: Known): void {
    if (this.#contents.has(known.content)) return;
    if (this.#known.length >= this.#maximum) {
      // Half of them at once: the places of the rest are numbered anew.
      const rest = this.#known.slice(Math.ceil(this.#maximum / 2));
      this.#known = [];
      this.#places = new Map();
      this.#contents = new Set();
      for (const one of rest) this.#index(one);
    }
    this.#index(known);
  }

  #index(known: Known): void {
    const index = this.#known.push(known) - 1;
    this.#contents.add(known.content);
    for (const [step, word] of known.print.words.entries()) {
      if (known.print.loud[step] !== 1) continue;
      for (const key of keysOf(word)) {
        const places = this.#places.get(key);
        if (places === undefined) this.#places.set(key, [index, step]);
        else places.push(index, step);
      }
    }
  }

  /** Reads what was added to the file since, by this process or others; a file that is damaged is begun anew. */
  async #readOthers(): Promise<void> {
    if (this.#path === undefined) return;
    const found = await stat(this.#path).catch(() => null);
    if (found === null) return;
    if (found.ino !== this.#read.file || found.size < this.#read.bytes) this.#read = { file: found.ino, bytes: 0 };
    if (found.size === this.#read.bytes) return;
    const bytes = await readFrom(this.#path, this.#read.bytes, found.size);
    const { records, end, damaged } = decode(bytes);
    for (const record of records) this.#remember(record);
    this.#read = { ...this.#read, bytes: this.#read.bytes + end };
    if (damaged || this.#read.bytes > 2 * this.#knownBytes()) await this.#rewrite();
  }

  /** What is remembered, in the file; others find another file, and read it from its begin. */
  async #rewrite(): Promise<void> {
    const path = this.#path as string;
    await writeFileAtomic(path, this.#known.map(encode)).catch(() => undefined);
  }

  #knownBytes(): number {
    return this.#known.reduce((sum, { print }) => sum + recordBytes(print.words.length), 0);
  }
}

/** Both halves of a word, told apart. */
function keysOf(word: number): readonly [number, number] {
  return [word >>> HALF, (word & 0xffff) | (1 << HALF)];
}

/** A recording and a shift as one number; shifts are less than two million steps. */
const SHIFTS = 2 ** 22;

function placeOf(index: number, shift: number): number {
  return index * SHIFTS + shift + SHIFTS / 2;
}

function recordingAt(place: number): readonly [index: number, shift: number] {
  return [Math.floor(place / SHIFTS), (place % SHIFTS) - SHIFTS / 2];
}

function recordBytes(steps: number): number {
  return HEADER_BYTES + 5 * steps;
}

/** A record of the file: magic, steps, start, content, words, and which of them are loud. */
function encode({ content, print }: Known): Uint8Array {
  const { words, loud, startS } = print;
  const bytes = Buffer.alloc(recordBytes(words.length));
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(words.length, 4);
  bytes.writeDoubleLE(startS, 8);
  bytes.write(content, 16, 'hex');
  for (const [step, word] of words.entries()) bytes.writeUInt32LE(word, HEADER_BYTES + 4 * step);
  bytes.set(loud, HEADER_BYTES + 4 * words.length);
  return bytes;
}

/** The whole records at the begin of some bytes. The last may be one that is being written. */
function decode(bytes: Buffer): {
  readonly records: readonly Known[];
  readonly end: number;
  readonly damaged: boolean;
} {
  const records: Known[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    if (bytes.readUInt32LE(at) !== MAGIC) return { records, end: bytes.length, damaged: true };
    const steps = bytes.readUInt32LE(at + 4);
    if (at + recordBytes(steps) > bytes.length) break;
    const first = at + HEADER_BYTES;
    const words = Uint32Array.from({ length: steps }, (_, step) => bytes.readUInt32LE(first + 4 * step));
    const loud = Uint8Array.from(bytes.subarray(first + 4 * steps, first + 5 * steps));
    const content = bytes.toString('hex', at + 16, at + HEADER_BYTES);
    records.push({ content, print: { words, loud, startS: bytes.readDoubleLE(at + 8) } });
    at += recordBytes(steps);
  }
  return { records, end: at, damaged: false };
}

async function readFrom(path: string, begin: number, end: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
