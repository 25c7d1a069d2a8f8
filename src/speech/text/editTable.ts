import { InputError } from '../../errors.js';

/**
 * The table of least edits between beginnings of two sequences, a bit for each difference between neighbours instead of a
 * number for each cell (Myers 1999, in the form of Hyyrö 2003): 32 cells are computed at once, and two bits a cell are
 * kept.
 *
 * A row stands for a beginning of the hypothesis, a column for one of the reference.
 */
export interface EditTable {
  readonly distance: number;
  /** Whether the cell is one more than its neighbour before: a deletion may lead there. */
  readonly rises: (row: number, column: number) => boolean;
  /** Whether the cell is one less than its neighbour before. */
  readonly falls: (row: number, column: number) => boolean;
}

const WORD = 32;

/** Cells of a table that are filled at most, 32 at a time: two unlike texts of 300,000 units, some seconds. */
const MOST_CELLS = 1e11;

/** Width of the first band that is tried where the distance is not known. */
const FIRST_BAND = 64;

/** Where each unit stands in a sequence, as lists one behind another. */
interface Places {
  /** Of unit `u` from `starts[u]` to `starts[u + 1]`. */
  readonly starts: Int32Array;
  readonly positions: Int32Array;
}

/** Differences between neighbours in one row: a bit a column, a word for 32 of them. */
interface Row {
  readonly rising: Int32Array;
  readonly falling: Int32Array;
  /** Value of the column before word `first`. */
  base: number;
  first: number;
  last: number;
}

/**
 * Fills the table within a band around the diagonal. Cells in the band whose least path leaves it come out too high; a cell
 * of a path with no more edits than the band is wide is exact, and so is every step between two such cells.
 *
 * @param reference - whole numbers from 0, one for each different unit
 * @param hypothesis - numbers of the same units
 * @param band - at least the difference of the lengths
 */
export function fillEditTable(reference: Int32Array, hypothesis: Int32Array, band: number): EditTable {
  const rows = hypothesis.length;
  const words = Math.ceil(reference.length / WORD);
  const width = Math.min(words, Math.floor((2 * band) / WORD) + 3);
  const rising = new Int32Array((rows + 1) * width);
  const falling = new Int32Array((rows + 1) * width);
  const end = sweep(reference, hypothesis, rows, band, (row, index) => {
    const from = index * width - row.first;
    for (let word = row.first; word <= row.last; word++) {
      rising[from + word] = row.rising[word] as number;
      falling[from + word] = row.falling[word] as number;
    }
  });
  const bit = (bits: Int32Array, row: number, column: number): boolean => {
    const word = (column - 1) >> 5;
    const at = row * width + word - firstWord(row, band);
    return (((bits[at] as number) >>> ((column - 1) & 31)) & 1) === 1;
  };
  return {
    distance: valueAt(end, reference.length),
    rises: (row, column) => bit(rising, row, column),
    falls: (row, column) => bit(falling, row, column),
  };
}

/** Least edits between two sequences: a band is widened until it holds them. */
export function editDistance(reference: Int32Array, hypothesis: Int32Array): number {
  const widest = Math.max(reference.length, hypothesis.length);
  let band = Math.max(FIRST_BAND, Math.abs(reference.length - hypothesis.length));
  for (; ; band *= 2) {
    if (hypothesis.length * Math.min(reference.length, 2 * band) > MOST_CELLS) {
      throw new InputError(
        `alignment: texts of ${reference.length} and ${hypothesis.length} units were required to be more alike or shorter, got over ${MOST_CELLS} cells to fill; score them utterance by utterance`,
      );
    }
    const row = sweep(reference, hypothesis, hypothesis.length, Math.min(band, widest));
    const distance = valueAt(row, reference.length);
    // A path that leaves the band has more edits than the band is wide, so this one is least.
    if (distance <= band) return distance;
  }
}

/**
 * One row of the table: least edits between every beginning of the reference and the first units of the hypothesis.
 *
 * @param rows - how many units of the hypothesis
 * @returns a number for each beginning, the empty one first; outside the band a number that no path has
 */
export function editRow(reference: Int32Array, hypothesis: Int32Array, rows: number, band: number): Int32Array {
  const row = sweep(reference, hypothesis, rows, band);
  const values = new Int32Array(reference.length + 1).fill(reference.length + hypothesis.length + 1);
  let value = row.base;
  const from = row.first * WORD;
  values[from] = value;
  for (let column = from + 1; column <= Math.min(reference.length, (row.last + 1) * WORD); column++) {
    const [word, shift] = [(column - 1) >> 5, (column - 1) & 31];
    value += (((row.rising[word] as number) >>> shift) & 1) - (((row.falling[word] as number) >>> shift) & 1);
    values[column] = value;
  }
  return values;
}

