import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256OfBytes } from '../../../src/files.js';
import { ResultCache } from '../../../src/recognise/cache/resultCache.js';

const key = (name: string | number): string => sha256OfBytes(String(name));
const value = (size: number, fill = 1): Uint8Array => new Uint8Array(size).fill(fill);

describe('ResultCache in memory', () => {
  it('keeps what was used last, within its room', async () => {
    // Three results of 744 bytes and 256 for each entry.
    const cache = await ResultCache.open({ memoryBytes: 3000 });
    for (const name of ['a', 'b', 'c']) await cache.set(key(name), value(744));
    expect(cache.memoryUsedBytes).toBe(3000);
    expect((await cache.get(key('a')))?.place).toBe('memory');
    await cache.set(key('d'), value(744));
    expect(await cache.get(key('b'))).toBeUndefined();
    expect((await cache.get(key('a')))?.bytes).toEqual(value(744));
    expect(cache.memoryUsedBytes).toBe(3000);
    expect(cache.counts).toMatchObject({ memoryHits: 2, diskHits: 0, misses: 1, evictions: 1 });
  });

  it('replaces a result, and leaves out what is larger than its room', async () => {
    const cache = await ResultCache.open({ memoryBytes: 1000 });
    await cache.set(key('a'), value(100));
    await cache.set(key('a'), value(200, 2));
    expect(cache.memoryUsedBytes).toBe(456);
    await cache.set(key('b'), value(2000));
    expect(await cache.get(key('b'))).toBeUndefined();
    expect((await cache.get(key('a')))?.bytes).toEqual(value(200, 2));
  });

  it('keeps nothing in no room, and refuses impossible sizes', async () => {
    const cache = await ResultCache.open({ memoryBytes: 0 });
    await cache.set(key('a'), value(1));
    expect(await cache.get(key('a'))).toBeUndefined();
    await expect(ResultCache.open({ memoryBytes: Number.NaN })).rejects.toThrow(/0 bytes of memory or more/);
    await expect(ResultCache.open({ memoryBytes: 1, folder: 'x', diskBytes: 0 })).rejects.toThrow(/room above 0/);
  });
});

describe('ResultCache on disk', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
  });

  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const files = async (): Promise<string[]> =>
    (await readdir(folder, { recursive: true })).filter((name) => name.length > 3).map((name) => join(folder, name));

  it('is there for the next process', async () => {
    const first = await ResultCache.open({ memoryBytes: 1e6, folder });
    await first.set(key('a'), value(100));
    const second = await ResultCache.open({ memoryBytes: 1e6, folder });
    expect(await second.get(key('a'))).toEqual({ bytes: value(100), place: 'disk' });
    expect((await second.get(key('a')))?.place).toBe('memory');
    expect(second.counts).toMatchObject({ memoryHits: 1, diskHits: 1, misses: 0 });
  });

  it('removes a damaged file, and says so', async () => {
    const cache = await ResultCache.open({ memoryBytes: 0, folder });
    const damages: ((bytes: Buffer) => Uint8Array)[] = [
      (bytes) => bytes.subarray(0, -1),
      (bytes) => Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte)),
      () => new Uint8Array(0),
    ];
    for (const damage of damages) {
      await cache.set(key('a'), value(100));
      const [path = ''] = await files();
      await writeFile(path, damage(await readFile(path)));
      expect(await cache.get(key('a'))).toBeUndefined();
      expect(await files()).toEqual([]);
    }
    expect(cache.counts).toMatchObject({ damaged: 3, misses: 3 });
  });

  it('stays within its room: what was used longest ago leaves', async () => {
    const cache = await ResultCache.open({ memoryBytes: 0, folder, diskBytes: 10_000 });
    for (let name = 0; name < 9; name++) await cache.set(key(name), value(926, name));
    // As if they had been used an hour ago, one behind another; then the first is used again.
    for (let name = 0; name < 9; name++) await utimes(pathOf(key(name)), 1e9 + name, 1e9 + name);
    expect(await cache.get(key(0))).toBeDefined();
    for (let name = 9; name < 12; name++) await cache.set(key(name), value(926, name));
    const sizes = await Promise.all((await files()).map(async (path) => (await stat(path)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10_000);
    expect(await cache.get(key(0))).toBeDefined();
    expect(await cache.get(key(1))).toBeUndefined();
    expect(await cache.get(key(11))).toBeDefined();
  });

  function pathOf(name: string): string {
    return join(folder, name.slice(0, 2), name);
  }

  it('clears away what was left half written, but nothing that may still be written', async () => {
    const cache = await ResultCache.open({ memoryBytes: 0, folder });
    await cache.set(key('a'), value(10));
    const [path = ''] = await files();
    await writeFile(`${path}.1.partial`, 'half');
    await writeFile(`${path}.2.partial`, 'half');
    await utimes(`${path}.1.partial`, 1e9, 1e9);
    await ResultCache.open({ memoryBytes: 0, folder });
    expect((await files()).sort()).toEqual([path, `${path}.2.partial`].sort());
  });

  it('goes on when a result cannot be written', async () => {
    const cache = await ResultCache.open({ memoryBytes: 1e6, folder });
    await mkdir(pathOf(key('a')), { recursive: true });
    await cache.set(key('a'), value(10));
    expect(cache.counts.failedWrites).toBe(1);
    expect((await cache.get(key('a')))?.place).toBe('memory');
  });

  it('is written by several processes at once; every result that is found is whole', async () => {
    const writer = fileURLToPath(new URL('../../fixtures/model/cacheWriter.mjs', import.meta.url));
    const built = fileURLToPath(new URL('../../../dist/recognise/cache/resultCache.js', import.meta.url));
    const ended = [1, 2, 3].map((seed) => {
      const child = fork(writer, [built, folder, String(seed)], { execArgv: [] });
      return new Promise((resolve) => child.once('exit', resolve));
    });
    expect(await Promise.all(ended)).toEqual([0, 0, 0]);
    const cache = await ResultCache.open({ memoryBytes: 0, folder });
    for (let name = 0; name < 20; name++) {
      const found = await cache.get(key(name));
      if (found !== undefined) expect(found.bytes).toEqual(value(1000 + name, name));
    }
    expect(cache.counts).toMatchObject({ damaged: 0 });
    expect(cache.counts.diskHits).toBeGreaterThan(0);
    expect((await files()).filter((path) => path.endsWith('.partial'))).toEqual([]);
  });
});
