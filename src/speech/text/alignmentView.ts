import { alignUnits, DELETION, INSERTION, SUBSTITUTION } from './alignment.js';
import { numberUnits, splitWords } from './words.js';

/** What happened to a word (or character). */
export type AlignmentOperation = 'hit' | 'substitution' | 'deletion' | 'insertion';

/** A word of the reference beside the word that was heard for it. */
export interface AlignedPair {
  readonly operation: AlignmentOperation;
  /** `null` where something was heard that nobody said: an insertion. */
  readonly reference: string | null;
  /** `null` where nothing was heard: a deletion. */
  readonly hypothesis: string | null;
}

/** How an alignment is printed. */
export interface AlignmentTextOptions {
  /** Columns after which a new block of lines begins, the label included. Default: one block, however long. */
  readonly lineWidth?: number;
  /** Default: `words`. Characters stand side by side, without a space between. */
  readonly units?: 'words' | 'characters';
}

const MARKS: Readonly<Record<AlignmentOperation, string>> = {
  hit: ' ',
  substitution: 'S',
  deletion: 'D',
  insertion: 'I',
};

/**
 * Aligns two texts word by word, with the alignment whose edits `countWordEdits` counts.
 *
 * @param reference - what was said
 * @param hypothesis - what was recognised
 * @example
 * alignWords('hold the line', 'told line');
 * // told for hold (substitution), the is missing (deletion), line is a hit
 */
export function alignWords(reference: string, hypothesis: string): readonly AlignedPair[] {
  return align(splitWords(reference), splitWords(hypothesis));
}

/**
 * Prints an alignment as jiwer's `visualize_alignment` does: the reference, what was heard, and a line of marks (S, D, I),
 * one below the other; asterisks stand where a word is missing.
 *
 * @param pairs - of one utterance
 * @returns three lines (for each block), each with a line break at its end
 * @example
 * formatAlignment(alignWords('hold the line', 'told line'));
 * // REF: hold the line
 * // HYP: told *** line
 * //         S   D
 */
export function formatAlignment(pairs: readonly AlignedPair[], options: AlignmentTextOptions = {}): string {
  const { lineWidth = Number.POSITIVE_INFINITY, units = 'words' } = options;
  const space = units === 'words' ? ' ' : '';
  const blocks: string[] = [];
  let lines = { reference: 'REF: ', hypothesis: 'HYP: ', marks: '     ', width: 5 };
  const close = (): void => {
    const end = space === '' ? undefined : -1;
    const { reference, hypothesis, marks } = lines;
    blocks.push([reference, hypothesis, marks].map((line) => `${line.slice(0, end)}\n`).join(''));
    lines = { reference: 'REF: ', hypothesis: 'HYP: ', marks: '     ', width: 5 };
  };
  for (const { operation, reference, hypothesis } of pairs) {
    const width = Math.max(lengthOf(reference ?? '*'), lengthOf(hypothesis ?? '*'));
    if (lines.width + width > lineWidth) close();
    lines.reference += cell(reference, width) + space;
    lines.hypothesis += cell(hypothesis, width) + space;
    lines.marks += MARKS[operation].padStart(width) + space;
    lines.width += width + space.length;
  }
  close();
  return blocks.join('\n');
}

function align(reference: readonly string[], hypothesis: readonly string[]): readonly AlignedPair[] {
  const numbers = new Map<string, number>();
  const steps = alignUnits(numberUnits(reference, numbers), numberUnits(hypothesis, numbers));
  const pairs: AlignedPair[] = [];
  let said = 0;
  let heard = 0;
  for (const step of steps) {
    if (step === INSERTION) {
      pairs.push({ operation: 'insertion', reference: null, hypothesis: hypothesis[heard++] ?? '' });
    } else if (step === DELETION) {
      pairs.push({ operation: 'deletion', reference: reference[said++] ?? '', hypothesis: null });
    } else {
      const operation = step === SUBSTITUTION ? 'substitution' : 'hit';
      pairs.push({ operation, reference: reference[said++] ?? '', hypothesis: hypothesis[heard++] ?? '' });
    }
  }
  return pairs;
}

function cell(text: string | null, width: number): string {
  if (text === null) return '*'.repeat(width);
  return ' '.repeat(width - lengthOf(text)) + text;
}

/** Code points, as jiwer counts them; neither side knows how wide a terminal draws them. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
