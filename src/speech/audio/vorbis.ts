import type { InputError } from '../../errors.js';
import type { OggStream } from './ogg.js';
import { damagedFile, latin1, type SoundBlock } from './source.js';

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

/** Whether a packet is the identification header of Vorbis I (section 4.2.2). */
export function isVorbisHead(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 7)) === '\x01vorbis' && bytes.length >= 30;
}

/**
 * Decodes one stream of Ogg Vorbis, whose pages have been checked.
 *
 * @throws {InputError} when it cannot be decoded, or gives fewer samples than its last page says
 */
export async function* decodeVorbis({ head, firstPage, pages }: OggStream, path: string): AsyncGenerator<SoundBlock> {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const sampleRateHz = view.getUint32(12, true);
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  let samples = 0;
  let end = 0;
  const decode = async (run: () => Promise<Decoded>): Promise<SoundBlock> => {
    let decoded: Decoded;
    try {
      decoded = await run();
    } catch (error) {
      throw damaged(path, error instanceof Error ? error.message : String(error), error);
    }
    const [error] = decoded.errors;
    if (error !== undefined) throw damaged(path, error.message);
    // The last page says where the sound ends.
    const length = Math.min(decoded.samplesDecoded, end === 0 ? Number.POSITIVE_INFINITY : Math.max(0, end - samples));
    samples += length;
    return { channels: decoded.channelData.map((channel) => channel.subarray(0, length)), sampleRateHz };
  };
  try {
    yield await decode(() => decoder.decode(firstPage.bytes));
    for await (const page of pages) {
      if (page.isLast) end = page.granule ?? 0;
      yield await decode(() => decoder.decode(page.bytes));
    }
    yield await decode(() => decoder.flush());
  } finally {
    decoder.free();
  }
  if (samples === 0) throw damaged(path, 'no sample that can be decoded');
  if (samples < end) throw damaged(path, `${samples} samples where its last page says ${end}`);
}

function damaged(path: string, got: string, cause?: unknown): InputError {
  return damagedFile(path, 'Ogg Vorbis', got, cause);
}
