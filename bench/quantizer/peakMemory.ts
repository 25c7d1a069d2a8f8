import { readFileSync } from 'node:fs';

/**
 * Peak resident memory of this process, in megabytes of 2²⁰ bytes. `process.resourceUsage` would count the parent's,
 * too, from before the program was loaded. Linux only.
 */
export function peakMemoryMb(): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (found === null) throw new Error('/proc/self/status: VmHWM was required; this bench runs on Linux');
  return Number(found[1]) / 1024;
}
