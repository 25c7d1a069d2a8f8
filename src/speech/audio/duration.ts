import { InputError } from '../../errors.js';
import { readStart } from './fileStart.js';

/** How long a recording is, by its header. */
export interface HeaderDuration {
  /** Samples of one channel. */
  readonly samples: number;
  readonly sampleRateHz: number;
  /** samples / sampleRateHz, in seconds. */
  readonly durationS: number;
}

/** A SPHERE header has 1,024 bytes nearly always; a WAV's chunks before `data` and FLAC's first block fit easily. */
const headBytes = 65_536;

function fromRiff(head: Buffer): Omit<HeaderDuration, 'durationS'> | string {
  let sampleRateHz = 0;
  let frameBytes = 0;
  for (let at = 12; at + 8 <= head.length; ) {
    const id = head.toString('latin1', at, at + 4);
    const size = head.readUInt32LE(at + 4);
    if (id === 'fmt ' && at + 22 <= head.length) {
      sampleRateHz = head.readUInt32LE(at + 12);
      frameBytes = head.readUInt16LE(at + 20);
    }
    if (id === 'data') return frameBytes ? { samples: size / frameBytes, sampleRateHz } : 'no fmt chunk before data';
    at += 8 + size + (size % 2);
  }
  return 'no data chunk';
}

function fromFlac(head: Buffer): Omit<HeaderDuration, 'durationS'> | string {
  // RFC 9639, section 8.2: STREAMINFO comes first; 20 bits of rate, 3 of channels, 5 of depth, 36 of samples at byte 18.
  if (head.length < 26 || ((head[4] ?? 0) & 0x7f) !== 0) return 'no STREAMINFO block';
  const sampleRateHz = head.readUIntBE(18, 3) >> 4;
  const samples = ((head[21] ?? 0) & 0x0f) * 2 ** 32 + head.readUInt32BE(22);
  return samples ? { samples, sampleRateHz } : 'a stream of unstated length';
}

function fromSphere(head: Buffer): Omit<HeaderDuration, 'durationS'> | string {
  const header = head.toString('latin1', 0, Number.parseInt(head.toString('latin1', 8, 16), 10) || 1024);
  const samples = /^sample_count -i (\d+)/m.exec(header)?.[1];
  const rate = /^sample_rate -i (\d+)/m.exec(header)?.[1];
  return samples && rate
    ? { samples: Number(samples), sampleRateHz: Number(rate) }
    : 'a header without sample_count or sample_rate';
}

/**
 * Reads the length of a recording from its header alone: RIFF WAVE, FLAC (STREAMINFO) or NIST SPHERE, known by content.
 *
 * @param path - the recording
 * @returns samples of one channel, rate in hertz, length in seconds
 * @throws {InputError} when the file cannot be read, is of another kind, or its header does not state the length
 * @example
 * await readHeaderDuration('data/speech/audio/activated.flac');
 * // { samples: 8512, sampleRateHz: 8000, durationS: 1.064 }
 */
export async function readHeaderDuration(path: string): Promise<HeaderDuration> {
  const head = Buffer.from(await readStart(path, headBytes));
  const magic = head.toString('latin1', 0, 7);
  const found = magic.startsWith('RIFF')
    ? fromRiff(head)
    : magic.startsWith('fLaC')
      ? fromFlac(head)
      : magic === 'NIST_1A'
        ? fromSphere(head)
        : `a file that begins with ${JSON.stringify(magic.slice(0, 4))}`;
  if (typeof found === 'string' || !(found.sampleRateHz > 0)) {
    const came = typeof found === 'string' ? found : 'a sample rate of 0';
    throw new InputError(`${path}: a WAV, FLAC or SPHERE header with the length was required, got ${came}; restore it`);
  }
  return { ...found, durationS: found.samples / found.sampleRateHz };
}
