import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Numbers of the cores that this process may use, where it can hold others to them.
 *
 * @returns `null` where that is not possible: not on Linux, or without `taskset`
 */
export async function coresToPin(): Promise<readonly number[] | null> {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    await promisify(execFile)('taskset', ['--version']);
    return coresOf(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  } catch {
    return null;
  }
}

/**
 * Reads a list of cores as Linux writes it.
 *
 * @example coresOf('0-2,5') // [0, 1, 2, 5]
 */
export function coresOf(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
