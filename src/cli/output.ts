import type { Figure } from '../report/figures/figure.js';
import { writeFigures } from '../report/figures/writeFigures.js';
import { recordsToCsv } from '../report/tables/csv.js';
import { tableToMarkdown } from '../report/tables/tableText.js';
import { type Cell, columns } from './columns.js';
import type { Terminal } from './terminal.js';

/** In which form results are printed. */
export interface OutputOptions {
  readonly json?: true;
  readonly export?: 'csv' | 'md' | 'json';
}

/** Sets a header and rows: in columns for a terminal, or as Markdown. */
export type SetTable = (header: readonly string[], rows: readonly (readonly Cell[])[]) => string;

/** Infinities by their names: JSON has no number for them, and would write `null`. */
function namedInfinities(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY ? String(value) : value;
}

/** A result as JSON, its last line ended. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, namedInfinities, 2)}\n`;
}

/** Prints a result as JSON. */
export function printJson(value: unknown, terminal: Terminal): void {
  terminal.print(jsonText(value));
}

/**
 * Prints results in the form that was asked for.
 *
 * @param records - all that is known, a record a model
 * @param describe - the tables for people, set as they are asked for
 * @param json - the records as JSON has them, where that is not the same
 */
export function printRecords(
  records: readonly object[],
  options: OutputOptions,
  terminal: Terminal,
  describe: (table: SetTable) => string,
  json: readonly object[] = records,
): void {
  const form = options.json ? 'json' : options.export;
  if (form === 'csv') terminal.print(recordsToCsv(records));
  else if (form === 'json') printJson(json, terminal);
  else terminal.print(describe(form === 'md' ? markdown : columns));
}

function markdown(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map(String));
  return tableToMarkdown({ title: '', columns: header, rows: texts, notes: [] });
}

/** Draws figures into a folder, where one was named, and says what was written. */
export async function drawFigures(
  figures: readonly Figure[],
  folder: string | undefined,
  terminal: Terminal,
): Promise<void> {
  if (folder === undefined || figures.length === 0) return;
  const { files, warnings } = await writeFigures(figures, folder);
  for (const line of [...warnings, ...files]) terminal.say(`${line}\n`);
}
