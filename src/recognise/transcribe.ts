import { type ReadAudioOptions, readAudioChunks } from '../speech/audio/audio.js';
import { findJoin, joinTexts, type SegmentOptions, segmentStream } from '../speech/audio/segments.js';
import type { Audio, WordTime } from '../speech/types.js';
import type { Recognizer } from './kinds/kind.js';
import type { Passage, TranscribedSegment } from './passage.js';

/** What is said in a recording of any length. */
export interface Transcript {
  readonly text: string;
  readonly segments: readonly TranscribedSegment[];
  /** All words once, and when they were said in the recording, where the recognizer tells. */
  readonly words?: readonly WordTime[];
  /** Code of the language that it begins in, where the recognizer tells. */
  readonly language?: string;
  /** Length of the recording, in seconds. */
  readonly audioS: number;
  /** Time in the recognizer, in milliseconds; reading the file is not in it. */
  readonly computeMs: number;
}

/** Who hears: a `Recognizer`, or one that keeps its results. */
export interface Listener extends Partial<Pick<Recognizer, 'longestS' | 'passages'>>, Pick<Recognizer, 'recognize'> {}

/** How a long recording is cut, and who is told of the progress. */
export interface TranscribeOptions extends SegmentOptions {
  /** Called after each segment, with the seconds transcribed so far. */
  readonly onProgress?: (doneS: number) => void;
  /** Called after each segment, with the text up to its end; the next may still change its last word, where they overlap. */
  readonly onSegment?: (segment: TranscribedSegment, text: string) => void;
  /** Stops between two segments. */
  readonly signal?: AbortSignal;
}

/**
 * Transcribes a recording of any length: it is read in pieces and cut at silences, and where there is none neighbouring
 * segments overlap and their texts are joined. One segment is in memory at a time. On the hold-out as one recording, the
 * word error rate of `deepspeech2-lstm` is within 0.2 points of the uncut one's (`bench/long-audio.ts`).
 *
 * @param recognizer - who listens
 * @param path - a file that {@link readAudioChunks} reads
 * @param options - besides, which channel or part of the file is heard, and the longest that is taken
 * @throws {InputError} when the file cannot be read
 */
export async function transcribeFile(
  recognizer: Listener,
  path: string,
  options: TranscribeOptions & ReadAudioOptions = {},
): Promise<Transcript> {
  const { channel, startS, durationS, maximumS, ...cutting } = options;
  const chunks = readAudioChunks(path, undefined, { channel, startS, durationS, maximumS });
  return await transcribe(recognizer, chunks, cutting);
}

/**
 * As {@link transcribeFile}, for sound that comes in pieces.
 *
 * @param recognizer - who listens
 * @param chunks - pieces of one recording, in order, at one rate
 */
export async function transcribe(
  recognizer: Listener,
  chunks: AsyncIterable<Audio> | Iterable<Audio>,
  options: TranscribeOptions = {},
): Promise<Transcript> {
  const { onProgress, onSegment, signal } = options;
  const passages = recognizer.passages?.(chunks) ?? cutPassages(recognizer, chunks, options);
  const segments: TranscribedSegment[] = [];
  let text = '';
  let words: readonly WordTime[] | undefined;
  let language: string | undefined;
  let computeMs = 0;
  let audioS = 0;
  for await (const passage of passages) {
    signal?.throwIfAborted();
    const { overlapS = 0 } = passage;
    for (const segment of passage.segments) {
      text = joinTexts(text, segment.text, overlapS);
      words = joinWords(words, segment.words, overlapS);
      segments.push(segment);
      onSegment?.(segment, text);
    }
    language ??= passage.language;
    computeMs += passage.computeMs;
    audioS = passage.heardS;
    onProgress?.(audioS);
  }
  return {
    ...{ text, segments, audioS, computeMs },
    ...(words !== undefined && { words }),
    ...(language !== undefined && { language }),
  };
}

/** Cuts sound at silences for a recognizer that hears short recordings. */
async function* cutPassages(
  recognizer: Listener,
  chunks: AsyncIterable<Audio> | Iterable<Audio>,
  { onProgress: _, onSegment: __, signal, ...cutting }: TranscribeOptions,
): AsyncGenerator<Passage> {
  for await (const { audio, startS, overlapS } of segmentStream(chunks, cutFor(recognizer.longestS, cutting))) {
    signal?.throwIfAborted();
    const heard = await recognizer.recognize(audio);
    const endS = startS + heard.audioS;
    const words = heard.words?.map((word) => ({ ...word, startS: startS + word.startS, endS: startS + word.endS }));
    const segment = { startS, endS, text: heard.text, ...(words === undefined ? {} : { words }) };
    yield { segments: [segment], overlapS, heardS: endS, computeMs: heard.timing.totalMs };
  }
}

/** The words of {@link joinTexts}. */
function joinWords(
  before: readonly WordTime[] | undefined,
  next: readonly WordTime[] | undefined,
  overlapS: number,
): readonly WordTime[] | undefined {
  if (before === undefined || next === undefined) return before ?? next;
  const wordOf = ({ word }: WordTime): string => word;
  const { kept, dropped } = findJoin(before.map(wordOf), next.map(wordOf), overlapS);
  return [...before.slice(0, kept), ...next.slice(dropped)];
}

/** Segments may be longer than the target by this much, and a little for what rounding adds, in seconds. */
const BEYOND_TARGET_S = 1.05;

/** Cuts so short that a graph of fixed length hears each segment. */
function cutFor(longestS: number | undefined, cutting: SegmentOptions): SegmentOptions {
  const { targetS = 15, lookBackS = 5, overlapS = 1 } = cutting;
  const most = (longestS ?? Number.POSITIVE_INFINITY) - BEYOND_TARGET_S;
  if (targetS <= most || most < 1) return cutting;
  return { targetS: most, lookBackS: Math.min(lookBackS, most / 3), overlapS: Math.min(overlapS, most / 8) };
}
