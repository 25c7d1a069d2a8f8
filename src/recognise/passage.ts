import type { WordTime } from '../speech/types.js';

/** A piece of a transcript. */
export interface TranscribedSegment {
  /** Where it begins in the recording, in seconds. */
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
  /** Its words and when they were said in the recording, where the recognizer tells. */
  readonly words?: readonly WordTime[];
}

/** What was heard of the next piece of a recording. */
export interface Passage {
  readonly segments: readonly TranscribedSegment[];
  /** Sound that it shares with the piece before, in seconds. Default 0. */
  readonly overlapS?: number;
  /** How far the recording has been heard, in seconds. */
  readonly heardS: number;
  /** Code of the language that it is in, where the recognizer tells. */
  readonly language?: string;
  /** Time in the recognizer, in milliseconds. */
  readonly computeMs: number;
}
