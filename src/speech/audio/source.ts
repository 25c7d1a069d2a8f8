import type { FileHandle } from 'node:fs/promises';
import { InputError } from '../../errors.js';
import { describeFileError } from '../../files.js';
import { openPlainFile } from './fileStart.js';

/** Sound of one or more channels, as a reader hands it out. */
export interface SoundBlock {
  /** Samples of each channel in −1…1, equally many. */
  readonly channels: readonly Float32Array[];
  readonly sampleRateHz: number;
  /** Place of the first sample in the recording. Default: behind the block before; only a reader that can seek says it. */
  readonly start?: number;
}

/** What a reader may leave out. */
export interface ReadPlan {
  /** Sound before it is not wanted: a reader that can seek begins there, in seconds. */
  readonly startS: number;
  /** A header that states more seconds than this is refused before anything is decoded. */
  readonly maximumS: number;
}

/** Reads one format: blocks in order, without a gap, or an error. */
export type SoundReader = (source: SoundSource, plan: ReadPlan) => AsyncGenerator<SoundBlock>;

/** An open sound file, read piece by piece. */
export interface SoundSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes from a place in the file; fewer than asked for only at its end. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Bytes that are read from the disk at a time. */
export const BLOCK_BYTES: number = 1 << 18;

/**
 * Opens a sound file.
 *
 * @throws {InputError} when there is no such file, or it is empty or not a plain file
 */
export async function openSource(path: string): Promise<SoundSource> {
  const handle = await openPlainFile(path);
  try {
    const { size } = await handle.stat();
    if (size === 0) {
      throw new InputError(`${path}: a sound file was required, got an empty file; make or fetch it again`);
    }
    return new FileSource(path, size, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class FileSource implements SoundSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    // Never more than the file has, whatever its header promised.
    const wanted = Math.max(0, Math.min(length, this.sizeBytes - position));
    const bytes = new Uint8Array(wanted);
    try {
      let got = 0;
      while (got < wanted) {
        const { bytesRead } = await this.#handle.read(bytes, got, wanted - got, position + got);
        if (bytesRead === 0) return bytes.subarray(0, got);
        got += bytesRead;
      }
    } catch (error) {
      throw describeFileError(this.path, error);
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The file's bytes in order, a block at a time. */
export async function* readBlocks(source: SoundSource, start: number = 0): AsyncGenerator<Uint8Array> {
  for (let position = start; position < source.sizeBytes; position += BLOCK_BYTES) {
    yield await source.read(position, BLOCK_BYTES);
  }
}

/** Bytes as one string of Latin letters: names in headers. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** What a file that is not whole is told. */
export function damagedFile(path: string, format: string, got: string, cause?: unknown): InputError {
  return new InputError(`${path}: a whole ${format} stream was required, got ${got}; fetch or make the file again`, {
    cause,
  });
}

/** Whether bytes behind the end of a stream are known to hold no sound: zeros, or a tag of those that players write there. */
export function isTail(bytes: Uint8Array): boolean {
  return /^(TAG|APETAGEX|ID3|LYRICSBEGIN)/.test(latin1(bytes.subarray(0, 11))) || bytes.every((byte) => byte === 0);
}
