import { distance } from 'fastest-levenshtein';
import { InputError } from '../../errors.js';

/** Names that an error suggests. */
const SUGGESTED = 3;

/**
 * Checks that nodes which an option names are there.
 *
 * @param option - name of the option, for the error
 * @param wanted - what it names
 * @param known - names of the nodes that it may name
 * @throws {InputError} naming the first that is missing, and the names that are nearest to it
 */
export function checkNodeNames(option: string, wanted: readonly string[], known: Iterable<string>): void {
  const names = [...new Set(known)].filter((name) => name !== '');
  const missing = wanted.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new InputError(
    `${option}: names of the model's nodes were required, got ${missing}; ${nearestNames(missing, names)}`,
  );
}

/** The names nearest to one that is not there, for the end of an error: first those that hold it, then by letters. */
function nearestNames(missing: string, names: readonly string[]): string {
  if (names.length === 0) return 'no node of the model has a name';
  const wanted = missing.toLowerCase();
  const rank = (name: string): number =>
    (name.toLowerCase().includes(wanted) ? 0 : 1) + distance(missing, name) / Math.max(missing.length, name.length);
  const nearest = names.toSorted((a, b) => rank(a) - rank(b)).slice(0, SUGGESTED);
  return `did you mean ${nearest.join(' or ')}?`;
}
