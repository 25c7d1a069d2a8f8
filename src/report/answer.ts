import type { Estimate, Summary } from '../experiment/schema.js';
import { formatEstimate, formatFactor, formatNumber, formatPoints } from './format.js';
import { gapsOf, pairOf } from './measured.js';

/** What an interval says about a value that would be neutral. */
export type Verdict = 'above' | 'below' | 'undecided';

/** Where a 95 % interval lies: `undecided` when it holds the neutral value. */
export function verdictOf({ low, high }: Estimate, neutral: number): Verdict {
  if (low > neutral) return 'above';
  return high < neutral ? 'below' : 'undecided';
}

/**
 * The run's answer in one or two sentences, true whatever the numbers are.
 *
 * @example answerOf(summary) // 'CPU int8 dynamic against CPU float32: 1.84× (1.79× to 1.90×) as fast, a file 3.87× smaller, …'
 */
export function answerOf(summary: Summary): string {
  const pair = pairOf(summary);
  if (pair === null) {
    return ['No variant was measured beside the float32 model, so this run has no answer.', ...gapsOf(summary)].join(
      ' ',
    );
  }
  const { base, variant } = pair;
  const comparison = variant.entry.comparison;
  if (comparison?.werChange == null) return '';
  const speed = formatEstimate(comparison.latencySpeedUp, formatFactor);
  const change = formatEstimate(comparison.werChange, formatPoints);
  const faster = {
    above: 'it is faster',
    below: 'it is slower',
    undecided: 'no difference in speed is shown',
  }[verdictOf(comparison.latencySpeedUp, 1)];
  const accuracy = {
    above: 'it makes more errors',
    below: 'it makes fewer errors',
    undecided: 'no difference in errors is shown',
  }[verdictOf(comparison.werChange, 0)];
  return [
    `${variant.title} against ${base.title}: ${faster} (${speed} the speed), ${accuracy} (word error rate ${change} points),`,
    `and the file is ${sizeInWords(comparison.compression)}.`,
  ].join(' ');
}

function sizeInWords(compression: number): string {
  return compression >= 1
    ? `${formatNumber(compression, 2)} times smaller`
    : `${formatNumber(1 / compression, 2)} times larger`;
}
