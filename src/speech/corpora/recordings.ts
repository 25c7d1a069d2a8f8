import { InputError, QuantlabError } from '../../errors.js';
import { DURATION_TOLERANCE_S, readAudio } from '../audio/audio.js';
import type { Audio, Recording, Utterance } from '../types.js';
import { parseManifest } from './manifest.js';

/** A recording that was left out, and why. */
export interface LeftOut {
  readonly id: string;
  /** What was wrong with it; it names the file. */
  readonly message: string;
}

/** An utterance and its sound. */
export interface HeardSound {
  /** Its duration is that of the sound. */
  readonly utterance: Utterance;
  readonly audio: Audio;
}

/** What happens with recordings that cannot be read. */
export interface HearOptions {
  /** Called for each recording that is left out. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
  /** Called where a manifest states another length than the sound has. */
  readonly onMismatch?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the sound of a recording: of a part of it that part and nothing else, of a whole one all.
 *
 * @throws {InputError} when it cannot be read, or is shorter than the part
 */
export async function readRecording({ audioPath, startS, durationS }: Recording): Promise<Audio> {
  return await readAudio(audioPath, startS === undefined ? {} : { startS, durationS });
}

/** What a process needs to know of an utterance to hear it. */
export function recordingOf({ id, audioPath, startS, durationS }: Utterance): Recording {
  return { id, audioPath, durationS, ...(startS !== undefined && { startS }) };
}

/**
 * Reads recordings one after the other, without those that cannot be read; durations are those of the sound.
 *
 * @param where - what lists them, for the error
 * @throws {InputError} when not one can be read
 */
export async function* readSounds(
  utterances: readonly Utterance[],
  where: string,
  { onLeftOut, onMismatch, signal }: HearOptions = {},
): AsyncGenerator<HeardSound> {
  let read = 0;
  let last: QuantlabError | undefined;
  for (const utterance of utterances) {
    signal?.throwIfAborted();
    let audio: Audio;
    try {
      audio = await readRecording(utterance);
    } catch (error) {
      if (!(error instanceof QuantlabError)) throw error;
      last = error;
      onLeftOut?.({ id: utterance.id, message: error.message });
      continue;
    }
    read++;
    const durationS = audio.samples.length / audio.sampleRateHz;
    // A twentieth besides: durations that were estimated from a bit rate.
    if (Math.abs(utterance.durationS - durationS) > Math.max(DURATION_TOLERANCE_S, durationS / 20)) {
      onMismatch?.(
        `${utterance.audioPath}: ${utterance.durationS} s by ${where}, ${durationS.toFixed(3)} s of sound; the sound counts: mend the manifest, or give an offset where a part is meant`,
      );
    }
    yield { utterance: { ...utterance, durationS }, audio };
  }
  if (read > 0) return;
  throw new InputError(
    `${where}: a recording that can be read was required, got ${utterances.length} that cannot; the last: ${last?.message}`,
    { cause: last },
  );
}

/**
 * Reads a manifest and tries each of its recordings. One that cannot be read is left out and told of; of the others the
 * duration is that of their sound, by which rates are counted, and not what the manifest says.
 *
 * @param path - the manifest
 * @returns the utterances that can be heard
 * @throws {InputError} when a line of the manifest is broken, or no recording can be read
 */
export async function readUtterances(path: string, options: HearOptions = {}): Promise<readonly Utterance[]> {
  const listed = await parseManifest(path);
  const utterances: Utterance[] = [];
  for await (const { utterance } of readSounds(listed, path, options)) utterances.push(utterance);
  return utterances;
}
