import { InputError } from '../../errors.js';

/** Longest recording that is read piece by piece, in seconds: a day. */
export const MAXIMUM_STREAMED_S = 86_400;

/** Longest sound that is read into memory as a whole, in seconds: two hours, 1.4 GB at 48 kHz. */
export const MAXIMUM_AUDIO_S = 7_200;

/**
 * Checks a length of sound. Compressed silence takes next to no bytes, so that the size of a file says nothing of the work.
 *
 * @throws {InputError} when it is above the bound
 */
export function checkLength(path: string, durationS: number, maximumS: number): void {
  if (durationS <= maximumS) return;
  throw new InputError(
    `${path}: at most ${maximumS} s of sound were required, got ${durationS.toFixed(0)} s or more; read a part of it, or raise the bound (maximumS; --max-hours of transcribe, --max-seconds of serve)`,
  );
}
