import { chooseToken } from './chooseToken.js';
import type { Encoded, SpeechGraphs } from './graphs.js';
import type { SpeechTokens } from './speechTokens.js';
import { applyTokenRules, logSumAfterRules, logSumOf, type TokenRules } from './tokenRules.js';

/** How tokens are written. */
export interface WriteOptions extends TokenRules {
  /** 0: the likeliest token at each step; above: drawn. */
  readonly temperature: number;
  /** Where chance comes from: numbers in 0 … 1. */
  readonly random: () => number;
  /** Tokens that the decoder has places for: 448. */
  readonly longestText: number;
  /** Tokens that are written at most. Default: half of the places. */
  readonly mostTokens?: number | undefined;
}

/** What a decoder wrote of one recording. */
export interface WrittenTokens {
  /** Without the opening and the end. */
  readonly tokens: readonly number[];
  /** Natural logarithm of the probability of all tokens, the end's included. */
  readonly logProbability: number;
  /** Probability that nothing was said, 0…1. */
  readonly noSpeech: number;
  /** Whether the model came to an end itself. */
  readonly ended: boolean;
}

interface Row {
  readonly tokens: number[];
  logProbability: number;
  noSpeech: number;
  ended: boolean;
}

/**
 * Writes down what recordings say, token by token, as `whisper/decoding.py` does it (`DecodingTask`, `GreedyDecoder`).
 *
 * The opening is read in one step. Recordings that have ended wait for the others.
 *
 * @param openings - of each recording, equally long: what was said before, and what steers
 */
export async function writeTokens(
  graphs: SpeechGraphs,
  encoded: Encoded,
  openings: readonly (readonly number[])[],
  options: WriteOptions,
): Promise<readonly WrittenTokens[]> {
  const { tokens, longestText, mostTokens = Math.floor(longestText / 2) } = options;
  const length = openings[0]?.length ?? 0;
  const start = (openings[0] ?? []).lastIndexOf(tokens.start);
  const rows: Row[] = openings.map(() => ({ tokens: [], logProbability: 0, noSpeech: 0, ended: false }));
  let state = graphs.begin(encoded);
  let fresh = openings;
  for (let step = 0; step < mostTokens && length + step <= longestText; step++) {
    const last = (fresh[0]?.length ?? 0) - 1;
    const read = step === 0 && start !== last ? [start, last] : [last];
    const { logits, logSums, state: next } = await graphs.step(fresh, state, read);
    state = next;
    const size = read.length * graphs.vocabulary;
    for (const [index, row] of rows.entries()) {
      const own = logits.subarray(index * size, (index + 1) * size);
      const sums = logSums?.subarray(index * read.length, (index + 1) * read.length);
      if (step === 0) row.noSpeech = probabilityOf(own.subarray(0, graphs.vocabulary), tokens.noSpeech, sums?.[0]);
      if (!row.ended) write(row, own.subarray(size - graphs.vocabulary), sums?.at(-1), options);
    }
    if (rows.every(({ ended }) => ended)) break;
    fresh = rows.map((row) => [row.ended ? tokens.end : (row.tokens.at(-1) as number)]);
  }
  return rows;
}

function write(row: Row, logits: Float32Array, logSum: number | undefined, options: WriteOptions): void {
  const left = logSumAfterRules(logits, logSum, row.tokens, options);
  applyTokenRules(logits, row.tokens, options);
  const { token, logProbability } = chooseToken(logits, options.temperature, options.random, left);
  row.logProbability += logProbability;
  if (token === options.tokens.end) row.ended = true;
  else row.tokens.push(token);
}

function probabilityOf(
  logits: Float32Array,
  token: number,
  logSum: number = logSumOf(logits, 0, logits.length),
): number {
  return Math.exp((logits[token] as number) - logSum);
}

/**
 * Finds out which language is spoken: the likeliest of the languages' tokens behind the start.
 *
 * @returns its code, of each recording
 */
export async function detectLanguages(
  graphs: SpeechGraphs,
  encoded: Encoded,
  { start, languages = {} }: Pick<SpeechTokens, 'start' | 'languages'>,
): Promise<readonly string[]> {
  const openings = Array.from({ length: encoded.count }, () => [start]);
  const { logits } = await graphs.step(openings, graphs.begin(encoded), [0]);
  return openings.map((_, index) => {
    const scores = logits.subarray(index * graphs.vocabulary);
    const ordered = Object.entries(languages).toSorted(
      ([, a], [, b]) => (scores[b] as number) - (scores[a] as number) || a - b,
    );
    return ordered[0]?.[0] as string;
  });
}
