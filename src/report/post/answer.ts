import type { ConditionSummary, Summary } from '../../study/schema.js';
import { METRICS, WORD_ERRORS } from '../metrics.js';
import { type Evidence, standingOf } from '../standing.js';
import { gapsOf, type Measured, measuredOf, type Pair, pairsOf } from '../tables/measured.js';

/**
 * The run's answer in two sentences for each model that was compressed, true whatever the numbers are: of its first variant, and of those
 * that are smaller than this one and are shown to make fewer errors.
 *
 * @example answerOf(summary) // 'Beside CPU float32, CPU int8 dynamic is 1.84 times as fast (1.79 to 1.90), and has a file …'
 */
export function answerOf(summary: Summary): string {
  const pairs = pairsOf(summary);
  if (pairs.length === 0) {
    return ['No variant was measured beside the float32 model, so this run has no answer.', ...gapsOf(summary)].join(
      ' ',
    );
  }
  return pairs.flatMap((pair) => [pair, ...betterOf(pair, measuredOf(summary))].map(sentenceOf)).join(' ');
}

/** Variants of the same model, beside the same base, that are better than the first in words and in size. */
function betterOf({ base, variant }: Pair, all: readonly Measured[]): readonly Pair[] {
  return all
    .filter(
      ({ entry, outcome }) =>
        entry.comparison?.base === base.id &&
        entry.condition.model === variant.entry.condition.model &&
        standingOf(WORD_ERRORS, wordsOf(entry), wordsOf(variant.entry)) === 'better' &&
        outcome.sizeBytes < variant.outcome.sizeBytes,
    )
    .map((better) => ({ base, variant: better }));
}

function wordsOf({ accuracy, wordEdits }: ConditionSummary): Evidence {
  const { value, low, high } = accuracy?.wer ?? { value: 0, low: 0, high: 1 };
  return { estimate: { value, low, high }, samples: wordEdits };
}

function sentenceOf({ base, variant }: Pair): string {
  const clausesOf = (neutral: 0 | 1): readonly string[] =>
    METRICS.filter(({ comparison }) => comparison.neutral === neutral).flatMap(({ comparison }) => {
      const compared = comparison.of(variant.entry, base.entry);
      return compared === null ? [] : (comparison.inWords?.(compared, variant.entry) ?? []);
    });
  const gains = clausesOf(1).join(', and ') || 'was compared in nothing';
  return [`Beside ${base.title}, ${variant.title} ${gains}.`, ...clausesOf(0).map((clause) => `${clause}.`)].join(' ');
}
