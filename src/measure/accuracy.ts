import type { EditCounts } from '../speech/types.js';
import { countCharacterEdits, countWordEdits } from '../speech/wer.js';
import { bootstrapRatio, type Estimate } from './bootstrap.js';
import { sum } from './statistics.js';

/** How often it errs. */
export interface AccuracySummary {
  readonly utterances: number;
  readonly words: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  /** Word error rate, a fraction: edits summed over the corpus. */
  readonly wer: Estimate;
  /** Character error rate, a fraction. */
  readonly cer: Estimate;
}

/** What was said, and what was heard. */
export interface Heard {
  readonly reference: string;
  readonly text: string;
}

/**
 * Counts the errors of a corpus: edits summed over all utterances, over the words (characters) of all references. The
 * intervals draw utterances.
 *
 * @param heard - at least one
 * @throws {InputError} when there are none
 */
export function summarizeAccuracy(heard: readonly Heard[]): AccuracySummary {
  const words = heard.map(({ reference, text }) => countWordEdits(reference, text));
  const characters = heard.map(({ reference, text }) => countCharacterEdits(reference, text));
  return {
    utterances: heard.length,
    words: sum(words.map(unitsIn)),
    substitutions: sum(words.map(({ substitutions }) => substitutions)),
    deletions: sum(words.map(({ deletions }) => deletions)),
    insertions: sum(words.map(({ insertions }) => insertions)),
    wer: bootstrapRatio(words.map(editsIn), words.map(unitsIn)),
    cer: bootstrapRatio(characters.map(editsIn), characters.map(unitsIn)),
  };
}

/** Words or characters that had to be replaced, removed or added. */
export function editsIn({ substitutions, deletions, insertions }: EditCounts): number {
  return substitutions + deletions + insertions;
}

/** Words or characters of the reference. */
export function unitsIn({ substitutions, deletions, hits }: EditCounts): number {
  return substitutions + deletions + hits;
}
