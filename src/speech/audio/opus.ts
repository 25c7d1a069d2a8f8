import type { InputError } from '../../errors.js';
import { damagedFile, latin1 } from './source.js';

/** Opus decodes to this rate, whatever went in (RFC 7845, section 5.1). */
export const OPUS_RATE_HZ = 48_000;

/** What the header of an Opus stream says (RFC 7845, section 5.1). */
export interface OpusHead {
  readonly channels: number;
  /** Samples at the beginning that only bring the decoder into its state. */
  readonly preSkip: number;
  /** Factor that the decoded samples are to be multiplied with. */
  readonly gain: number;
  /** Streams that the packets hold, how many of them are stereo, and which channel comes from where. */
  readonly streams: number;
  readonly coupledStreams: number;
  readonly mapping: readonly number[];
}

/**
 * Reads the header of an Opus stream.
 *
 * @throws {InputError} when it is cut off or of a kind that nobody defined
 */
export function parseOpusHead(bytes: Uint8Array, path: string): OpusHead {
  if (bytes.length < 19 || !isOpusHead(bytes)) throw damaged(path, 'one that ends within its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = view.getUint8(9);
  const family = view.getUint8(18);
  const head = { channels, preSkip: view.getUint16(10, true), gain: 10 ** (view.getInt16(16, true) / (20 * 256)) };
  // The upper half of the version's byte is the major version.
  if (view.getUint8(8) >>> 4 !== 0) throw damaged(path, `version ${view.getUint8(8)} of the header`);
  if (family === 0) {
    if (channels !== 1 && channels !== 2) throw damaged(path, `${channels} channels in mapping family 0`);
    return { ...head, streams: 1, coupledStreams: channels - 1, mapping: channels === 1 ? [0] : [0, 1] };
  }
  // Family 3 has a matrix instead of a table.
  if (family === 3 || channels === 0 || bytes.length < 21 + channels) {
    throw damaged(path, `${channels} channels in mapping family ${family}`);
  }
  const [streams, coupledStreams] = [view.getUint8(19), view.getUint8(20)];
  const mapping = [...bytes.subarray(21, 21 + channels)];
  const isPossible = mapping.every((index) => index < streams + coupledStreams || index === 255);
  if (streams < 1 || coupledStreams > streams || !isPossible)
    throw damaged(path, 'a mapping of channels that cannot be');
  return { ...head, streams, coupledStreams, mapping };
}

/** Whether a packet is the header of an Opus stream. */
export function isOpusHead(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 8)) === 'OpusHead';
}

/** Decodes the packets of one stream, its gain applied; the pre-skip is left to who knows where the sound ends. */
export interface OpusPackets {
  /** @throws {InputError} when a packet cannot be decoded */
  decode(packets: readonly Uint8Array[]): readonly Float32Array[];
  free(): void;
}

/** Makes a decoder of packets. */
export async function openOpus(head: OpusHead, path: string): Promise<OpusPackets> {
  const { OpusDecoder } = await import('opus-decoder');
  const decoder = new OpusDecoder({
    channels: head.channels,
    streamCount: head.streams,
    coupledStreamCount: head.coupledStreams,
    channelMappingTable: [...head.mapping],
  });
  await decoder.ready;
  return {
    decode: (packets) => {
      const { channelData, samplesDecoded, errors } = decode(() => decoder.decodeFrames([...packets]), path);
      const [error] = errors;
      if (error !== undefined) throw damaged(path, error.message);
      const channels = channelData.map((channel) => channel.subarray(0, samplesDecoded));
      if (head.gain !== 1) {
        for (const channel of channels) {
          for (let i = 0; i < channel.length; i++) channel[i] = (channel[i] as number) * head.gain;
        }
      }
      return channels;
    },
    free: () => decoder.free(),
  };
}

function decode<T>(run: () => T, path: string): T {
  try {
    return run();
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
}

function damaged(path: string, got: string, cause?: unknown): InputError {
  return damagedFile(path, 'Opus', got, cause);
}
