import { escapeXml } from '../report/escape.js';
import type { DataTable } from '../report/tables/dataTable.js';

/** A table that is wider than the cell scrolls. */
const TABLE_STYLE = 'overflow-x:auto;margin-bottom:0.5em';

/** Words do not run wide. */
const NOTE_STYLE = 'max-width:56em';

/** With more columns, a number and its interval stand in two lines. */
const MOST_COLUMNS = 5;

/** In characters: longer row headers go over several lines. */
const LONGEST_NAME = 30;

/**
 * A table as HTML for a notebook: words to the left and numbers to the right, as far as the styles of a cell say, since a notebook
 * that is not trusted loses all others.
 */
export function notebookTable(table: DataTable): string {
  const isWords = table.columns.map((_, column) => {
    const filled = table.rows.map((cells) => cells[column] ?? '').filter((cell) => cell !== '' && cell !== '–');
    return column === 0 || filled.filter(isNumber).length < Math.max(1, filled.length / 2);
  });
  const style = (column: number, isWhole = false): string =>
    ` style="text-align:${isWords[column] ? 'left' : 'right'}${isWhole ? ';white-space:nowrap' : ''}"`;
  const isNarrow = table.columns.length <= MOST_COLUMNS;
  const head = table.columns.map((cell, column) => `<th scope="col"${style(column)}>${escapeXml(cell)}</th>`);
  const rows = table.rows.map((cells) => {
    const [header = '', ...others] = cells;
    const data = others.map(
      (cell, place) => `<td${style(place + 1, isNarrow && isNumber(cell))}>${escapeXml(cell)}</td>`,
    );
    return `<tr><th scope="row"${style(0, header.length <= LONGEST_NAME)}>${escapeXml(header)}</th>${data.join('')}</tr>`;
  });
  return [
    `<div style="${TABLE_STYLE}">`,
    `<table><caption style="text-align:left">${escapeXml(table.title)}</caption>`,
    `<thead><tr>${head.join('')}</tr></thead>`,
    `<tbody>\n${rows.join('\n')}\n</tbody></table>`,
    ...table.notes.map((note) => `<p style="${NOTE_STYLE}">${escapeXml(note)}</p>`),
    '</div>',
  ].join('\n');
}

/** A number, with a sign before it and a unit or an interval after it: `12.3 (10.4 to 14.6)`, `−0.1 %`, `$5`, `1.82×`. */
function isNumber(cell: string): boolean {
  return /^[−+$<>≈-]?\s?\d[\d.,]*(e[+-]?\d+)?×?(\s|$)/.test(cell);
}
