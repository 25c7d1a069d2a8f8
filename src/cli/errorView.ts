import { alignWords, formatAlignment } from '../speech/text/alignmentView.js';
import { type Confusion, countConfusions } from '../speech/text/confusions.js';

/** A hypothesis beside its reference. */
export interface ScoredText {
  readonly id: string;
  readonly reference: string;
  readonly text: string;
}

/** Confusions that are shown. */
const MOST_FREQUENT = 10;

/** Each text with a word error, word below word, then the most frequent confusions. */
export function wordErrors(texts: readonly ScoredText[]): string {
  const alignments = texts.map(({ reference, text }) => alignWords(reference, text));
  const views = alignments.flatMap((pairs, index) => {
    if (pairs.every(({ operation }) => operation === 'hit')) return [];
    return [`${texts[index]?.id ?? ''}\n${formatAlignment(pairs, { lineWidth: 100 })}`];
  });
  const { substitutions, deletions, insertions } = countConfusions(alignments);
  const top = (confusions: readonly Confusion[]): string => {
    const shown = confusions.slice(0, MOST_FREQUENT).map(({ reference, hypothesis, count }) => {
      return `${[reference, hypothesis].filter((text) => text !== '').join(' → ')} (${count})`;
    });
    return shown.length === 0 ? 'none' : shown.join(', ');
  };
  const summary = `substituted: ${top(substitutions)}\ndeleted: ${top(deletions)}\ninserted: ${top(insertions)}\n`;
  return `${views.map((view) => `${view}\n`).join('')}${summary}`;
}
