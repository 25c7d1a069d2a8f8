import { InputError } from '../../errors.js';
import type { WordTime } from '../types.js';
import { type LabelPiece, labelPieces } from './labelPieces.js';

/** A byte for each: 256 MiB. Half an hour of speech in one piece has about as many. */
const MOST_STATES = 2 ** 28;

/** Where one class of a sequence stands. */
interface Placed {
  readonly label: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Finds when each word of a text was said: along the likeliest path of the text (Viterbi), each word reaches from the first
 * step of its first letter to the last step of its last.
 *
 * Networks spike: a letter is seen later than it begins, and for a step or two. Expect times within about 0.1 s.
 *
 * @param logProbabilities - natural logarithms, row-major, shape [steps, labels]
 * @param steps - output steps of this utterance
 * @param sequence - classes of the text, repeats joined and blanks dropped, as decoders give them
 * @param labels - text of each class
 * @param blank - class that stands for nothing
 * @param secondsPerStep - time stride × hop / sample rate
 * @throws {InputError} when no path of so many steps says the sequence
 */
export function timeWords(
  logProbabilities: Float32Array,
  steps: number,
  sequence: readonly number[],
  labels: readonly string[],
  blank: number,
  secondsPerStep: number,
): WordTime[] {
  if (sequence.length === 0) return [];
  const { placed, scores } = align(logProbabilities, steps, sequence, labels.length, blank);
  return wordsOf(placed, labelPieces(labels)).map(({ word, first, last }) => {
    let sum = 0;
    for (let step = first; step <= last; step++) sum += scores[step] as number;
    return {
      word,
      startS: first * secondsPerStep,
      endS: (last + 1) * secondsPerStep,
      // Rounded logarithms of ones may lie a little above 0.
      confidence: Math.min(1, Math.exp(sum / (last - first + 1))),
    };
  });
}

/** The likeliest path: states are blank, class, blank, class, …, blank. */
function align(
  logProbabilities: Float32Array,
  steps: number,
  sequence: readonly number[],
  classes: number,
  blank: number,
): { readonly placed: Placed[]; readonly scores: Float64Array } {
  const states = 2 * sequence.length + 1;
  if (steps * states > MOST_STATES) {
    throw new InputError(
      `word times: at most ${MOST_STATES} pairs of steps and classes were required, got ${steps * states}; cut the recording into shorter pieces`,
    );
  }
  const labelOf = (state: number): number => (state % 2 === 0 ? blank : (sequence[(state - 1) / 2] as number));
  /** How many states back the best way to each state came from. */
  const from = new Uint8Array(steps * states);
  let best = new Float64Array(states).fill(Number.NEGATIVE_INFINITY);
  best[0] = 0;
  for (let step = 0; step < steps; step++) {
    const next = new Float64Array(states).fill(Number.NEGATIVE_INFINITY);
    for (let state = 0; state < states; state++) {
      let value = best[state] as number;
      let back = 0;
      // Before the first step there is only the beginning: the first class may follow it at once.
      if (state >= 1 && (best[state - 1] as number) > value) [value, back] = [best[state - 1] as number, 1];
      const skips = state >= 3 && state % 2 === 1 && labelOf(state) !== labelOf(state - 2);
      if (skips && (best[state - 2] as number) > value) [value, back] = [best[state - 2] as number, 2];
      next[state] = value + (logProbabilities[step * classes + labelOf(state)] as number);
      from[step * states + state] = back;
    }
    best = next;
  }
  let state = (best[states - 1] as number) > (best[states - 2] as number) ? states - 1 : states - 2;
  if (!Number.isFinite(best[state] as number)) {
    throw new InputError(
      `word times: ${sequence.length} classes in ${steps} steps were required to be possible, got none; decode the same log-probabilities`,
    );
  }
  const scores = new Float64Array(steps);
  const spans = sequence.map((label) => ({ label, first: -1, last: -1 }));
  for (let step = steps - 1; step >= 0; step--) {
    scores[step] = logProbabilities[step * classes + labelOf(state)] as number;
    if (state % 2 === 1) {
      const span = spans[(state - 1) / 2] as { first: number; last: number };
      if (span.last < 0) span.last = step;
      span.first = step;
    }
    state -= from[step * states + state] as number;
  }
  return { placed: spans, scores };
}

function wordsOf(
  placed: readonly Placed[],
  pieces: readonly LabelPiece[],
): { word: string; first: number; last: number }[] {
  const words: { word: string; first: number; last: number }[] = [];
  let open = false;
  for (const { label, first, last } of placed) {
    const { startsWord, text } = pieces[label] as LabelPiece;
    if (startsWord) open = false;
    if (text === '') continue;
    const word = words.at(-1);
    if (open && word !== undefined) {
      word.word += text;
      word.last = last;
    } else words.push({ word: text, first, last });
    open = true;
  }
  return words;
}
