import { distance } from 'fastest-levenshtein';
import { InputError } from '../errors.js';
import { countEdits } from './alignment.js';
import type { EditCounts } from './types.js';

/** Different values of a UTF-16 code unit, which is what `fastest-levenshtein` compares. */
const CODE_UNITS = 1 << 16;

/**
 * Counts the edits between two texts in words, which white space separates.
 *
 * Words have more than one shortest alignment: their number is always the same, and the split into substitutions,
 * deletions and insertions is the one of RapidFuzz, which jiwer uses (see `countEdits`).
 *
 * @param reference - what was said
 * @param hypothesis - what was recognised
 * @example
 * countWordEdits('please hold the line', 'please told a line'); // { substitutions: 2, deletions: 0, insertions: 0, hits: 2 }
 */
export function countWordEdits(reference: string, hypothesis: string): EditCounts {
  return countUnits(wordsOf(reference), wordsOf(hypothesis));
}

/**
 * Counts the edits between two texts in characters (Unicode code points), spaces within the text among them; white space
 * at both ends does not count. This is jiwer's measure.
 *
 * @param reference - what was said
 * @param hypothesis - what was recognised
 */
export function countCharacterEdits(reference: string, hypothesis: string): EditCounts {
  return countUnits(Array.from(reference.trim()), Array.from(hypothesis.trim()));
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

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function countUnits(reference: readonly string[], hypothesis: readonly string[]): EditCounts {
  const numbers = new Map<string, number>();
  const a = numbered(reference, numbers);
  const b = numbered(hypothesis, numbers);
  return countEdits(a, b, numbers.size <= CODE_UNITS ? distance(codeUnits(a), codeUnits(b)) : undefined);
}

/** Gives each different unit a number of its own, in order of appearance. */
function numbered(units: readonly string[], numbers: Map<string, number>): Int32Array {
  return Int32Array.from(units, (unit) => {
    const number = numbers.get(unit) ?? numbers.size;
    if (number === numbers.size) numbers.set(unit, number);
    return number;
  });
}

/** Writes one UTF-16 code unit for each number below 65,536. */
function codeUnits(numbers: Int32Array): string {
  let text = '';
  // Arguments of one call are limited.
  for (let start = 0; start < numbers.length; start += 4096) {
    text += String.fromCharCode(...numbers.subarray(start, start + 4096));
  }
  return text;
}
