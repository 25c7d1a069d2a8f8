import { deflateSync } from 'node:zlib';
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

/** A line of subtitles, at most: half of the 84 letters of two lines, and what can be read at ease. */
const [CUE_LETTERS, CUE_S] = [84, 7];

/** Puts a transcript into the form that was asked for. */
export function answerOf(transcript: Transcript, { format, granularities, language }: AnswerOptions): Answer {
  const { text, audioS } = transcript;
  const usage = { type: 'duration', seconds: audioS };
  switch (format) {
    case 'text':
      return { type: 'text/plain; charset=utf-8', body: `${text}\n` };
    case 'srt':
      return { type: 'application/x-subrip; charset=utf-8', body: srtOf(cuesOf(transcript)) };
    case 'vtt':
      return { type: 'text/vtt; charset=utf-8', body: vttOf(cuesOf(transcript)) };
    case 'json':
      return { type: 'application/json; charset=utf-8', body: { text, usage } };
    case 'verbose_json': {
      const segments = segmentsOf(transcript);
      const words = segments.flatMap((segment) => segment.words ?? []);
      return {
        type: 'application/json; charset=utf-8',
        body: {
          ...{ task: 'transcribe', language: language ?? UNKNOWN_LANGUAGE, duration: audioS, text, usage },
          ...(granularities.includes('segment') && { segments: segments.map(verboseSegment) }),
          ...(granularities.includes('word') && {
            words: words.map(({ word, startS, endS }) => ({ word, start: startS, end: endS })),
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
export function segmentsOf({ segments }: Transcript): readonly TranscribedSegment[] {
  return segments.map((segment, place) => {
    const before = segments[place - 1];
    const next = segments[place + 1];
    const startS = before === undefined ? segment.startS : (segment.startS + before.endS) / 2;
    const endS = next === undefined ? segment.endS : (next.startS + segment.endS) / 2;
    if (segment.words === undefined) return { ...segment, startS, endS };
    const words = segment.words.filter((word) => {
      const middle = (word.startS + word.endS) / 2;
      return (before === undefined || middle >= startS) && (next === undefined || middle < endS);
    });
    return { startS, endS, words, text: words.map(({ word }) => word).join(' ') };
  });
}

interface Cue {
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
}

/** Lines of subtitles: by words where their times are known, else a segment each. */
function cuesOf(transcript: Transcript): readonly Cue[] {
  const cues: Cue[] = [];
  for (const { startS, endS, text, words } of segmentsOf(transcript)) {
    if (words === undefined) {
      if (text !== '') cues.push({ startS, endS, text });
      continue;
    }
    let open: Cue | undefined;
    for (const word of words) {
      const longer: Cue = open === undefined ? { ...word, text: word.word } : joined(open, word);
      if (open !== undefined && (longer.text.length > CUE_LETTERS || longer.endS - longer.startS > CUE_S)) {
        cues.push(open);
        open = { startS: word.startS, endS: word.endS, text: word.word };
      } else open = { startS: longer.startS, endS: longer.endS, text: longer.text };
    }
    if (open !== undefined) cues.push(open);
  }
  return cues;
}

function joined(cue: Cue, { word, endS }: WordTime): Cue {
  return { startS: cue.startS, endS, text: `${cue.text} ${word}` };
}

function srtOf(cues: readonly Cue[]): string {
  const lines = cues.map(({ startS, endS, text }, place) => {
    return `${place + 1}\n${clock(startS, ',')} --> ${clock(endS, ',')}\n${text}\n`;
  });
  return lines.join('\n');
}

/** In a cue `<`, `>` and `&` would be marks (WebVTT, 4.1). */
function vttOf(cues: readonly Cue[]): string {
  const lines = cues.map(({ startS, endS, text }) => {
    const plain = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    return `\n${clock(startS, '.')} --> ${clock(endS, '.')}\n${plain}\n`;
  });
  return `WEBVTT\n${lines.join('')}`;
}

/** `HH:MM:SS,mmm`. */
function clock(seconds: number, mark: ',' | '.'): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${mark}${String(ms % 1000).padStart(3, '0')}`;
}
