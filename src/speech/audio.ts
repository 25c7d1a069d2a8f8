import { InputError } from '../errors.js';
import { readFlac } from './flac.js';
import { readOpus } from './opus.js';
import { openSource, type SoundSource } from './source.js';
import { readSphere } from './sphere.js';
import type { Audio } from './types.js';
import { readWav } from './wav.js';

/** Sound up to this length holds no frame of speech: a hundredth of a second, in seconds. */
export const MINIMUM_AUDIO_S = 0.01;

/** The formats, by the first bytes of the file. */
const READERS: Readonly<Record<string, (source: SoundSource) => AsyncGenerator<Audio>>> = {
  RIFF: readWav,
  RIFX: readWav,
  RF64: readWav,
  fLaC: readFlac,
  OggS: readOpus,
  NIST: readSphere,
};

/**
 * Reads a sound file as mono: WAV, FLAC, Ogg Opus or NIST SPHERE, told apart by content, not by name.
 *
 * WAV may be 8-, 16-, 24- or 32-bit PCM, 32- or 64-bit float, A-law or mu-law. Channels are averaged. The sample rate
 * stays that of the file (48 kHz for Opus).
 *
 * @param path - file to read
 * @returns samples in −1…1 (floats may exceed it where the file does)
 * @throws {InputError} when the file is missing, empty, truncated, damaged, of another codec, not finite, or no longer
 * than `MINIMUM_AUDIO_S`; the message names the file and the remedy
 * @example
 * const audio = await readAudio('data/speech/audio/agent-pass.flac');
 * audio.samples.length / audio.sampleRateHz; // 3.285
 */
export async function readAudio(path: string): Promise<Audio> {
  const blocks: Float32Array[] = [];
  let length = 0;
  let sampleRateHz = 0;
  for await (const block of readSound(path)) {
    blocks.push(block.samples);
    length += block.samples.length;
    sampleRateHz = block.sampleRateHz;
  }
  return { samples: concatenate(blocks, length), sampleRateHz };
}

/**
 * Reads a sound file as {@link readAudio} does, in pieces of a given length, so that memory does not grow with the file.
 *
 * A file that is found damaged on the way throws after the pieces before the damage have been handed out.
 *
 * @param path - file to read
 * @param chunkS - length of a piece in seconds; the last may be shorter
 * @throws {InputError} as {@link readAudio} does
 */
export async function* readAudioChunks(path: string, chunkS = 10): AsyncGenerator<Audio> {
  if (!(chunkS > 0)) throw new InputError(`chunkS: a length above 0 s was required, got ${chunkS}; give one`);
  let waiting: Float32Array[] = [];
  let length = 0;
  let sampleRateHz = 0;
  for await (const block of readSound(path)) {
    sampleRateHz = block.sampleRateHz;
    const size = Math.max(1, Math.round(chunkS * sampleRateHz));
    let samples = block.samples;
    while (length + samples.length >= size) {
      waiting.push(samples.subarray(0, size - length));
      samples = samples.subarray(size - length);
      yield { samples: concatenate(waiting, size), sampleRateHz };
      waiting = [];
      length = 0;
    }
    if (samples.length > 0) waiting.push(samples);
    length += samples.length;
  }
  if (length > 0) yield { samples: concatenate(waiting, length), sampleRateHz };
}

/** Picks the reader and checks what every format has to fulfil. */
async function* readSound(path: string): AsyncGenerator<Audio> {
  const source = await openSource(path);
  try {
    const start = Buffer.from(await source.read(0, 4)).toString('latin1');
    const read = READERS[start];
    if (read === undefined) {
      throw new InputError(
        `${path}: WAV, FLAC, Ogg Opus or NIST SPHERE was required, got a file that begins with ${JSON.stringify(start)}; convert it to one of them`,
      );
    }
    let durationS = 0;
    for await (const block of read(source)) {
      if (!block.samples.every(Number.isFinite)) {
        throw new InputError(`${path}: finite samples were required, got NaN or infinity; make the file again`);
      }
      durationS += block.samples.length / block.sampleRateHz;
      yield block;
    }
    if (durationS <= MINIMUM_AUDIO_S + 1e-9) {
      throw new InputError(
        `${path}: more than ${MINIMUM_AUDIO_S} s of sound were required, got ${durationS.toFixed(4)} s; record or cut a longer piece`,
      );
    }
  } finally {
    await source.close();
  }
}

function concatenate(blocks: readonly Float32Array[], length: number): Float32Array {
  const [first] = blocks;
  if (blocks.length === 1 && first?.length === length) return first;
  const samples = new Float32Array(length);
  let at = 0;
  for (const block of blocks) {
    samples.set(block, at);
    at += block.length;
  }
  return samples;
}
