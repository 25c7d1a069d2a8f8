import type { HeardWindow, HearOptions, WindowHearer } from './hearWindow.js';
import { segmentTokens } from './segmentTokens.js';
import type { SlidingSound } from './slidingSound.js';

/** A piece of a transcript. */
export interface HeardSegment {
  /** Where it begins in the recording, in seconds. */
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
}

/** What was heard in one window of a long recording. */
export interface HeardPassage {
  readonly segments: readonly HeardSegment[];
  readonly window: HeardWindow;
  /** How far the recording has been heard, in seconds. */
  readonly heardS: number;
}

/** How a recording of any length is heard. */
export interface ListenOptions extends Pick<HearOptions, 'language' | 'fallBack'> {
  readonly timestamps: boolean;
  /** What was said before the recording, as tokens. */
  readonly prompt: readonly number[];
  /** Frames of the window in which a piece of this length is heard. */
  readonly framesFor: (durationS: number) => number;
  /** Length of a whole window, in seconds. */
  readonly windowS: number;
  /** Stops between two windows. */
  readonly signal?: AbortSignal | undefined;
}

/** A text that was drawn at a higher temperature is no guide for the next window. */
const HOTTEST_GUIDE = 0.5;

/**
 * Hears a recording of any length, window by window, as `whisper/transcribe.py` does: the next window begins where the last
 * finished segment ends, and reads what was said before.
 */
export async function* listen(
  hearer: Pick<WindowHearer, 'hear' | 'parts'>,
  sound: SlidingSound,
  options: ListenOptions,
): AsyncGenerator<HeardPassage> {
  const { framesFor, windowS, signal, prompt, ...hearing } = options;
  const { tokens: special, tokenizer, longestText } = hearer.parts;
  let { language } = options;
  let previous = prompt;
  let startS = 0;
  for (;;) {
    const audio = await sound.window(startS, windowS);
    if (audio === null) break;
    signal?.throwIfAborted();
    const durationS = audio.samples.length / audio.sampleRateHz;
    const [window] = await hearer.hear([audio], { ...hearing, language, previous, frames: framesFor(durationS) });
    const heard = window as HeardWindow;
    language ??= heard.language;
    const cut = segmentTokens(heard.tokens, special, durationS);
    const heardS = heard.silent || !(cut.heardS > 0) ? durationS : cut.heardS;
    const segments: HeardSegment[] = [];
    const said = [...previous];
    for (const one of cut.segments) {
      const text = tokenizer.decode(one.tokens).trim();
      if (text === '' || one.startS === one.endS) continue;
      // The model hears silence behind a last piece, and may say a time in it.
      const within = (seconds: number): number => startS + Math.min(seconds, durationS);
      segments.push({ startS: within(one.startS), endS: within(one.endS), text });
      said.push(...one.tokens);
    }
    // Only what the next window reads is kept.
    previous = !heard.silent && heard.temperature > HOTTEST_GUIDE ? [] : said.slice(-longestText);
    startS += heardS;
    yield { segments, window: heard, heardS: Math.min(startS, sound.lengthS) };
  }
}
