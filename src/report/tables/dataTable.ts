import { NO_NUMBER } from './format.js';

/** A table for people: cells are already formatted. */
export interface DataTable {
  readonly title: string;
  /** The header. */
  readonly columns: readonly string[];
  /** The first cell of each row is its header. */
  readonly rows: readonly (readonly string[])[];
  /** Sentences below the table. */
  readonly notes: readonly string[];
}

/** Cells of a row under the headers of their columns. */
export type TableCells = Readonly<Record<string, string>>;

/** What stands around the cells of a {@link DataTable}. */
export interface TableOptions {
  readonly title: string;
  readonly notes?: readonly string[];
  /** Turns the table on its side: the first cell of each row becomes a column's header. */
  readonly turned?: boolean;
}

/**
 * Builds a table.
 *
 * @param rows - the same keys in each; the first key is the header of the rows
 */
export function buildTable(rows: readonly TableCells[], options: TableOptions): DataTable {
  const { title, notes = [], turned = false } = options;
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => row[column] ?? ''));
  if (!turned) return { title, columns, rows: cells, notes };
  const lines = columns.map((column, place) => [column, ...cells.map((row) => row[place] ?? '')]);
  const [header = [], ...rest] = lines;
  return { title, columns: header, rows: rest, notes };
}

/** The cells without those of columns in which no row has a number. */
export function withoutEmpty(rows: readonly TableCells[]): readonly TableCells[] {
  const isEmpty = (column: string): boolean => rows.every((row) => row[column] === NO_NUMBER);
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => !isEmpty(column))));
}
