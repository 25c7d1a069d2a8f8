import type { AlignedPair } from './alignmentView.js';

/** Something that went wrong, and how often. */
export interface Confusion {
  /** Words that were said, joined by spaces; empty for an insertion. */
  readonly reference: string;
  /** Words that were heard instead; empty for a deletion. */
  readonly hypothesis: string;
  readonly count: number;
}

/** What went wrong in a corpus; the most frequent first, in order of appearance where counts are equal. */
export interface Confusions {
  readonly substitutions: readonly Confusion[];
  readonly insertions: readonly Confusion[];
  readonly deletions: readonly Confusion[];
}

/**
 * Counts what was heard for what in a corpus. Neighbouring words with the same operation belong together, as in jiwer's
 * `collect_error_counts`: "the line" heard as "a lion" is one confusion of two words.
 *
 * @param alignments - pairs of each utterance, from `alignWords`
 * @example
 * countConfusions([alignWords('hold the line', 'told line')]).substitutions[0];
 * // { reference: 'hold', hypothesis: 'told', count: 1 }
 */
export function countConfusions(alignments: readonly (readonly AlignedPair[])[]): Confusions {
  const counts = { hit: new Counts(), substitution: new Counts(), insertion: new Counts(), deletion: new Counts() };
  for (const pairs of alignments) {
    for (let from = 0; from < pairs.length; ) {
      const operation = pairs[from]?.operation ?? 'hit';
      let to = from + 1;
      while (pairs[to]?.operation === operation) to++;
      if (operation !== 'hit') counts[operation].add(pairs.slice(from, to));
      from = to;
    }
  }
  return {
    substitutions: counts.substitution.ranked(),
    insertions: counts.insertion.ranked(),
    deletions: counts.deletion.ranked(),
  };
}

class Counts {
  readonly #counts = new Map<string, Confusion>();

  add(pairs: readonly AlignedPair[]): void {
    const reference = joined(pairs.map((pair) => pair.reference));
    const hypothesis = joined(pairs.map((pair) => pair.hypothesis));
    const key = `${reference}\n${hypothesis}`;
    this.#counts.set(key, { reference, hypothesis, count: (this.#counts.get(key)?.count ?? 0) + 1 });
  }

  ranked(): readonly Confusion[] {
    return [...this.#counts.values()].sort((one, other) => other.count - one.count);
  }
}

function joined(words: readonly (string | null)[]): string {
  return words.filter((word) => word !== null).join(' ');
}
