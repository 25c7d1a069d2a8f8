import type { EditCounts } from './types.js';

/** Width of the first band that is tried when the distance is not known. */
const FIRST_BAND = 64;

/** The step that leads to a cell of the table, going back from the end. */
const DELETE = 1;
const INSERT = 2;
const DIAGONAL = 3;

/**
 * Counts the edits of a shortest alignment of two sequences.
 *
 * Among the shortest it takes the one that RapidFuzz's `Levenshtein.editops` takes: the common beginning and end are set
 * aside, then the table is followed from its end, a deletion before anything else, an insertion only where it is forced
 * upon the cell before, else a hit or substitution. (RapidFuzz splits pairs of more than about two million cells in another way;
 * the sum stays equal there, the split may not.)
 *
 * Only a band around the diagonal, as wide as the distance, is kept: memory is a byte for each of
 * length × (2 × distance + 1) cells.
 *
 * @param reference - numbers that stand for units
 * @param hypothesis - numbers of the same units
 * @param distance - the least number of edits where it is known; found by widening the band where it is not
 */
export function countEdits(reference: Int32Array, hypothesis: Int32Array, distance?: number): EditCounts {
  const shorter = Math.min(reference.length, hypothesis.length);
  let prefix = 0;
  while (prefix < shorter && reference[prefix] === hypothesis[prefix]) prefix++;
  let suffix = 0;
  while (suffix < shorter - prefix && reference.at(-1 - suffix) === hypothesis.at(-1 - suffix)) suffix++;
  const a = reference.subarray(prefix, reference.length - suffix);
  const b = hypothesis.subarray(prefix, hypothesis.length - suffix);
  const counts = countBetween(a, b, distance);
  return { ...counts, hits: counts.hits + prefix + suffix };
}

function countBetween(a: Int32Array, b: Int32Array, distance: number | undefined): EditCounts {
  if (a.length === 0 || b.length === 0) {
    return { substitutions: 0, deletions: a.length, insertions: b.length, hits: 0 };
  }
  if (distance !== undefined) return follow(a, b, fill(a, b, distance).steps, distance);
  const widest = Math.max(a.length, b.length);
  for (let band = Math.max(FIRST_BAND, Math.abs(a.length - b.length)); ; band *= 2) {
    const table = fill(a, b, Math.min(band, widest));
    // A path that leaves the band has more edits than the band is wide, so this one is shortest.
    if (table.distance <= band) return follow(a, b, table.steps, Math.min(band, widest));
  }
}

/**
 * Fills the table of least edits within a band, row by row of `a`, and notes in each cell the step that leads there.
 * Cells outside the band count as out of reach: no shortest path touches them, nor does a tie with one.
 */
function fill(a: Int32Array, b: Int32Array, band: number): { readonly steps: Uint8Array; readonly distance: number } {
  const width = 2 * band + 1;
  const steps = new Uint8Array((a.length + 1) * width);
  const far = a.length + b.length + 1;
  // Column j of row i lies at j − i + band: the cell above is one to the right, the one before it one to the left.
  let above = new Int32Array(width + 2).fill(far);
  let row = new Int32Array(width + 2).fill(far);
  for (let j = 0; j <= Math.min(b.length, band); j++) above[j + band] = j;
  for (let i = 1; i <= a.length; i++) {
    row.fill(far);
    const first = Math.max(0, i - band);
    const last = Math.min(b.length, i + band);
    const unit = a[i - 1];
    for (let j = first; j <= last; j++) {
      const at = j - i + band;
      if (j === 0) {
        row[at] = i;
        steps[i * width + at] = DELETE;
        continue;
      }
      const up = at + 1 < width ? (above[at + 1] as number) : far;
      const left = at > 0 ? (row[at - 1] as number) : far;
      const corner = above[at] as number;
      const value = unit === b[j - 1] ? corner : 1 + Math.min(up, left, corner);
      row[at] = value;
      steps[i * width + at] = value === up + 1 ? DELETE : left === corner - 1 ? INSERT : DIAGONAL;
    }
    [above, row] = [row, above];
  }
  return { steps, distance: above[b.length - a.length + band] ?? far };
}

function follow(a: Int32Array, b: Int32Array, steps: Uint8Array, band: number): EditCounts {
  const width = 2 * band + 1;
  let substitutions = 0;
  let deletions = 0;
  let insertions = 0;
  let hits = 0;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    const step = steps[i * width + j - i + band];
    if (step === DELETE) {
      deletions++;
      i--;
    } else if (step === INSERT) {
      insertions++;
      j--;
    } else {
      if (a[--i] === b[--j]) hits++;
      else substitutions++;
    }
  }
  return { substitutions, deletions: deletions + i, insertions: insertions + j, hits };
}
