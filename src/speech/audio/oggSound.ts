import { decodeFlac } from './flac.js';
import { type FlacFrame, parseStreamInfo, STREAM_INFO_BYTES, samplesOfFrame } from './flacFrames.js';
import { type OggPage, type OggStream, readOggStreams } from './ogg.js';
import { isOpusHead, OPUS_RATE_HZ, openOpus, parseOpusHead } from './opus.js';
import { damagedFile, latin1, type ReadPlan, readBlocks, type SoundBlock, type SoundSource } from './source.js';
import { decodeVorbis, isVorbisHead } from './vorbis.js';

/** Behind `0x7f FLAC`, two bytes of version, two that count headers, `fLaC` and the header of a block (RFC 9639, section 10.1). */
const OGG_FLAC_INFO = 17;

/**
 * Reads an Ogg file of Opus (at 48 kHz), Vorbis or FLAC as it is decoded; streams that follow each other are read one behind
 * the other.
 *
 * @throws {InputError} when the file is of another codec, truncated or damaged: nothing is skipped
 */
export async function* readOgg(source: SoundSource, plan: ReadPlan): AsyncGenerator<SoundBlock> {
  const { path } = source;
  const isSound = (head: Uint8Array): boolean => isOpusHead(head) || isVorbisHead(head) || isFlacHead(head);
  for await (const stream of readOggStreams(readBlocks(source), path, isSound)) {
    if (isOpusHead(stream.head)) yield* decodeOggOpus(stream, path);
    else if (isVorbisHead(stream.head)) yield* decodeVorbis(stream, path);
    else yield* decodeOggFlac(stream, path, plan);
  }
}

function isFlacHead(head: Uint8Array): boolean {
  return latin1(head.subarray(0, 5)) === '\x7fFLAC' && head.length >= OGG_FLAC_INFO + STREAM_INFO_BYTES;
}

async function* decodeOggFlac({ head, pages }: OggStream, path: string, plan: ReadPlan): AsyncGenerator<SoundBlock> {
  const info = parseStreamInfo(head.subarray(OGG_FLAC_INFO, OGG_FLAC_INFO + STREAM_INFO_BYTES));
  let done = 0;
  let end = 0;
  async function* frames(): AsyncGenerator<FlacFrame> {
    for await (const { packets, granule } of pages) {
      end = granule ?? end;
      for (const packet of packets) {
        // FFmpeg ends a stream with a packet of nothing.
        if (packet.length === 0) continue;
        const samples = samplesOfFrame(packet);
        // Packets of metadata come first and begin with the number of their kind.
        if (samples === undefined && done === 0 && packet[0] !== 0xff) continue;
        if (samples === undefined) throw damagedFile(path, 'Ogg FLAC', 'a packet that is no frame');
        done += samples;
        yield { samples, ends: [packet] };
      }
    }
  }
  yield* decodeFlac(frames(), info, path, plan);
  if (done === 0) throw damagedFile(path, 'Ogg FLAC', 'no frame of sound');
  // Of a chain that was written as it came the header does not tell how much there is.
  if (done !== end || (info.samples !== 0 && done !== info.samples)) {
    throw damagedFile(path, 'Ogg FLAC', `${done} samples where its header says ${info.samples || end}`);
  }
}

async function* decodeOggOpus({ head, pages }: OggStream, path: string): AsyncGenerator<SoundBlock> {
  const opus = parseOpusHead(head, path);
  const decoder = await openOpus(opus, path);
  /** Samples that were decoded, the pre-skip among them. */
  let decoded = 0;
  /** Position of the first sample: above 0 where the stream was joined while it was sent. */
  let first: number | undefined;
  let skip = opus.preSkip;
  let handedOut = 0;
  // One page behind, as the last page may say that the sound ends before its own packets begin.
  let waiting: readonly Float32Array[] = [];
  const cut = (channels: readonly Float32Array[], end: number): SoundBlock | undefined => {
    const length = channels[0]?.length ?? 0;
    const from = Math.min(skip, length);
    skip -= from;
    if (end <= from) return undefined;
    handedOut += end - from;
    return { channels: channels.map((channel) => channel.subarray(from, end)), sampleRateHz: OPUS_RATE_HZ };
  };
  try {
    let isTagged = false;
    for await (const page of pages) {
      const packets = isTagged ? page.packets : page.packets.slice(1);
      isTagged ||= page.packets.length > 0;
      const channels = packets.length === 0 ? [] : decoder.decode(packets);
      const length = channels[0]?.length ?? 0;
      const before = waiting[0]?.length ?? 0;
      decoded += length;
      if (length > 0) first ??= page.isLast ? 0 : Math.max(0, (page.granule ?? 0) - decoded);
      const surplus = page.isLast ? decoded - endOfSound(page, first ?? 0, decoded, path) : 0;
      if (surplus > length + before) throw damagedFile(path, 'Opus', 'a last page that ends before the page before it');
      const block = cut(waiting, before - Math.max(0, surplus - length));
      if (block !== undefined) yield block;
      waiting = page.isLast ? [] : channels;
      const rest = page.isLast ? cut(channels, Math.max(0, length - surplus)) : undefined;
      if (rest !== undefined) yield rest;
    }
  } finally {
    decoder.free();
  }
  if (handedOut === 0) throw damagedFile(path, 'Opus', 'no sample that can be decoded');
}

/** Where the sound ends by the last page, in samples from the first one decoded (RFC 7845, section 4.4). */
function endOfSound({ granule }: OggPage, first: number, decoded: number, path: string): number {
  const end = granule === null ? decoded : granule - first;
  if (end <= decoded) return end;
  throw damagedFile(path, 'Opus', `${decoded} samples where its last page says ${end}`);
}
