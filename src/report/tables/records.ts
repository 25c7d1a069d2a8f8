/** A cell of a {@link FlatRecord}. */
export type Value = string | number | boolean | null;

/** One thing that was measured, without anything inside anything: a row for tables, data frames and files. */
export type FlatRecord = Readonly<Record<string, Value>>;

/**
 * Flattens what `bench`, `evaluate` or an experiment gave: names of what stands inside are joined by dots (`latency.meanMs.value`).
 * All rows have the same names, in the order of their appearance; where one has no value it is `null`. Lists are left out.
 *
 * @param records - results, one for each row
 * @example
 * flattenRecords([{ model: 'a', latency: { meanMs: 17.5 } }]); // [{ model: 'a', 'latency.meanMs': 17.5 }]
 */
export function flattenRecords(records: readonly object[]): readonly FlatRecord[] {
  const flat = records.map((record) => new Map(cellsOf(record, '')));
  const names = [...new Set(flat.flatMap((cells) => [...cells.keys()]))];
  return flat.map((cells) => Object.fromEntries(names.map((name) => [name, cells.get(name) ?? null])));
}

function cellsOf(value: unknown, name: string): readonly (readonly [string, Value])[] {
  if (value === undefined || Array.isArray(value) || ArrayBuffer.isView(value)) return [];
  if (value !== null && typeof value === 'object') {
    const before = name === '' ? '' : `${name}.`;
    return Object.entries(value).flatMap(([key, inner]) => cellsOf(inner, `${before}${key}`));
  }
  return [[name, typeof value === 'object' ? null : (value as Value)]];
}
