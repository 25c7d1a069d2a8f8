import { deflateSync } from 'node:zlib';
import { captionsOf, formatCaptions } from '../../recognise/captions.js';
import type { TranscribedSegment } from '../../recognise/passage.js';
import type { Transcript } from '../../recognise/transcribe.js';
import type { WordTime } from '../../speech/types.js';

/** Forms of an answer, by OpenAI's names. */
export type ResponseFormat = 'json' | 'text' | 'srt' | 'verbose_json' | 'vtt';

/** All of {@link ResponseFormat}. */
export const RESPONSE_FORMATS: readonly ResponseFormat[] = ['json', 'text', 'srt', 'verbose_json', 'vtt'];

/** What an answer is made of besides the transcript. */
export interface AnswerOptions {
  readonly format: ResponseFormat;
  /** What `verbose_json` has: words, segments, or both. */
  readonly granularities: readonly ('word' | 'segment')[];
  /** As the request named it. */
  readonly language: string | undefined;
}

/** An answer and its media type. */
export interface Answer {
  readonly type: string;
  readonly body: unknown;
}

/** A language that nobody has said: BCP 47's `und`. */
const UNKNOWN_LANGUAGE = 'und';

/** Puts a transcript into the form that was asked for. */
export function answerOf(transcript: Transcript, { format, granularities, language }: AnswerOptions): Answer {
  const { text, audioS, language: heard } = transcript;
  const usage = { type: 'duration', seconds: audioS };
  switch (format) {
    case 'text':
      return { type: 'text/plain; charset=utf-8', body: `${text}\n` };
    case 'srt':
      return { type: 'application/x-subrip; charset=utf-8', body: formatCaptions(captionsOf(transcript), format) };
    case 'vtt':
      return { type: 'text/vtt; charset=utf-8', body: formatCaptions(captionsOf(transcript), format) };
    case 'json':
      return { type: 'application/json; charset=utf-8', body: { text, usage } };
    case 'verbose_json': {
      const segments = segmentsOf(transcript);
      return {
        type: 'application/json; charset=utf-8',
        body: {
          ...{ task: 'transcribe', language: heard ?? language ?? UNKNOWN_LANGUAGE, duration: audioS, text, usage },
          ...(granularities.includes('segment') && { segments: segments.map(verboseSegment) }),
          ...(granularities.includes('word') && {
            words: (transcript.words ?? []).map(({ word, startS, endS }) => ({ word, start: startS, end: endS })),
          }),
        },
      };
    }
  }
}

/**
 * As OpenAI's, in Whisper's units: `seek` in frames of 10 ms; `compression_ratio` by zlib, as whisper/utils.py computes it. What the
 * recogniser does not tell (`no_speech_prob`, tokens) is left out or empty.
 */
function verboseSegment({ startS, endS, text, words }: TranscribedSegment, id: number): Record<string, unknown> {
  const bytes = Buffer.from(text);
  return {
    ...{ id, seek: Math.round(startS * 100), start: startS, end: endS, text, tokens: [], temperature: 0 },
    ...(words !== undefined && words.length > 0 && { avg_logprob: meanLogarithm(words) }),
    ...(bytes.length > 0 && { compression_ratio: bytes.length / deflateSync(bytes).length }),
  };
}

function meanLogarithm(words: readonly WordTime[]): number {
  return (
    words.reduce((sum, { confidence }) => sum + Math.log(Math.max(confidence, Number.MIN_VALUE)), 0) / words.length
  );
}

/**
 * Segments of which none says what another has said: where two share sound, each word is the one's in whose half it lies.
 */
function segmentsOf({ segments }: Transcript): readonly TranscribedSegment[] {
  return segments.map((segment, place) => {
    const before = segments[place - 1];
    const next = segments[place + 1];
    const shared = (one: TranscribedSegment, other: TranscribedSegment): boolean => other.startS < one.endS;
    const isFirst = before === undefined || !shared(before, segment);
    const isLast = next === undefined || !shared(segment, next);
    const startS = isFirst ? segment.startS : (segment.startS + before.endS) / 2;
    const endS = isLast ? segment.endS : (next.startS + segment.endS) / 2;
    if (segment.words === undefined) return { ...segment, startS, endS };
    const words = segment.words.filter((word) => {
      const middle = (word.startS + word.endS) / 2;
      return (isFirst || middle >= startS) && (isLast || middle < endS);
    });
    return { startS, endS, words, text: words.map(({ word }) => word).join(' ') };
  });
}