/** Goes through the table row by row; `visit` sees each row while it is there. */
function sweep(
  reference: Int32Array,
  hypothesis: Int32Array,
  rows: number,
  band: number,
  visit?: (row: Row, index: number) => void,
): Row {
  const words = Math.ceil(reference.length / WORD);
  const equalTo = equalBits(reference, hypothesis, words);
  const rising = new Int32Array(words).fill(-1);
  const falling = new Int32Array(words);
  const row: Row = { rising, falling, base: 0, first: 0, last: words - 1 };
  for (let index = 1; index <= rows; index++) {
    for (const first = firstWord(index, band); row.first < first; row.first++) {
      row.base += ones(rising[row.first] as number) - ones(falling[row.first] as number);
    }
    row.last = Math.min(words - 1, (index + band - 1) >> 5);
    const equal = equalTo(hypothesis[index - 1] as number, row.first, row.last);
    // Left of the band each row is taken to be one more than the row above: never too low.
    row.base++;
    let more = 1;
    let less = 0;
    for (let word = row.first; word <= row.last; word++) {
      const up = rising[word] as number;
      const down = falling[word] as number;
      const same = equal[word] as number;
      const diagonal = same | down;
      const reached = same | less;
      const carried = (((reached & up) + up) ^ up) | reached;
      let higher = down | ~(carried | up);
      let lower = up & carried;
      const moreOut = higher >>> 31;
      const lessOut = lower >>> 31;
      higher = (higher << 1) | more;
      lower = (lower << 1) | less;
      rising[word] = lower | ~(diagonal | higher);
      falling[word] = higher & diagonal;
      more = moreOut;
      less = lessOut;
    }
    visit?.(row, index);
  }
  return row;
}

/** Value of a row at a column. */
function valueAt(row: Row, column: number): number {
  let value = row.base;
  const last = (column - 1) >> 5;
  for (let word = row.first; word <= last; word++) {
    const mask = word === last ? -1 >>> (31 - ((column - 1) & 31)) : -1;
    value += ones((row.rising[word] as number) & mask) - ones((row.falling[word] as number) & mask);
  }
  return value;
}

function firstWord(row: number, band: number): number {
  return Math.max(0, (row - band - 1) >> 5);
}

/**
 * Gives for a unit the columns where the reference has it, a bit each, at least for the words from `first` to `last`; `first`
 * never falls. The bits of a rare unit are written when it is asked for and hold until the next call; those of a frequent one,
 * with more places than words, are kept.
 */
function equalBits(
  reference: Int32Array,
  hypothesis: Int32Array,
  words: number,
): (unit: number, first: number, last: number) => Int32Array {
  const { starts, positions } = placesOf(reference, hypothesis);
  const next = starts.slice();
  const kept = new Map<number, Int32Array>();
  const rare = new Int32Array(words);
  const write = (bits: Int32Array, position: number): void => {
    bits[position >> 5] = (bits[position >> 5] as number) | (1 << (position & 31));
  };
  let [from, to] = [0, 0];
  return (unit, first, last) => {
    for (let at = from; at < to; at++) rare[(positions[at] as number) >> 5] = 0;
    from = next[unit] as number;
    const end = starts[unit + 1] as number;
    if (end - (starts[unit] as number) > words) {
      to = from;
      const own = kept.get(unit) ?? new Int32Array(words);
      if (!kept.has(unit)) for (let at = from; at < end; at++) write(own, positions[at] as number);
      kept.set(unit, own);
      return own;
    }
    while (from < end && (positions[from] as number) >> 5 < first) from++;
    next[unit] = from;
    for (to = from; to < end && (positions[to] as number) >> 5 <= last; to++) write(rare, positions[to] as number);
    return rare;
  };
}

function placesOf(reference: Int32Array, hypothesis: Int32Array): Places {
  let highest = 0;
  for (const unit of reference) if (unit > highest) highest = unit;
  for (const unit of hypothesis) if (unit > highest) highest = unit;
  const starts = new Int32Array(highest + 2);
  for (const unit of reference) starts[unit + 1] = (starts[unit + 1] as number) + 1;
  for (let unit = 0; unit <= highest; unit++)
    starts[unit + 1] = (starts[unit + 1] as number) + (starts[unit] as number);
  const next = starts.slice();
  const positions = new Int32Array(reference.length);
  for (let position = 0; position < reference.length; position++) {
    const unit = reference[position] as number;
    const at = next[unit] as number;
    positions[at] = position;
    next[unit] = at + 1;
  }
  return { starts, positions };
}

/** How many bits are set. */
function ones(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
