import { InputError } from '../../errors.js';
import type { GreedyDecoding } from '../types.js';
import { labelPieces, textOf } from './labelPieces.js';

/** Counts the changes to what decoding gives: raise it when the same log-probabilities give another text. Kept results carry it. */
export const DECODER_VERSION = 2;

/**
 * Decodes the output of a connectionist temporal classification (CTC) network greedily: the best class of each step,
 * repeats joined, blanks dropped.
 *
 * Of equal classes the first is taken, as NumPy's `argmax` does. Spaces at the ends are dropped, and runs of them joined;
 * `|` and `▁` stand for spaces.
 *
 * @param logProbabilities - natural logarithms, row-major, shape [steps, labels.length]; what follows is not read
 * @param steps - output steps of this utterance, padding not counted
 * @param labels - text of each class; the blank's is not used
 * @param blank - class that stands for nothing
 * @returns the text, its classes, and the sum of the best log-probability of each step
 * @throws {InputError} when there are fewer values than steps × labels, or a step has no number in it
 * @see Graves et al. 2006, "Connectionist Temporal Classification", section 3.2 (best path decoding)
 * @example
 * decodeGreedy(new Float32Array([-9, -0.1, -0.1, -9]), 2, ['', 'a'], 0); // { text: 'a', logProbability: -0.2, sequence: [1] }
 */
export function decodeGreedy(
  logProbabilities: Float32Array,
  steps: number,
  labels: readonly string[],
  blank: number,
): GreedyDecoding {
  const classes = labels.length;
  if (classes === 0 || logProbabilities.length < steps * classes) {
    throw new InputError(
      `log-probabilities: ${steps} × ${classes} values were required, got ${logProbabilities.length}; the model does not fit its card`,
    );
  }
  const sequence: number[] = [];
  let logProbability = 0;
  let previous = blank;
  for (let step = 0, row = 0; step < steps; step++, row += classes) {
    let best = -1;
    let bestValue = Number.NEGATIVE_INFINITY;
    for (let index = 0; index < classes; index++) {
      const value = logProbabilities[row + index] as number;
      if (value > bestValue) {
        best = index;
        bestValue = value;
      }
    }
    if (best < 0) {
      throw new InputError(
        `log-probabilities: a number was required in step ${step}, got NaN or minus infinity only; the model is damaged`,
      );
    }
    logProbability += bestValue;
    if (best !== previous && best !== blank) sequence.push(best);
    previous = best;
  }
  return { text: textOf(sequence, labelPieces(labels)), logProbability, sequence };
}
