import { InputError } from '../errors.js';
import { countEdits } from './alignment.js';
import type { EditCounts } from './types.js';
import { splitCharacters, splitWords } from './words.js';

/**
 * Counts the edits between two texts in words, with jiwer's arithmetic: spaces separate words (a single tab or line break
 * does not: normalise first).
 *
 * Words have more than one shortest alignment: their number is always the same, and the split into substitutions,
 * deletions and insertions is the one of RapidFuzz, which jiwer uses.
 *
 * @param reference - what was said
 * @param hypothesis - what was recognised
 * @example
 * countWordEdits('please hold the line', 'please told a line'); // { substitutions: 2, deletions: 0, insertions: 0, hits: 2 }
 */
export function countWordEdits(reference: string, hypothesis: string): EditCounts {
  return countUnits(splitWords(reference), splitWords(hypothesis));
}

/**
 * Counts the edits between two texts in characters (Unicode code points), spaces within the text among them; white space
 * at both ends does not count. This is jiwer's measure.
 *
 * @param reference - what was said
 * @param hypothesis - what was recognised
 */
export function countCharacterEdits(reference: string, hypothesis: string): EditCounts {
  return countUnits(splitCharacters(reference), splitCharacters(hypothesis));
}

/**
 * Error rate of a corpus: edits of all utterances over reference units of all utterances. It is not the mean of the
 * utterances' rates.
 *
 * @param counts - one record for each utterance
 * @returns a fraction; above 1 where there are more edits than reference units
 * @throws {InputError} when the references have no unit at all: the rate is then not defined
 */
export function errorRate(counts: readonly EditCounts[]): number {
  let edits = 0;
  let units = 0;
  for (const { substitutions, deletions, insertions, hits } of counts) {
    edits += substitutions + deletions + insertions;
    units += substitutions + deletions + hits;
  }
  if (units === 0) {
    throw new InputError('error rate: references with one word or more were required, got none; give transcripts');
  }
  return edits / units;
}

/** Gives each different unit a number of its own, in order of appearance. */
export function numberUnits(units: readonly string[], numbers: Map<string, number>): Int32Array {
  const numbered = new Int32Array(units.length);
  for (let index = 0; index < units.length; index++) {
    const unit = units[index] as string;
    let number = numbers.get(unit);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(unit, number);
    }
    numbered[index] = number;
  }
  return numbered;
}

function countUnits(reference: readonly string[], hypothesis: readonly string[]): EditCounts {
  const numbers = new Map<string, number>();
  return countEdits(numberUnits(reference, numbers), numberUnits(hypothesis, numbers));
}
