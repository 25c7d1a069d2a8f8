import { UnavailableError } from '../../errors.js';
import { flattenRecords } from './records.js';

/** Columns that are summed up for each group, a row for each. */
export interface GroupedColumns {
  /** How many values there are. */
  count(): DataFrame;
  /** Their sum. */
  sum(): DataFrame;
  /** Their mean. */
  mean(): DataFrame;
  /** Their standard deviation. */
  std(): DataFrame;
  /** The smallest. */
  min(): DataFrame;
  /** The largest. */
  max(): DataFrame;
}

/** The rows of a frame by the values of some columns. */
export interface Groups {
  /** Chooses what is summed up. */
  col(columns: string[]): GroupedColumns;
  /** Sums up each column in its own way: `{ totalMs: ['mean', 'count'] }`. */
  agg(summaries: Record<string, string | string[]>): DataFrame;
}

/** The part of a danfo.js data frame that is typed here, for its own types need TensorFlow's; the object has all of it. */
export interface DataFrame {
  /** Names of the columns. */
  readonly columns: string[];
  /** Names of the rows. */
  readonly index: (string | number)[];
  /** Rows and columns. */
  readonly shape: number[];
  /** The cells, row by row. */
  readonly values: unknown[][];
  /** Count, mean, deviation, extremes and median of each column of numbers. */
  describe(): DataFrame;
  /** Groups the rows. */
  groupby(columns: string[]): Groups;
  /** The first rows. */
  head(rows?: number): DataFrame;
  /** Some rows and columns. */
  loc(choice: { rows?: unknown[]; columns?: string[] }): DataFrame;
  /** Sorts the rows. */
  sortValues(by: string, options?: { ascending?: boolean }): DataFrame;
  /** Writes a table to standard output. */
  print(): void;
}

/**
 * Results as a data frame of danfo.js: to group, describe, sort and look at them.
 *
 * A number that is missing is `NaN`, which danfo.js takes for missing; true and false are words, for it describes no others.
 *
 * @param records - what `bench`, `evaluate` or an experiment gave; flattened as by `flattenRecords`
 * @throws {UnavailableError} when `danfojs-node` is not installed
 * @example
 * const frame = await toFrame(observations);
 * frame.groupby(['condition', 'phase']).col(['totalMs']).mean().print();
 */
export async function toFrame(records: readonly object[]): Promise<DataFrame> {
  const rows = flattenRecords(records);
  const names = Object.keys(rows[0] ?? {});
  const isNumeric = new Map(names.map((name) => [name, rows.some((row) => typeof row[name] === 'number')]));
  const cells = rows.map((row) =>
    names.map((name) => {
      const value = row[name] ?? null;
      if (isNumeric.get(name)) return typeof value === 'number' ? value : Number.NaN;
      return value === null ? '' : String(value);
    }),
  );
  const { DataFrame } = await loadDanfo();
  return new DataFrame(cells, { columns: names });
}

interface Danfo {
  readonly DataFrame: new (
    cells: readonly (readonly (string | number)[])[],
    options: { readonly columns: readonly string[] },
  ) => DataFrame;
}

async function loadDanfo(): Promise<Danfo> {
  try {
    return (await import('danfojs-node')) as unknown as Danfo;
  } catch (error) {
    throw new UnavailableError('danfojs-node: the package was required, got none; run npm install danfojs-node', {
      cause: error,
    });
  }
}
