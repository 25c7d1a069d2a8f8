import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { InputError } from '../errors.js';
import { describeFileError } from '../files.js';

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's own count; tells it from a later one with the same number. */
  readonly began: string | null;
}

/** A claim on a folder: while it is held, no other process on this machine gets it. */
export interface Lock {
  release(): void;
}

/**
 * Claims a folder by a file in it. A file that a killed process has left behind counts for nothing.
 *
 * @param path - the lock file
 * @throws {InputError} when a living process holds it
 * @throws {UnavailableError} when the file cannot be written
 */
export function acquireLock(path: string): Lock {
  const holder: Holder = { pid: process.pid, host: hostname(), began: beganAt(process.pid) };
  for (let attempt = 0; ; attempt++) {
    try {
      const file = openSync(path, 'wx');
      try {
        writeSync(file, JSON.stringify(holder));
      } finally {
        closeSync(file);
      }
      return { release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw describeFileError(path, error);
    }
    const other = readHolder(path);
    if (attempt > 0 || (other !== null && isAlive(other))) {
      const who = other === null ? 'another process' : `process ${other.pid} on ${other.host}`;
      throw new InputError(
        `${path}: a folder without a run in progress was required, got one of ${who}; wait for it, or delete this file if it has ended`,
      );
    }
    rmSync(path, { force: true });
  }
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    // Gone in the meantime, or its writer was killed before it had written.
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  // Of another machine's processes nothing is known: believe the file.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const began = beganAt(holder.pid);
  return holder.began === null || began === null || began === holder.began;
}

/** Start of a process in clock ticks since the machine's start, with that start; Linux only. */
function beganAt(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold anything; the start is the 22nd.
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}
