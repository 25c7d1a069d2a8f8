import { InputError } from '../../errors.js';
import type { EditCounts } from '../types.js';
import { countEdits } from './alignment.js';
import { createNormaliser, DEFAULT_NORMALISER, type NormaliserName } from './normaliser.js';
import { numberUnits, splitCharacters, splitWords } from './words.js';

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

/** Edits over reference units; of references without any unit the number of edits, as jiwer 4 has it: never NaN or infinite. */
export function rateOf(edits: number, units: number): number {
  return units === 0 ? edits : edits / units;
}

/**
 * Error rate of a corpus: edits of all utterances over reference units of all utterances. It is not the mean of the
 * utterances' rates.
 *
 * @param counts - one record for each utterance
 * @returns a fraction; above 1 where there are more edits than reference units. Where no reference has a unit, the number of
 * insertions, as jiwer 4 has it: 0 where nothing was heard either
 */
export function errorRate(counts: readonly EditCounts[]): number {
  return errorMeasures(counts).errorRate;
}

/**
 * Word error rate of a text, or of a corpus (edits of all texts over words of all references), as jiwer's `wer` of the same
 * texts: nothing is normalised.
 *
 * @param reference - what was said: a text, or one for each utterance
 * @param hypothesis - what was recognised, in the same order
 * @returns a fraction; above 1 where there are more edits than words
 * @throws {InputError} when the two have not the same number of texts
 * @example
 * wordErrorRate('please hold the line', 'please told a line'); // 0.5
 */
export function wordErrorRate(reference: Texts, hypothesis: Texts): number {
  return errorRate(pairUp(reference, hypothesis).map((pair) => countWordEdits(...pair)));
}

/**
 * Character error rate, as jiwer's `cer`; see {@link wordErrorRate}.
 *
 * @param reference - what was said: a text, or one for each utterance
 * @param hypothesis - what was recognised, in the same order
 * @returns a fraction; above 1 where there are more edits than characters
 * @throws {InputError} when the two have not the same number of texts
 */
export function characterErrorRate(reference: Texts, hypothesis: Texts): number {
  return errorRate(pairUp(reference, hypothesis).map((pair) => countCharacterEdits(...pair)));
}

type Texts = string | readonly string[];

function pairUp(reference: Texts, hypothesis: Texts): (readonly [string, string])[] {
  const [said, heard] = [[reference].flat(), [hypothesis].flat()];
  if (said.length !== heard.length) {
    throw new InputError(
      `hypotheses: as many as references (${said.length}) were required, got ${heard.length}; give one for each, empty where nothing was heard`,
    );
  }
  return said.map((text, index) => [text, heard[index] ?? '']);
}

/** Measures of what two texts share, jiwer's four. */
export interface ErrorMeasures {
  /** Edits over reference units: WER of words, CER of characters. */
  readonly errorRate: number;
  /** Match error rate: edits over all steps of the alignment, 0…1. */
  readonly matchErrorRate: number;
  /** Word information preserved: hits over reference units times hits over hypothesis units, 0…1. */
  readonly informationPreserved: number;
  /** Word information lost: what is not preserved. */
  readonly informationLost: number;
}

/**
 * Measures of a corpus, from the edits of all utterances together; where units are missing, jiwer 4's values.
 *
 * @param counts - one record for each utterance
 * @see Morris, Maier & Green 2004, "From WER and RIL to MER and WIL"
 */
export function errorMeasures(counts: readonly EditCounts[]): ErrorMeasures {
  let [substitutions, deletions, insertions, hits] = [0, 0, 0, 0];
  for (const one of counts) {
    substitutions += one.substitutions;
    deletions += one.deletions;
    insertions += one.insertions;
    hits += one.hits;
  }
  const edits = substitutions + deletions + insertions;
  const [said, heard] = [hits + substitutions + deletions, hits + substitutions + insertions];
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const informationPreserved = said + heard === 0 ? 1 : share(hits, said) * share(hits, heard);
  return {
    errorRate: rateOf(edits, said),
    matchErrorRate: share(edits, edits + hits),
    informationPreserved,
    informationLost: 1 - informationPreserved,
  };
}

/**
 * Word and character error rate of texts that were heard.
 *
 * @param heard - what was said, and what was recognised
 * @param normaliser - brings both to one form
 */
export function ratesOf(
  heard: readonly { readonly reference: string; readonly text: string }[],
  normaliser: NormaliserName = DEFAULT_NORMALISER,
): { readonly wer: number; readonly cer: number } {
  const normalise = createNormaliser(normaliser);
  const pairs = heard.map(({ reference, text }) => [normalise(reference), normalise(text)] as const);
  return {
    wer: errorRate(pairs.map((pair) => countWordEdits(...pair))),
    cer: errorRate(pairs.map((pair) => countCharacterEdits(...pair))),
  };
}

function countUnits(reference: readonly string[], hypothesis: readonly string[]): EditCounts {
  const numbers = new Map<string, number>();
  return countEdits(numberUnits(reference, numbers), numberUnits(hypothesis, numbers));
}
