import type { SpeechTokens } from './speechTokens.js';

/** What may be said next. */
export interface TokenRules {
  readonly tokens: SpeechTokens;
  /** Whether the model says when segments begin and end. */
  readonly timestamps: boolean;
}

/** The first timestamp is at most a second into the window, in steps of 0.02 s: `max_initial_timestamp`. */
const LATEST_FIRST = 50;

/**
 * Makes impossible what must not be said next: suppressed tokens, a blank at the beginning, and timestamps out of order or
 * alone, as `whisper/decoding.py` does (`SuppressBlank`, `SuppressTokens`, `ApplyTimestampRules`).
 *
 * @param logits - of all tokens; those that are impossible become minus infinity
 * @param said - tokens of this transcript so far, without the opening
 */
export function applyTokenRules(logits: Float32Array, said: readonly number[], rules: TokenRules): void {
  const { tokens, timestamps } = rules;
  for (const token of suppressedOf(said, tokens)) logits[token] = Number.NEGATIVE_INFINITY;
  if (timestamps) applyTimestampRules(logits, said, tokens);
}

function suppressedOf(said: readonly number[], { suppressed = [], suppressedFirst = [] }: SpeechTokens): Set<number> {
  return new Set(said.length === 0 ? [...suppressedFirst, ...suppressed] : suppressed);
}

/** Above it so little is left of a sum that its last digits are those of what was taken away. */
const MOST_TAKEN = 0.99;

/**
 * The logarithm of the sum of the exponentials once the rules are applied, from that of all: no second pass over a vocabulary.
 *
 * @param logits - before the rules
 * @returns `undefined` where it has to be added up anew
 */
export function logSumAfterRules(
  logits: Float32Array,
  logSum: number | undefined,
  said: readonly number[],
  { tokens, timestamps }: TokenRules,
): number | undefined {
  if (logSum === undefined || timestamps) return undefined;
  let taken = 0;
  for (const token of suppressedOf(said, tokens)) taken += Math.exp((logits[token] as number) - logSum);
  return taken < MOST_TAKEN ? logSum + Math.log1p(-taken) : undefined;
}

function applyTimestampRules(logits: Float32Array, said: readonly number[], tokens: SpeechTokens): void {
  const { end, firstTimestamp, noTimestamps } = tokens;
  logits[noTimestamps] = Number.NEGATIVE_INFINITY;
  const isTimestamp = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  const last = isTimestamp(said.at(-1));
  const beforeLast = said.length < 2 || isTimestamp(said.at(-2));
  // They come in pairs: the end of a segment and the beginning of the next; the last may stand alone before the end.
  if (last && beforeLast) logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp);
  else if (last) logits.fill(Number.NEGATIVE_INFINITY, 0, end);
  const latest = said.findLast(isTimestamp);
  // Time does not run backwards, and a segment has a length.
  if (latest !== undefined)
    logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp, latest + (last && !beforeLast ? 0 : 1));
  if (said.length === 0) {
    logits.fill(Number.NEGATIVE_INFINITY, 0, firstTimestamp);
    logits.fill(Number.NEGATIVE_INFINITY, firstTimestamp + LATEST_FIRST + 1);
  }
  // A time is said where all times together are likelier than any text.
  const likeliestText = highest(logits, 0, firstTimestamp);
  if (logSumOf(logits, firstTimestamp, logits.length) > likeliestText) {
    logits.fill(Number.NEGATIVE_INFINITY, 0, firstTimestamp);
  }
}

/** The highest value in a range. */
export function highest(values: Float32Array, from: number, to: number): number {
  let found = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value > found) found = value;
  }
  return found;
}

/** What lies further below the highest adds less than a rounding of float32, however many there are. */
const DEPTH = 28;

/** Natural logarithm of the sum of the exponentials of a range: minus infinity where all are. */
export function logSumOf(values: Float32Array, from: number, to: number): number {
  const top = highest(values, from, to);
  if (top === Number.NEGATIVE_INFINITY) return top;
  const least = top - DEPTH;
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value > least) sum += Math.exp(value - top);
  }
  return top + Math.log(sum);
}
