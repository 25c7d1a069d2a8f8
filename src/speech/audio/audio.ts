import { InputError } from '../../errors.js';
import type { Audio } from '../types.js';
import { checkLength, MAXIMUM_AUDIO_S, MAXIMUM_STREAMED_S } from './limits.js';
import { mixChannels } from './mixChannels.js';
import { findReader } from './recogniseFormat.js';
import { openSource, type SoundBlock } from './source.js';

/** Sound up to this length holds no frame of speech: a hundredth of a second, in seconds. */
export const MINIMUM_AUDIO_S = 0.01;

/** Lengths that are stated are rounded, and encoders pad: how far the sound may differ from them, in seconds. */
export const DURATION_TOLERANCE_S = 0.1;

/** What of a sound file is read. */
export interface ReadAudioOptions {
  /** `mix`: the average of all channels (the default); a number from 1: that channel alone. */
  readonly channel?: 'mix' | number | undefined;
  /** Where the part that is read begins, in seconds. Default: 0. */
  readonly startS?: number | undefined;
  /** How long that part is, in seconds; the file must have as much. Default: to the end. */
  readonly durationS?: number | undefined;
  /** A file with more seconds of sound is refused. Default: two hours where it is read as a whole, a day where it is read in pieces. */
  readonly maximumS?: number | undefined;
}

/**
 * Reads a sound file as mono: WAV, FLAC, MP3, Ogg (Opus, Vorbis, FLAC), WebM (Opus) or NIST SPHERE, told apart by content,
 * not by name.
 *
 * WAV may be 8-, 16-, 24- or 32-bit PCM, 32- or 64-bit float, A-law or mu-law. Channels are averaged unless one is chosen.
 * The sample rate stays that of the file (48 kHz for Opus).
 *
 * @param path - file to read
 * @param options - a part of it, one of its channels, the longest that is read
 * @returns samples in −1…1 (floats may exceed it where the file does)
 * @throws {InputError} when the file is missing, empty, truncated, damaged, of another codec, not finite, longer than
 * `maximumS`, shorter than the part asked for, or no longer than `MINIMUM_AUDIO_S`; the message names the file and the remedy
 * @example
 * const audio = await readAudio('data/speech/audio/agent-pass.flac');
 * audio.samples.length / audio.sampleRateHz; // 3.285
 */
export async function readAudio(path: string, options: ReadAudioOptions = {}): Promise<Audio> {
  const blocks: Float32Array[] = [];
  let length = 0;
  let sampleRateHz = 0;
  for await (const block of readSound(path, options, MAXIMUM_AUDIO_S)) {
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
export async function* readAudioChunks(
  path: string,
  chunkS: number = 10,
  options: ReadAudioOptions = {},
): AsyncGenerator<Audio> {
  if (!(chunkS > 0)) throw new InputError(`chunkS: a length above 0 s was required, got ${chunkS}; give one`);
  let waiting: Float32Array[] = [];
  let length = 0;
  let sampleRateHz = 0;
  for await (const block of readSound(path, options, MAXIMUM_STREAMED_S)) {
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

interface Wanted {
  readonly channel: 'mix' | number;
  readonly startS: number;
  readonly durationS: number;
  readonly maximumS: number;
}

/** Picks the reader, cuts out the part that is wanted, and checks what every format has to fulfil. */
async function* readSound(path: string, options: ReadAudioOptions, mostS: number): AsyncGenerator<Audio> {
  const { channel = 'mix', startS = 0, durationS = Number.POSITIVE_INFINITY, maximumS = mostS } = options;
  const wanted = checkOptions({ channel, startS, durationS, maximumS }, path);
  const isPart = Number.isFinite(durationS);
  const opened = await openSource(path);
  try {
    const { read, source } = await findReader(opened);
    // Of a longer recording a part may be read, with a bound on what is decoded on the way to it.
    const plan = { startS, maximumS: isPart ? Number.POSITIVE_INFINITY : maximumS };
    const mostDecodedS = Math.max(maximumS, MAXIMUM_STREAMED_S);
    let [position, decoded, samples, sampleRateHz] = [0, 0, 0, 0];
    for await (const block of read(source, plan)) {
      const length = block.channels[0]?.length ?? 0;
      if (length === 0) continue;
      sampleRateHz ||= block.sampleRateHz;
      if (block.sampleRateHz !== sampleRateHz) {
        throw new InputError(
          `${path}: one sample rate was required, got ${sampleRateHz} Hz and then ${block.sampleRateHz} Hz; convert the file to WAV`,
        );
      }
      const begin = block.start ?? position;
      const part = partOf(block, begin, wanted, path);
      position = begin + length;
      decoded += length;
      samples += part.length;
      checkLength(path, samples / sampleRateHz, maximumS);
      checkLength(path, decoded / sampleRateHz, mostDecodedS);
      if (part.length > 0) yield { samples: part, sampleRateHz };
      if (position >= endOf(wanted, sampleRateHz)) break;
    }
    checkEnd(position / sampleRateHz, samples / sampleRateHz, wanted, path);
  } finally {
    await opened.close();
  }
}

function checkOptions(wanted: Wanted, path: string): Wanted {
  const { channel, startS, durationS, maximumS } = wanted;
  if (channel !== 'mix' && !(Number.isInteger(channel) && channel >= 1)) {
    throw new InputError(`channel: mix or a whole number from 1 was required, got ${channel}; choose one`);
  }
  if (!(Number.isFinite(startS) && startS >= 0 && durationS > 0)) {
    throw new InputError(
      `${path}: a part that begins at 0 s or later and is longer than 0 s was required, got ${durationS} s from ${startS} s on; choose another`,
    );
  }
  if (!(maximumS > 0)) {
    throw new InputError(`maximumS: a number of seconds above 0 was required, got ${maximumS}; give one`);
  }
  return wanted;
}

/** Place behind the last sample that is wanted. */
function endOf({ startS, durationS }: Wanted, sampleRateHz: number): number {
  return Math.round(startS * sampleRateHz) + Math.round(durationS * sampleRateHz);
}

/** What is wanted of a block, as one channel of finite samples. */
function partOf(block: SoundBlock, begin: number, wanted: Wanted, path: string): Float32Array {
  const { channels, sampleRateHz } = block;
  const from = Math.max(0, Math.round(wanted.startS * sampleRateHz) - begin);
  const to = Math.max(from, endOf(wanted, sampleRateHz) - begin);
  const samples = mixChannels(
    channels.map((one) => one.subarray(from, to)),
    wanted.channel,
    path,
  );
  if (samples.every(Number.isFinite)) return samples;
  throw new InputError(`${path}: finite samples were required, got NaN or infinity; make the file again`);
}

function checkEnd(positionS: number, readS: number, { startS, durationS }: Wanted, path: string): void {
  const endS = Number.isFinite(durationS) ? startS + durationS : startS;
  if (endS > positionS + DURATION_TOLERANCE_S) {
    throw new InputError(
      `${path}: sound up to ${endS.toFixed(3)} s was required, got a recording of ${(positionS || 0).toFixed(3)} s; choose another part, or restore the recording`,
    );
  }
  if (!(readS > MINIMUM_AUDIO_S + 1e-9)) {
    throw new InputError(
      `${path}: more than ${MINIMUM_AUDIO_S} s of sound were required, got ${(readS || 0).toFixed(4)} s; record or cut a longer piece`,
    );
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
