import { createNormaliser, DEFAULT_NORMALISER, type NormaliserName } from '../../speech/text/normaliser.js';
import { countCharacterEdits, countWordEdits, rateOf } from '../../speech/text/wer.js';
import type { EditCounts } from '../../speech/types.js';
import { bootstrapRatioByGroup, type Estimate } from '../statistics/bootstrap.js';
import { sum } from '../statistics/statistics.js';

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
  /** Intervals that draw speakers instead of utterances; only where five or more are known. */
  readonly bySpeaker?: { readonly speakers: number; readonly wer: Estimate; readonly cer: Estimate } | undefined;
}

/** What was said, and what was heard. */
export interface Heard {
  readonly reference: string;
  readonly text: string;
  /** Who spoke, where that is known. */
  readonly speaker?: string | undefined;
}

/**
 * Counts the errors of a corpus: edits summed over all utterances, over the words (characters) of all references. The
 * intervals draw utterances, and speakers where five or more are known: what other speakers would bring is less certain
 * (and with fewer than some ten speakers the interval is itself uncertain, rather too narrow; with fewer than five it is none).
 *
 * @param texts - at least one
 * @param normaliser - brings both texts to one form before they are compared
 * @throws {InputError} when there are none
 */
export function summarizeAccuracy(
  texts: readonly Heard[],
  normaliser: NormaliserName = DEFAULT_NORMALISER,
): AccuracySummary {
  const heard = normaliseHeard(texts, normaliser);
  const words = heard.map(({ reference, text }) => countWordEdits(reference, text));
  const characters = heard.map(({ reference, text }) => countCharacterEdits(reference, text));
  const [wordEdits, wordUnits] = [words.map(editsIn), words.map(unitsIn)];
  const [characterEdits, characterUnits] = [characters.map(editsIn), characters.map(unitsIn)];
  const speakers = speakersOf(heard);
  return {
    utterances: heard.length,
    words: sum(wordUnits),
    substitutions: sum(words.map(({ substitutions }) => substitutions)),
    deletions: sum(words.map(({ deletions }) => deletions)),
    insertions: sum(words.map(({ insertions }) => insertions)),
    wer: bootstrapRate(wordEdits, wordUnits),
    cer: bootstrapRate(characterEdits, characterUnits),
    ...(speakers !== null && {
      bySpeaker: {
        speakers: new Set(speakers).size,
        wer: bootstrapRate(wordEdits, wordUnits, speakers),
        cer: bootstrapRate(characterEdits, characterUnits, speakers),
      },
    }),
  };
}

/** Word edits of each text, in order. */
export function wordEditsOf(
  texts: readonly Heard[],
  normaliser: NormaliserName = DEFAULT_NORMALISER,
): readonly number[] {
  return normaliseHeard(texts, normaliser).map(({ reference, text }) => editsIn(countWordEdits(reference, text)));
}

/** An error rate with its interval; of references without any unit the number of edits alone, as jiwer 4 has it. */
function bootstrapRate(
  edits: readonly number[],
  units: readonly number[],
  groups: readonly string[] = units.map((_, index) => `${index}`),
): Estimate {
  if (sum(units) > 0) return bootstrapRatioByGroup(edits, units, groups);
  const value = rateOf(sum(edits), 0);
  return { value, low: value, high: value };
}

/** Brings what was said and what was heard to one form. */
export function normaliseHeard(heard: readonly Heard[], normaliser: NormaliserName): readonly Heard[] {
  const normalise = createNormaliser(normaliser);
  return heard.map((one) => ({ ...one, reference: normalise(one.reference), text: normalise(one.text) }));
}

/** Fewest speakers that an interval draws. */
const FEWEST_SPEAKERS = 5;

/** Who spoke each utterance; `null` where one is not known or there are fewer than five. */
export function speakersOf(heard: readonly Heard[]): readonly string[] | null {
  const speakers = heard.flatMap(({ speaker }) => (speaker === undefined ? [] : [speaker]));
  return speakers.length === heard.length && new Set(speakers).size >= FEWEST_SPEAKERS ? speakers : null;
}

/** Words or characters that had to be replaced, removed or added. */
export function editsIn({ substitutions, deletions, insertions }: EditCounts): number {
  return substitutions + deletions + insertions;
}

/** Words or characters of the reference. */
export function unitsIn({ substitutions, deletions, hits }: EditCounts): number {
  return substitutions + deletions + hits;
}
