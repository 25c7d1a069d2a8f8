import type { WordTime } from '../speech/types.js';
import type { Transcript } from './transcribe.js';

/** A line or two that stand on a screen together. */
export interface Caption {
  /** In seconds. */
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
}

/** Forms in which captions are written: SubRip, and the web's. */
export type CaptionFormat = 'srt' | 'vtt';

/** A silence between two words that ends a caption, in seconds: longer than the closure of a stop, shorter than a breath. */
const PAUSE_S = 0.5;
/** What one caption holds at most: two lines of 42 characters, for 7 s (Netflix's Timed Text Style Guide, English). */
const MOST_CHARACTERS = 84;
const MOST_S = 7;

/**
 * Captions of a transcript: words gathered between pauses, where the recogniser tells when each was said; else the transcript's segments.
 *
 * @example captionsOf(await transcribeFile(recognizer, 'goodbye.wav'))[0]?.text // 'goodbye'
 */
export function captionsOf({ segments, words }: Pick<Transcript, 'segments' | 'words'>): readonly Caption[] {
  if (words !== undefined) return gather(words);
  return segments.filter(({ text }) => text !== '').map(({ startS, endS, text }) => ({ startS, endS, text }));
}

function gather(words: readonly WordTime[]): Caption[] {
  const captions: Caption[] = [];
  for (const { word, startS, endS } of words) {
    const last = captions.at(-1);
    const goesOn =
      last !== undefined &&
      startS - last.endS < PAUSE_S &&
      endS - last.startS <= MOST_S &&
      last.text.length + 1 + word.length <= MOST_CHARACTERS;
    if (goesOn) captions[captions.length - 1] = { startS: last.startS, endS, text: `${last.text} ${word}` };
    else captions.push({ startS, endS, text: word });
  }
  return captions;
}

/**
 * Writes captions as SubRip (`.srt`) or WebVTT (`.vtt`), as openai-whisper's writers do, which leave the marks of WebVTT as they are.
 *
 * @returns the text of the file, its last line ended
 */
export function formatCaptions(captions: readonly Caption[], format: CaptionFormat): string {
  const blocks = captions.map(({ startS, endS, text }, index) => {
    const times = `${timeOf(startS, format)} --> ${timeOf(endS, format)}`;
    // An arrow in the text would end a WebVTT caption.
    const plain = text.trim().replaceAll('-->', '->');
    if (format === 'srt') return `${index + 1}\n${times}\n${plain}\n`;
    // These would be marks there (WebVTT, 4.1).
    return `${times}\n${plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}\n`;
  });
  return [...(format === 'vtt' ? ['WEBVTT\n'] : []), ...blocks].map((block) => `${block}\n`).join('');
}

/** `00:01:02,345` in SubRip; in WebVTT `01:02.345`, the hours where there are any. */
function timeOf(seconds: number, format: CaptionFormat): string {
  const milliseconds = Math.round(1000 * seconds);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const hours = Math.floor(milliseconds / 3_600_000);
  const shown = format === 'srt' || hours > 0 ? `${two(hours)}:` : '';
  const minutes = two((milliseconds / 60_000) % 60);
  const rest = `${two((milliseconds / 1000) % 60)}${format === 'srt' ? ',' : '.'}${String(milliseconds % 1000).padStart(3, '0')}`;
  return `${shown}${minutes}:${rest}`;
}
