// Fields and units: proc(5), `/proc/PID/status` and `/proc/PID/smaps_rollup` (kB there are 1024 bytes).
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/errors.js';
import { readOwnMemory, readProcessMemory } from '../../src/process/processMemory.js';

const STATUS = [
  'Name:\tnode',
  'VmPeak:\t  999999 kB',
  'VmHWM:\t   2000 kB',
  'VmRSS:\t   1500 kB',
  'RssAnon:\t  700 kB',
  '',
];

function procTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'quantlab-proc-'));
  mkdirSync(join(root, '42'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, '42', name), text);
  return root;
}

describe('readProcessMemory', () => {
  it('reads resident memory, its peak, the anonymous and the proportional part', () => {
    const root = procTree({
      status: STATUS.join('\n'),
      smaps_rollup: 'Rss: 1500 kB\nPss:     900 kB\nPss_Anon: 1 kB\n',
    });
    expect(readProcessMemory(42, root)).toEqual({
      residentBytes: 1500 * 1024,
      peakBytes: 2000 * 1024,
      proportionalBytes: 900 * 1024,
      anonymousBytes: 700 * 1024,
    });
  });

  it('leaves out what the system does not tell', () => {
    const root = procTree({ status: 'VmHWM:\t10 kB\nVmRSS:\t10 kB\n' });
    expect(readProcessMemory(42, root)).toMatchObject({ proportionalBytes: null, anonymousBytes: null });
  });

  it('gives no peak below what is resident', () => {
    const root = procTree({ status: 'VmHWM:\t10 kB\nVmRSS:\t12 kB\n' });
    expect(readProcessMemory(42, root).peakBytes).toBe(12 * 1024);
  });

  it('says that a process is gone, or has no memory, as one of the kernel', () => {
    expect(() => readProcessMemory(43, procTree({}))).toThrow(UnavailableError);
    expect(() => readProcessMemory(42, procTree({ status: 'Name:\tkthreadd\n' }))).toThrow(/without memory/);
  });
});

describe('readOwnMemory', () => {
  it('sees memory that this process takes, with and without /proc', () => {
    for (const root of ['/proc', '/nowhere']) {
      const before = readOwnMemory(root);
      const held = Buffer.alloc(128 * 2 ** 20, 1);
      const after = readOwnMemory(root);
      expect(after.peakBytes).toBeGreaterThanOrEqual(after.residentBytes);
      expect(after.peakBytes).toBeGreaterThan(before.residentBytes + held.length / 2);
    }
  });
});
