import type { EditCounts } from '../types.js';
import { editDistance, editRow, fillEditTable } from './editTable.js';

/** The steps of an alignment. */
export const HIT = 0;
export const SUBSTITUTION = 1;
export const DELETION = 2;
export const INSERTION = 3;

/** Pairs with at least so many cells in their band are split before they are aligned (RapidFuzz: a table of one MiB). */
const SPLIT_CELLS = 1 << 22;
/** Shorter sequences are never split. */
const SPLIT_LENGTHS = { reference: 65, hypothesis: 10 } as const;

/**
 * Aligns two sequences with as few edits as possible.
 *
 * Among the shortest alignments it takes the one that RapidFuzz's `Levenshtein.editops` takes (version 3.14): the common beginning and
 * end are set aside, then the table is followed from its end, a deletion before anything else, an insertion only where it
 * is forced upon the cell before, else a hit or substitution. Long pairs are first split (Hirschberg 1975) in the middle of
 * the hypothesis, at the first place of the reference that lies on a shortest path.
 *
 * @param reference - whole numbers from 0, one for each different unit
 * @param hypothesis - numbers of the same units
 * @returns HIT, SUBSTITUTION, DELETION or INSERTION, from the beginning to the end
 */
export function alignUnits(reference: Int32Array, hypothesis: Int32Array): Uint8Array {
  const steps = new Uint8Array(reference.length + hypothesis.length);
  return steps.subarray(writeBack(reference, hypothesis, undefined, steps, steps.length));
}

/** Counts the edits of the alignment that {@link alignUnits} finds. */
export function countEdits(reference: Int32Array, hypothesis: Int32Array): EditCounts {
  const counts: [number, number, number, number] = [0, 0, 0, 0];
  for (const step of alignUnits(reference, hypothesis)) counts[step as 0 | 1 | 2 | 3]++;
  const [hits, substitutions, deletions, insertions] = counts;
  return { substitutions, deletions, insertions, hits };
}

/** Writes the steps of a pair before `end`, the last one first. @returns where the first one stands */
function writeBack(
  reference: Int32Array,
  hypothesis: Int32Array,
  distance: number | undefined,
  steps: Uint8Array,
  end: number,
): number {
  const shorter = Math.min(reference.length, hypothesis.length);
  let prefix = 0;
  while (prefix < shorter && reference[prefix] === hypothesis[prefix]) prefix++;
  let suffix = 0;
  while (
    suffix < shorter - prefix &&
    reference[reference.length - 1 - suffix] === hypothesis[hypothesis.length - 1 - suffix]
  ) {
    suffix++;
  }
  const a = reference.subarray(prefix, reference.length - suffix);
  const b = hypothesis.subarray(prefix, hypothesis.length - suffix);
  // Steps are HIT where nothing is written.
  return writeBetween(a, b, distance, steps, end - suffix) - prefix;
}

function writeBetween(a: Int32Array, b: Int32Array, known: number | undefined, steps: Uint8Array, end: number): number {
  if (a.length === 0 || b.length === 0) {
    const start = end - a.length - b.length;
    steps.fill(a.length > 0 ? DELETION : INSERTION, start, end);
    return start;
  }
  if (a.length * b.length < SPLIT_CELLS) return follow(a, b, Math.max(a.length, b.length), steps, end);
  const distance = known ?? editDistance(a, b);
  const cells = Math.min(a.length, 2 * distance + 1) * b.length;
  if (cells < SPLIT_CELLS || a.length < SPLIT_LENGTHS.reference || b.length < SPLIT_LENGTHS.hypothesis) {
    return follow(a, b, distance, steps, end);
  }
  const half = b.length >> 1;
  const left = editRow(a, b, half, distance);
  const right = editRow(a.slice().reverse(), b.slice().reverse(), b.length - half, distance);
  const at = left.findIndex((edits, column) => edits + (right[a.length - column] as number) === distance);
  const [before, after] = [left[at] as number, right[a.length - at] as number];
  const middle = writeBack(a.subarray(at), b.subarray(half), after, steps, end);
  return writeBack(a.subarray(0, at), b.subarray(0, half), before, steps, middle);
}

function follow(a: Int32Array, b: Int32Array, band: number, steps: Uint8Array, end: number): number {
  const table = fillEditTable(a, b, band);
  let at = end;
  let column = a.length;
  let row = b.length;
  while (row > 0 && column > 0) {
    if (table.rises(row, column)) {
      steps[--at] = DELETION;
      column--;
    } else if (row > 1 && table.falls(row - 1, column)) {
      steps[--at] = INSERTION;
      row--;
    } else {
      steps[--at] = a[--column] === b[--row] ? HIT : SUBSTITUTION;
    }
  }
  steps.fill(column > 0 ? DELETION : INSERTION, at - column - row, at);
  return at - column - row;
}
