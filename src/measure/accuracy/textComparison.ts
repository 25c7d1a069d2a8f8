import { InputError } from '../../errors.js';
import { alignWords } from '../../speech/text/alignmentView.js';
import { DEFAULT_NORMALISER, type NormaliserName } from '../../speech/text/normaliser.js';
import { countWordEdits } from '../../speech/text/wer.js';
import {
  BOOTSTRAP_DEFAULTS,
  type BootstrapOptions,
  bootstrapDraws,
  bootstrapRatioByGroup,
  type Estimate,
  percentileInterval,
} from '../statistics/bootstrap.js';
import { type MatchedPairsTest, matchedPairsTest } from '../statistics/matchedPairs.js';
import { sum } from '../statistics/statistics.js';
import { editsIn, type Heard, normaliseHeard, speakersOf, unitsIn } from './accuracy.js';
import { type AccuracyTest, testAccuracy } from './accuracyTest.js';

/** What one recogniser heard beside what another, the base, heard of the same speech. */
export interface TextComparison {
  /** Word error rate minus that of the base, as a fraction; the interval draws utterances. */
  readonly werChange: Estimate;
  /** The same, the interval drawing speakers; `null` where fewer than five are known. */
  readonly werChangeBySpeaker: Estimate | null;
  /** Share of the resamples in which it has fewer errors than the base (Bisani and Ney 2004). */
  readonly probabilityOfImprovement: number;
  /** Whether it hears as well as the base, within margins that were fixed before. */
  readonly test: AccuracyTest;
  /** Whether the two differ at all. */
  readonly matchedPairs: MatchedPairsTest;
  /** Share of utterances with the same text. */
  readonly sameText: number;
  /** Word error rate against the base's texts instead of the transcripts; `null` where the base heard no word. */
  readonly werAgainstBase: number | null;
}

/** How texts are compared, and how sure the intervals are. */
export interface TextComparisonOptions extends BootstrapOptions {
  /** Brings both texts to one form before they are compared. Default `plain`. */
  readonly normaliser?: NormaliserName | undefined;
}

/**
 * Compares what two recognisers heard of the same utterances: the difference of their word error rates with a paired bootstrap
 * (Bisani and Ney 2004: utterances, or speakers, are drawn together for both), the matched-pairs test, and how far they agree.
 *
 * @param baseTexts - what the first one heard, at least one utterance
 * @param otherTexts - what the second one heard, in the same order
 * @throws {InputError} when the references are not the same, or have no word
 */
export function compareTexts(
  baseTexts: readonly Heard[],
  otherTexts: readonly Heard[],
  options: TextComparisonOptions = {},
): TextComparison {
  const [base, other] = [baseTexts, otherTexts].map((heard) => {
    return normaliseHeard(heard, options.normaliser ?? DEFAULT_NORMALISER);
  }) as [readonly Heard[], readonly Heard[]];
  const alignedBase = base.map(({ reference, text }) => alignWords(reference, text));
  const alignedOther = other.map(({ reference, text }) => alignWords(reference, text));
  const matchedPairs = matchedPairsTest(alignedBase, alignedOther);
  const errors = (pairs: readonly { readonly operation: string }[]): number => {
    return pairs.filter(({ operation }) => operation !== 'hit').length;
  };
  const baseErrors = alignedBase.map(errors);
  const changes = alignedOther.map((pairs, index) => errors(pairs) - (baseErrors[index] ?? 0));
  const words = alignedBase.map((pairs) => pairs.filter(({ reference }) => reference !== null).length);
  if (sum(words) === 0) {
    throw new InputError('comparison of recognisers: references with a word were required, got none; give transcripts');
  }
  const ratio = (indices: Int32Array): number => {
    let [change, count] = [0, 0];
    for (const index of indices) {
      change += changes[index] as number;
      count += words[index] as number;
    }
    return change / count;
  };
  const { value, drawn } = bootstrapDraws(words.length, ratio, options);
  const speakers = speakersOf(base);
  return {
    werChange: { value, ...percentileInterval(drawn, options.confidence ?? BOOTSTRAP_DEFAULTS.confidence) },
    werChangeBySpeaker: speakers === null ? null : bootstrapRatioByGroup(changes, words, speakers, options),
    test: testAccuracy(
      words.map((count, index) => {
        const [was, change] = [baseErrors[index] ?? 0, changes[index] ?? 0];
        return { base: was, other: was + change, words: count };
      }),
      speakers,
      options,
    ),
    probabilityOfImprovement: drawn.filter((change) => change < 0).length / drawn.length,
    matchedPairs,
    ...agreement(base, other),
  };
}

function agreement(
  base: readonly Heard[],
  other: readonly Heard[],
): Pick<TextComparison, 'sameText' | 'werAgainstBase'> {
  const counts = base.map(({ text }, index) => countWordEdits(text, other[index]?.text ?? ''));
  const words = sum(counts.map(unitsIn));
  return {
    sameText: base.filter(({ text }, index) => text === other[index]?.text).length / base.length,
    werAgainstBase: words === 0 ? null : sum(counts.map(editsIn)) / words,
  };
}
