import { type AccuracyGate, type AccuracyTest, FEWEST_WORDS } from '../measure/accuracy/accuracyTest.js';
import { formatNumber, formatPercent, formatPoints } from './tables/format.js';

/** Whether it is shown that a variant loses no more words than was fixed before. */
export function marginText({ words, margin, withinMargin }: AccuracyTest): string {
  const claim = `stays within ${formatNumber(100 * margin, 0)} point`;
  if (withinMargin === 'shown') return `it is shown that it ${claim}`;
  if (withinMargin !== 'too few words') return `it is not shown that it ${claim}`;
  return `${formatNumber(words, 0)} words are too few to show that it ${claim}`;
}

/** All that the test of the accuracy says: the margin, what it rests on, and MLPerf's gate. */
export function testText(test: AccuracyTest): string {
  const gate = test.gate === null ? '' : `; it ${gateText(test.gate)}`;
  return `${marginText(test)} (${powerText(test)})${gate}`;
}

/** What the test rests on, and what it could have shown. */
function powerText({ words, mostChange, visibleChange }: AccuracyTest): string {
  return `at most ${formatPoints(mostChange)} points more, one-sided 95 %; ${formatNumber(FEWEST_WORDS, 0)} words were asked for beforehand, and ${formatNumber(words, 0)} show a margin of ${formatPercent(visibleChange)} points in 80 of 100 cases`;
}

/** MLPerf's gate: whether a variant passes, and whether other speech of the kind would let it pass. */
export function gateText({ required, kept, leastKept, passes, withinGate }: AccuracyGate): string {
  const share = `keeps ${formatPercent(kept)} % of the accuracy, at least ${formatPercent(leastKept)} %`;
  const rest = passes && withinGate !== 'shown' ? ' as measured; for other speech of the kind it is not shown' : '';
  return `${passes ? 'passes' : 'misses'} MLPerf's gate of ${formatNumber(100 * required, 0)} %${rest} (${share})`;
}
