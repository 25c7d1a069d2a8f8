import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { describeFileError } from '../files.js';
import { bytesOfFrame, decodePcm, type PcmFormat } from './pcm.js';
import type { Audio } from './types.js';

/** An open sound file, read piece by piece. */
export interface SoundSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes from a place in the file; fewer than asked for only at its end. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Bytes that are read from the disk and decoded at a time. */
const BLOCK_BYTES = 1 << 18;

/**
 * Opens a sound file.
 *
 * @throws {InputError} when there is no such file, or it is empty or not a plain file
 */
export async function openSource(path: string): Promise<SoundSource> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    throw describeFileError(path, error);
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new InputError(`${path}: a sound file was required, got a folder; name a file in it`);
    if (!stat.isFile()) {
      throw new InputError(`${path}: a sound file was required, got a device or pipe; save the sound to a file first`);
    }
    if (stat.size === 0) {
      throw new InputError(`${path}: a sound file was required, got an empty file; make or fetch it again`);
    }
    return new FileSource(path, stat.size, handle);
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
export async function* readBlocks(source: SoundSource): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < source.sizeBytes; position += BLOCK_BYTES) {
    yield await source.read(position, BLOCK_BYTES);
  }
}

/**
 * Decodes raw samples that lie in one piece of a file.
 *
 * @param start - place of the first sample in the file
 * @param sizeBytes - size of all samples; an incomplete last frame is left out
 * @throws {InputError} when the file is shorter than its header says, or holds no sample
 */
export async function* readPcm(
  source: SoundSource,
  format: PcmFormat,
  start: number,
  sizeBytes: number,
): AsyncGenerator<Audio> {
  const present = Math.max(0, source.sizeBytes - start);
  if (sizeBytes > present) {
    throw new InputError(
      `${source.path}: ${sizeBytes} bytes of samples were required by the header, got ${present}; the file is truncated, fetch or make it again`,
    );
  }
  const frameBytes = bytesOfFrame(format);
  const end = start + Math.floor(sizeBytes / frameBytes) * frameBytes;
  if (end === start) {
    throw new InputError(`${source.path}: samples were required, got none; record or fetch the file again`);
  }
  const block = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes)) * frameBytes;
  for (let position = start; position < end; position += block) {
    const bytes = await source.read(position, Math.min(block, end - position));
    yield { samples: decodePcm(bytes, format), sampleRateHz: format.sampleRateHz };
  }
}
