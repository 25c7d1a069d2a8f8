import { type SpeechTokens, TIMESTAMP_S } from './speechTokens.js';

/** A piece of a window that has a beginning and an end. */
export interface TokenSegment {
  /** From the beginning of the window, in seconds. */
  readonly startS: number;
  readonly endS: number;
  /** With its timestamps. */
  readonly tokens: readonly number[];
}

/** What a window's tokens say of time. */
export interface SegmentedWindow {
  readonly segments: readonly TokenSegment[];
  /** How far the window has been heard, in seconds: the next one begins there. */
  readonly heardS: number;
}

/**
 * Cuts the tokens of a window at its pairs of timestamps, as `whisper/transcribe.py` does.
 *
 * What follows the last pair is not finished, and belongs to the next window; without a pair all is one segment.
 *
 * @param tokens - with timestamps
 * @param windowS - length of the sound in the window, in seconds
 */
export function segmentTokens(
  tokens: readonly number[],
  { firstTimestamp }: Pick<SpeechTokens, 'firstTimestamp'>,
  windowS: number,
): SegmentedWindow {
  const isTimestamp = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  const secondsOf = (token: number | undefined): number =>
    isTimestamp(token) ? ((token as number) - firstTimestamp) * TIMESTAMP_S : 0;
  const endsInOne = isTimestamp(tokens.at(-1)) && !isTimestamp(tokens.at(-2)) && tokens.length > 1;
  const cuts: number[] = [];
  for (let i = 1; i < tokens.length; i++) if (isTimestamp(tokens[i - 1]) && isTimestamp(tokens[i])) cuts.push(i);
  if (cuts.length === 0) {
    const latest = tokens.findLast(isTimestamp);
    const endS = latest === undefined || latest === firstTimestamp ? windowS : secondsOf(latest);
    return { segments: [{ startS: 0, endS, tokens }], heardS: windowS };
  }
  // A single timestamp at the end: nothing is said behind it.
  if (endsInOne) cuts.push(tokens.length);
  const segments = cuts.map((cut, index): TokenSegment => {
    const own = tokens.slice(cuts[index - 1] ?? 0, cut);
    return { startS: secondsOf(own[0]), endS: secondsOf(own.at(-1)), tokens: own };
  });
  return { segments, heardS: endsInOne ? windowS : secondsOf(tokens[(cuts.at(-1) as number) - 1]) };
}
