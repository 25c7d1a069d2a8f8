import { InputError } from '../../errors.js';
import type { AlignedPair } from '../../speech/text/alignmentView.js';
import { twoSidedNormalTail } from './normalDistribution.js';
import { mean, standardDeviation } from './statistics.js';

/** Errors of two recognisers in the same stretch of speech. */
export interface SegmentErrors {
  readonly base: number;
  readonly other: number;
}

/** Whether two recognisers differ, by the matched-pairs sentence-segment word error test. */
export interface MatchedPairsTest {
  /** Stretches in which at least one of the two errs. */
  readonly segments: number;
  /** Errors of the other minus those of the base, of a segment on average. */
  readonly meanDifference: number;
  /** Of the differences, divided by n − 1. */
  readonly standardDeviation: number;
  /** Mean over its standard error; `null` where all segments differ by the same amount, so that there is none. */
  readonly z: number | null;
  /** Two-sided, from the normal distribution: a rough value below some 50 segments. `null` with `z`. */
  readonly p: number | null;
}

/** Words that both must have right, one behind another, to part two segments. */
const WORDS_BETWEEN = 2;

/**
 * Tests whether two recognisers differ in their word errors on the same speech: matched-pairs sentence-segment word error
 * test, MAPSSWE (Gillick and Cox 1989).
 *
 * Errors within a sentence depend on each other, so speech is cut where both recognisers have two words right in a row, and
 * the differences of the errors between the cuts count as independent. Segments and statistic are those of NIST's SCTK
 * (`sc_stats -t mapsswe`) on the same alignments, with one exception: words that the second recogniser adds behind the last
 * word of a sentence, which SCTK overlooks, are counted. SCTK's own alignments weigh a substitution 4 and others 3, ours
 * all alike: of the same texts it may find a segment in some hundreds more or less.
 *
 * @param base - alignments of the first recogniser, one for each utterance
 * @param other - of the second, for the same references
 * @throws {InputError} when the references are not the same
 */
export function matchedPairsTest(
  base: readonly (readonly AlignedPair[])[],
  other: readonly (readonly AlignedPair[])[],
): MatchedPairsTest {
  if (base.length !== other.length) throw differentReferences(`${base.length} and ${other.length} utterances`);
  const segments = base.flatMap((pairs, index) => segmentErrors(pairs, other[index] ?? []));
  const differences = segments.map((segment) => segment.other - segment.base);
  if (differences.every((difference) => difference === 0)) {
    return { segments: segments.length, meanDifference: 0, standardDeviation: 0, z: 0, p: 1 };
  }
  const [meanDifference, deviation] = [mean(differences), standardDeviation(differences)];
  const z = deviation > 0 ? meanDifference / (deviation / Math.sqrt(segments.length)) : null;
  const p = z === null ? null : twoSidedNormalTail(z);
  return { segments: segments.length, meanDifference, standardDeviation: deviation, z, p };
}

/**
 * Cuts one utterance into the stretches where at least one of two recognisers errs; words that both have right, two or more
 * in a row, lie between them.
 *
 * @throws {InputError} when the references are not the same
 */
export function segmentErrors(base: readonly AlignedPair[], other: readonly AlignedPair[]): readonly SegmentErrors[] {
  const segments: SegmentErrors[] = [];
  let open: SegmentErrors = { base: 0, other: 0 };
  let right = 0;
  let [i, j] = [0, 0];
  const close = (): void => {
    if (open.base + open.other > 0) segments.push(open);
    open = { base: 0, other: 0 };
  };
  const add = (errors: SegmentErrors): void => {
    if (errors.base + errors.other === 0) return;
    open = { base: open.base + errors.base, other: open.other + errors.other };
    right = 0;
  };
  for (;;) {
    const [from, after] = [skipInsertions(base, i), skipInsertions(other, j)];
    add({ base: from - i, other: after - j });
    const [one, two] = [base[from], other[after]];
    if (one === undefined && two === undefined) break;
    if (one?.reference !== two?.reference) throw differentReferences(`"${one?.reference}" and "${two?.reference}"`);
    [i, j] = [from + 1, after + 1];
    right++;
    add({ base: one?.operation === 'hit' ? 0 : 1, other: two?.operation === 'hit' ? 0 : 1 });
    if (right === WORDS_BETWEEN) close();
  }
  close();
  return segments;
}

function skipInsertions(pairs: readonly AlignedPair[], from: number): number {
  let at = from;
  while (pairs[at]?.operation === 'insertion') at++;
  return at;
}

function differentReferences(got: string): InputError {
  return new InputError(
    `comparison of recognisers: the same references were required, got ${got}; let both hear the same utterances`,
  );
}
