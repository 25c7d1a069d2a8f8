import { InputError } from '../../errors.js';
import { ownValue } from '../../ownValue.js';
import { bytesOfFrame, checkPcmFormat, type PcmFormat, readPcm } from './pcm.js';
import { latin1, type ReadPlan, type SoundBlock, type SoundSource } from './source.js';

const MAXIMUM_HEADER_BYTES = 1 << 20;

/**
 * Reads a NIST SPHERE file of plain samples: 16-, 24- or 32-bit PCM in either byte order, A-law or mu-law.
 *
 * Sound packed with `shorten`, `wavpack` or `shortpack` is refused; `sph2pipe` or FFmpeg unpacks it.
 *
 * @throws {InputError} when the header is broken, the file is truncated or empty, or the sound is packed
 * @see https://www.nist.gov/itl/iad/mig/tools
 */
export async function* readSphere(source: SoundSource, { startS }: ReadPlan): AsyncGenerator<SoundBlock> {
  const { fields, headerBytes } = await readHeader(source);
  const { path } = source;
  const coding = (fields.get('sample_coding') ?? 'pcm').toLowerCase();
  const encoding = ownValue(ENCODINGS, coding);
  if (encoding === undefined) {
    throw new InputError(
      `${path}: plain PCM, A-law or mu-law sound was required, got SPHERE of "${coding}"; unpack it with \`sph2pipe -p -f wav IN OUT.wav\` or \`ffmpeg -i IN OUT.wav\``,
    );
  }
  const bytesPerSample = numberField(fields, 'sample_n_bytes', path, encoding === 'integer' ? 2 : 1);
  const order = fields.get('sample_byte_format') ?? '01';
  const format: PcmFormat = {
    encoding,
    bits: bytesPerSample * 8,
    channels: numberField(fields, 'channel_count', path, 1),
    sampleRateHz: numberField(fields, 'sample_rate', path),
    // `10` means that the most significant byte comes first.
    bigEndian: bytesPerSample > 1 && order.startsWith('1'),
  };
  if (format.encoding === 'integer' && format.bits === 8) {
    throw new InputError(
      `${path}: 16, 24 or 32 bits a sample were required of SPHERE PCM, got 8; convert the file to 16-bit WAV`,
    );
  }
  checkPcmFormat(format, path);
  const present = Math.max(0, source.sizeBytes - headerBytes);
  const frames = numberField(fields, 'sample_count', path, Math.floor(present / bytesOfFrame(format)));
  const sizeBytes = frames * bytesOfFrame(format);
  if (sizeBytes > present) {
    throw new InputError(
      `${path}: ${sizeBytes} bytes of samples were required by the header, got ${present}; the file is truncated, fetch or make it again`,
    );
  }
  yield* readPcm(source, format, headerBytes, sizeBytes, startS);
}

const ENCODINGS: Readonly<Record<string, PcmFormat['encoding']>> = {
  pcm: 'integer',
  ulaw: 'mu-law',
  'mu-law': 'mu-law',
  alaw: 'a-law',
};

async function readHeader(
  source: SoundSource,
): Promise<{ readonly fields: ReadonlyMap<string, string>; readonly headerBytes: number }> {
  const broken = (what: string): InputError =>
    new InputError(`${source.path}: a SPHERE header was required, got ${what}; fetch the file again`);
  const start = latin1(await source.read(0, 16));
  const headerBytes = Number(start.slice(8).trim());
  if (!Number.isInteger(headerBytes) || headerBytes < 16 || headerBytes > MAXIMUM_HEADER_BYTES) {
    throw broken(`one of ${start.slice(8).trim() || 'no'} bytes`);
  }
  const text = latin1(await source.read(0, headerBytes));
  const fields = new Map<string, string>();
  for (const line of text.split('\n').slice(2)) {
    if (line.trim() === 'end_head') return { fields, headerBytes };
    // name -type value, where type is i, r, or s and the length of the string
    const match = /^(\S+)\s+-(?:i|r|s\d+)\s+(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) fields.set(match[1], match[2]);
  }
  throw broken('one without its end');
}

function numberField(fields: ReadonlyMap<string, string>, name: string, path: string, missing?: number): number {
  const text = fields.get(name);
  const value = text === undefined ? missing : Number(text);
  if (value === undefined || !Number.isInteger(value) || value < 0) {
    throw new InputError(
      `${path}: a whole number was required in SPHERE's field ${name}, got ${text ?? 'none'}; fetch the file again`,
    );
  }
  return value;
}
