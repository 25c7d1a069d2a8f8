/**
 * What a record holds under a name that came from outside. Plain look-up finds more: `constructor` and `toString` are in every object.
 *
 * @param record - by any names
 * @param name - that may be anybody's
 * @returns `undefined` where the record has no such name of its own
 */
export function ownValue<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
