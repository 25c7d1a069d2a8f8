import type { Estimate } from '../measure/statistics/bootstrap.js';

/** Cells of a table; numbers stand at the right of their column, text at the left. */
export type Cell = string | number;

/**
 * Sets rows in columns, for a terminal.
 *
 * @param header - one title a column
 * @param rows - cells, as many as titles
 * @returns the table, a line a row, with a line break at the end
 */
export function columns(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all: readonly (readonly Cell[])[] = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => String(row[column] ?? '').length)));
  const right = header.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const line = (row: readonly Cell[]): string =>
    widths
      .map((width, column) => {
        const text = String(row[column] ?? '');
        return right[column] ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return `${all.map(line).join('\n')}\n`;
}

/**
 * The header and the rows of a table, for {@link columns}.
 *
 * @param items - one a row
 * @param cells - for each title what stands below it
 */
export function tableOf<T>(
  items: readonly T[],
  cells: Readonly<Record<string, (item: T) => Cell>>,
): [header: readonly string[], rows: readonly (readonly Cell[])[]] {
  return [Object.keys(cells), items.map((item) => Object.values(cells).map((cell) => cell(item)))];
}

/** A number of bytes for people: `8.3 MB` (10⁶ bytes). */
export function megabytes(sizeBytes: number): string {
  return `${(sizeBytes / 1e6).toFixed(1)} MB`;
}

/** A rate for people: `12.3 %`. */
export function percent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

/** A signal to error for people: `31.4`; minus infinity is an answer that is no number any more. */
export function decibelsText(decibels: number | null, lossless = 'exact'): string {
  if (decibels === null) return lossless;
  return Number.isFinite(decibels) ? decibels.toFixed(1) : 'no number';
}

/** An estimate and its interval for people: `38.2 (37.9 to 38.6)`. */
export function withInterval({ value, low, high }: Estimate, digits: number): string {
  return `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

/** Longest name that a row of several numbers has room for. */
const LONGEST_NAME = 28;

/** A name for a column, without its middle where it is long: beginnings tell models apart, and ends tell variants apart. */
export function shortened(name: string): string {
  if (name.length <= LONGEST_NAME) return name;
  const kept = (LONGEST_NAME - 1) / 2;
  return `${name.slice(0, Math.ceil(kept))}…${name.slice(-Math.floor(kept))}`;
}
