import { type BootstrapOptions, bootstrapDraws } from '../statistics/bootstrap.js';
import { quantileSorted, standardDeviation, sum } from '../statistics/statistics.js';

/** Word error rate that a variant may lose, as a fraction: one point. Fixed before anything was measured. */
export const MARGIN = 0.01;

/** Share of the base's accuracy (1 minus the word error rate) that a variant must keep: MLPerf Inference's 99 %. */
export const KEPT_ACCURACY = 0.99;

/** Fewest words of which the claim is made that a variant loses no more than {@link MARGIN}. */
export const FEWEST_WORDS = 3000;

/** One-sided 95 % of the normal distribution, and the 80 % of power: their sum times the standard error is what a test sees. */
const [SURE, POWER] = [1.6449, 0.8416];

/** Whether something is shown by a one-sided test at 95 %; of too few words nothing is. */
export type Shown = 'shown' | 'not shown' | 'too few words';

/** Whether a variant hears as well as the model it was made from, within margins that were fixed before. */
export interface AccuracyTest {
  readonly words: number;
  /** As a fraction; see {@link MARGIN}. */
  readonly margin: number;
  /** What the word error rate has risen by at most: one-sided 95 % bound of the change, as a fraction. */
  readonly mostChange: number;
  /** Whether that is no more than the margin (non-inferiority). */
  readonly withinMargin: Shown;
  /** Smallest margin that a test of so many words shows in 80 of 100 cases for a variant that in truth loses nothing, as a fraction. */
  readonly visibleChange: number;
  /** MLPerf's gate; `null` where the base has no accuracy to keep (a word error rate of 1 or more). */
  readonly gate: AccuracyGate | null;
}

/** Whether a variant keeps 99 % of the base's accuracy. */
export interface AccuracyGate {
  /** As a fraction; see {@link KEPT_ACCURACY}. */
  readonly required: number;
  /** Share of the accuracy that it kept, as measured. */
  readonly kept: number;
  /** What it keeps at least: one-sided 95 % bound. */
  readonly leastKept: number;
  /** Whether what was measured passes, as MLPerf asks. */
  readonly passes: boolean;
  /** Whether other speech of the kind would pass, too. */
  readonly withinGate: Shown;
}

/** Errors of two recognisers in one utterance. */
export interface UtteranceErrors {
  readonly base: number;
  readonly other: number;
  /** That were said. */
  readonly words: number;
}

/**
 * Tests a variant against its base by the margins above: bootstrap of the utterances, drawn together for both; where speakers are
 * given, of the speakers too, and the less sure of the two counts.
 *
 * @param utterances - at least one word in all
 * @param speakers - who spoke each; `null` where they are too few to draw
 */
export function testAccuracy(
  utterances: readonly UtteranceErrors[],
  speakers: readonly string[] | null,
  options: BootstrapOptions = {},
): AccuracyTest {
  const words = sum(utterances.map((one) => one.words));
  const isEnough = words >= FEWEST_WORDS;
  const shown = (holds: boolean): Shown => (isEnough ? (holds ? 'shown' : 'not shown') : 'too few words');
  const groupings = [utterances, ...(speakers === null ? [] : [bySpeaker(utterances, speakers)])];
  const drawn = (statistic: (sums: UtteranceErrors) => number): readonly Float64Array[] =>
    groupings.map(
      (units) => bootstrapDraws(units.length, (indices) => statistic(sumOf(units, indices)), options).drawn,
    );
  const changes = drawn(({ base, other, words: count }) => (other - base) / count);
  const mostChange = Math.max(...changes.map((rising) => quantileSorted(rising, 0.95)));
  return {
    words,
    margin: MARGIN,
    mostChange,
    withinMargin: shown(mostChange <= MARGIN),
    visibleChange: (SURE + POWER) * Math.max(...changes.map((values) => standardDeviation(values))),
    gate: gateOf(utterances, drawn, shown),
  };
}

function gateOf(
  utterances: readonly UtteranceErrors[],
  drawn: (statistic: (sums: UtteranceErrors) => number) => readonly Float64Array[],
  shown: (holds: boolean) => Shown,
): AccuracyGate | null {
  const { base, other, words } = sumOf(utterances, utterances.keys());
  if (base >= words) return null;
  const kept = (words - other) / (words - base);
  // A resample in which the base hears nothing right has no share, and is drawn again.
  const shares = drawn((sums) =>
    sums.base < sums.words ? (sums.words - sums.other) / (sums.words - sums.base) : Number.NaN,
  );
  const leastKept = Math.min(...shares.map((rising) => quantileSorted(rising, 0.05)));
  return {
    required: KEPT_ACCURACY,
    kept,
    leastKept,
    passes: kept >= KEPT_ACCURACY,
    withinGate: shown(leastKept >= KEPT_ACCURACY),
  };
}

function sumOf(units: readonly UtteranceErrors[], indices: Iterable<number>): UtteranceErrors {
  let [base, other, words] = [0, 0, 0];
  for (const index of indices) {
    const unit = units[index] as UtteranceErrors;
    base += unit.base;
    other += unit.other;
    words += unit.words;
  }
  return { base, other, words };
}

function bySpeaker(utterances: readonly UtteranceErrors[], speakers: readonly string[]): readonly UtteranceErrors[] {
  const places = new Map<string, number[]>();
  for (const [place, speaker] of speakers.entries()) places.set(speaker, [...(places.get(speaker) ?? []), place]);
  return [...places.values()].map((own) => sumOf(utterances, own));
}
