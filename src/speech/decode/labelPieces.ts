/** Marks of a word's beginning that networks use in place of a space: wav2vec 2.0's bar, SentencePiece's low line. */
const BAR = '|';
const LOW_LINE = '▁';

/** What a network's class adds to a text. */
export interface LabelPiece {
  /** Whether a word ends before it. */
  readonly startsWord: boolean;
  /** Characters, without the mark of a word. */
  readonly text: string;
}

/**
 * What each class adds to a text: a space, `|` and `▁` end a word, `▁the` ends one and begins another.
 *
 * @param labels - of a model card; classes that stand for nothing are empty
 * @example labelPieces(['', '|', 'a', '▁the']).at(-1); // { startsWord: true, text: 'the' }
 */
export function labelPieces(labels: readonly string[]): LabelPiece[] {
  return labels.map((label) => {
    if (label === ' ' || label === BAR) return { startsWord: true, text: '' };
    if (label.startsWith(LOW_LINE)) return { startsWord: true, text: label.slice(LOW_LINE.length) };
    return { startsWord: false, text: label };
  });
}

/**
 * The text of a sequence of classes, words one space apart.
 *
 * @param sequence - classes, repeats joined and blanks dropped
 */
export function textOf(sequence: Iterable<number>, pieces: readonly LabelPiece[]): string {
  let text = '';
  for (const label of sequence) {
    const piece = pieces[label];
    if (piece !== undefined) text += piece.startsWord ? ` ${piece.text}` : piece.text;
  }
  return text.replace(/ +/g, ' ').trim();
}
