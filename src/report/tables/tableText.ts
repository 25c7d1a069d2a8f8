import { escapeMarkdown, escapeXml } from '../escape.js';
import type { DataTable } from './dataTable.js';

/** The table as text in columns, for a terminal. */
export function tableToText(table: DataTable): string {
  const lines = [table.columns, ...table.rows];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  const [header = '', ...body] = lines.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  return [table.title, '', header, rule, ...body, rule, ...table.notes, ''].join('\n');
}

/** The table in Markdown, with its notes below it. */
export function tableToMarkdown(table: DataTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = table.columns.map((_, column) => (column === 0 ? '---' : '---:'));
  return `${[line(table.columns), line(rule), ...table.rows.map(line), '', ...table.notes.map(escapeMarkdown)].join('\n')}\n`;
}

/** The table in HTML: caption, header cells with scopes, notes below it; styled by whoever shows it. */
export function tableToHtml(table: DataTable): string {
  const head = table.columns.map((cell) => `<th scope="col">${escapeXml(cell)}</th>`).join('');
  const rows = table.rows.map(([header = '', ...cells]) => {
    const data = cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join('');
    return `<tr><th scope="row">${escapeXml(header)}</th>${data}</tr>`;
  });
  const notes = table.notes.map((note) => `<p>${escapeXml(note)}</p>`);
  return [
    `<table><caption>${escapeXml(table.title)}</caption>`,
    `<thead><tr>${head}</tr></thead>`,
    `<tbody>\n${rows.join('\n')}\n</tbody></table>`,
    ...notes,
    '',
  ].join('\n');
}
