import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnavailableError } from '../errors.js';

/** Memory that a process holds, in bytes. */
export interface ProcessMemory {
  /** Resident: pages in physical memory, those shared with other processes included (`VmRSS`). */
  readonly residentBytes: number;
  /** The most that was resident since the process began (`VmHWM`). */
  readonly peakBytes: number;
  /** Resident, shared pages divided among those who share them (`Pss`); `null` where it cannot be read. */
  readonly proportionalBytes: number | null;
  /** Resident and belonging to no file (`RssAnon`): a system short of memory cannot drop it; `null` where it cannot be read. */
  readonly anonymousBytes: number | null;
}

/**
 * Reads the memory of a process on Linux.
 *
 * Source: proc(5), `/proc/PID/status` and `/proc/PID/smaps_rollup`; their kB are 1024 bytes.
 *
 * @param pid - number of the process, or `self`
 * @param procRoot - where the process file system is mounted
 * @throws {UnavailableError} when the process is gone, or this is not Linux
 */
export function readProcessMemory(pid: number | 'self', procRoot: string = '/proc'): ProcessMemory {
  let status: string;
  try {
    status = readFileSync(join(procRoot, String(pid), 'status'), 'utf8');
  } catch (error) {
    throw new UnavailableError(`memory of process ${pid}: a running process on Linux was required, got none`, {
      cause: error,
    });
  }
  const residentBytes = kilobytes(status, 'VmRSS');
  const peakBytes = kilobytes(status, 'VmHWM');
  if (residentBytes === null || peakBytes === null) {
    throw new UnavailableError(`memory of process ${pid}: VmRSS and VmHWM were required, got a process without memory`);
  }
  return {
    residentBytes,
    // The kernel raises the mark late: what is resident now was reached.
    peakBytes: Math.max(peakBytes, residentBytes),
    proportionalBytes: proportional(join(procRoot, String(pid), 'smaps_rollup')),
    anonymousBytes: kilobytes(status, 'RssAnon'),
  };
}

/**
 * Reads the memory of this process: from `/proc` where that is, else what Node tells of it.
 *
 * @param procRoot - where the process file system is mounted
 */
export function readOwnMemory(procRoot: string = '/proc'): ProcessMemory {
  try {
    return readProcessMemory('self', procRoot);
  } catch {
    // Node gives the peak in units of 1024 bytes on every system.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const residentBytes = process.memoryUsage.rss();
    return {
      residentBytes,
      peakBytes: Math.max(peakBytes, residentBytes),
      proportionalBytes: null,
      anonymousBytes: null,
    };
  }
}

function proportional(path: string): number | null {
  try {
    return kilobytes(readFileSync(path, 'utf8'), 'Pss');
  } catch {
    // Older kernels lack it, and some systems let nobody read it.
    return null;
  }
}

function kilobytes(text: string, field: string): number | null {
  const value = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value) * 1024;
}
