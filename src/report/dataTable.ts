import { UnavailableError } from '../errors.js';

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

/** The part of a danfo.js frame that is used here; its own types need TensorFlow's. */
interface Frame {
  readonly columns: readonly string[];
  readonly index: readonly (string | number)[];
  readonly values: readonly (readonly string[])[];
  readonly T: Frame;
}

type FrameConstructor = new (data: readonly TableCells[], options: { readonly index: readonly string[] }) => Frame;

/**
 * Builds a table with danfo.js.
 *
 * @param rows - the same keys in each; the first key is the header of the rows
 * @throws {UnavailableError} when `danfojs-node` is not installed
 */
export async function buildTable(rows: readonly TableCells[], options: TableOptions): Promise<DataTable> {
  const { title, notes = [], turned = false } = options;
  const corner = Object.keys(rows[0] ?? {})[0] ?? '';
  const DataFrame = await loadDataFrame();
  // Rows are numbered in the frame, which takes no name twice; two of them may be called alike.
  const frame = new DataFrame(
    rows.map(({ [corner]: _, ...cells }) => cells),
    { index: rows.map((_, place) => String(place)) },
  );
  const names = rows.map((cells) => cells[corner] ?? '');
  const shown = turned ? frame.T : frame;
  const headers = turned ? shown.index.map(String) : names;
  return {
    title,
    columns: [corner, ...(turned ? names : shown.columns)],
    rows: shown.values.map((cells, place) => [headers[place] ?? '', ...cells]),
    notes,
  };
}

async function loadDataFrame(): Promise<FrameConstructor> {
  try {
    const danfo = (await import('danfojs-node')) as unknown as { readonly DataFrame: FrameConstructor };
    return danfo.DataFrame;
  } catch (error) {
    throw new UnavailableError('danfojs-node: the package was required, got none; run npm install danfojs-node', {
      cause: error,
    });
  }
}
