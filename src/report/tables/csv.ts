import { type FlatRecord, flattenRecords, type Value } from './records.js';

/**
 * Results as comma-separated values (RFC 4180), one header and a line for each: for spreadsheets and other tools. Numbers are as
 * they were measured. A text that a spreadsheet would run as a formula, for it begins with `=`, `+`, `-`, `@`, a tab or a line
 * break, gets an apostrophe before it, as OWASP advises ("CSV Injection").
 *
 * @param records - what `bench`, `evaluate` or an experiment gave; flattened as by `flattenRecords`
 * @returns lines that end in CRLF; empty for no records
 */
export function recordsToCsv(records: readonly object[]): string {
  const rows: readonly FlatRecord[] = flattenRecords(records);
  const [first] = rows;
  if (first === undefined) return '';
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row))];
  return lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('');
}

function cellOf(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
