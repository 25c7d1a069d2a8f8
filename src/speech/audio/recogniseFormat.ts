import { InputError } from '../../errors.js';
import { readFlac } from './flac.js';
import { readMp3 } from './mp3.js';
import { readOgg } from './oggSound.js';
import { latin1, type SoundReader, type SoundSource } from './source.js';
import { readSphere } from './sphere.js';
import { readWav } from './wav.js';
import { readWebm } from './webm.js';

/** The formats, by the first bytes of the file. */
const READERS: readonly (readonly [start: RegExp, SoundReader])[] = [
  [/^(RIFF|RIFX|RF64|BW64)/, readWav],
  [/^fLaC/, readFlac],
  [/^OggS/, readOgg],
  [/^NIST_1A/, readSphere],
  [/^.E\xdf\xa3/s, readWebm],
  // A sync word of MPEG audio whose layer is not 0, which is AAC's.
  [/^\xff[\xe2-\xef\xf2-\xf7\xfa-\xff]/, readMp3],
];

/**
 * Formats that are known and not read. Of the decoders of AAC on npm, `aac` and `libav.js` are under the LGPL, `@audio/decode-aac` (which
 * `audio-decode` brings) under the GPL, `mediabunny` under the MPL, and `node-av` has an install script.
 */
const REFUSED: readonly (readonly [start: RegExp, name: string])[] = [
  [/^....ftyp/s, 'MP4 (AAC or another codec)'],
  [/^\xff[\xf0\xf1\xf8\xf9]/, 'AAC'],
  [/^FORM....AIF[FC]/s, 'AIFF'],
  [/^caff/, 'Core Audio'],
  [/^#!AMR/, 'AMR'],
  [/^0&\xb2u/, 'Windows Media'],
  [/^\.snd/, 'AU'],
];

/** Bytes that tell a format. */
const MAGIC_BYTES = 12;

/**
 * Finds who reads a file, by its content; a tag before the sound (ID3v2) is stepped over.
 *
 * @returns the reader, and the file from where the sound begins
 * @throws {InputError} when it is of another format
 */
export async function findReader(
  source: SoundSource,
): Promise<{ readonly read: SoundReader; readonly source: SoundSource }> {
  const sound = await withoutTag(source);
  const start = latin1(await sound.read(0, MAGIC_BYTES));
  const read = READERS.find(([magic]) => magic.test(start))?.[1];
  if (read !== undefined) return { read, source: sound };
  const refused = REFUSED.find(([magic]) => magic.test(start))?.[1];
  throw new InputError(
    `${source.path}: ${FORMATS} was required, got ${refused ?? `a file that begins with ${JSON.stringify(start.slice(0, 4))}`}; convert it: ffmpeg -i IN OUT.flac`,
  );
}

const FORMATS = 'WAV, FLAC, MP3, Ogg (Opus, Vorbis, FLAC), WebM (Opus) or NIST SPHERE';

/** The file behind its ID3v2 tags, which some programs write before any format. */
async function withoutTag(source: SoundSource): Promise<SoundSource> {
  let start = 0;
  for (;;) {
    const header = await source.read(start, 10);
    if (header.length < 10 || latin1(header.subarray(0, 3)) !== 'ID3') break;
    // Four times seven bits; a footer repeats the header.
    const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((header[at] as number) & 0x7f), 0);
    start += 10 + size + (((header[5] as number) & 0x10) === 0 ? 0 : 10);
  }
  if (start === 0) return source;
  return {
    path: source.path,
    sizeBytes: Math.max(0, source.sizeBytes - start),
    read: async (position, length) => await source.read(start + position, length),
    close: async () => await source.close(),
  };
}
