import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, UnavailableError } from '../../src/errors.js';
import { type UnpackOptions, unpackTar } from '../../src/speech/corpora/unpack.js';
import { makeTar, makeTarGz, type TarEntry } from './corpusServer.js';

let folder: string;
let archive: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-unpack-'));
  archive = join(folder, 'a.tar.gz');
  target = join(folder, 'target');
  await mkdir(target);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function unpackBytes(bytes: Uint8Array, options?: UnpackOptions): Promise<void> {
  await writeFile(archive, bytes);
  await unpackTar(archive, target, options);
}

async function refusal(entries: readonly TarEntry[], options?: UnpackOptions): Promise<string> {
  const bytes = await makeTarGz(entries);
  const error: unknown = await unpackBytes(bytes, options).then(
    () => new Error('no error came'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as Error).message;
}

describe('unpacking', () => {
  it('writes files and folders, long names and empty files among them', async () => {
    const long = `${'long/'.repeat(40)}name.txt`;
    const large = Buffer.alloc(3_000_000, 5);
    const steps: number[] = [];
    const bytes = await makeTarGz([
      { name: './a/', type: 'directory' },
      { name: 'a/b.txt', body: 'bee' },
      { name: 'a/empty', body: '' },
      { name: 'a/large.bin', body: large },
      { name: long, body: 'deep' },
    ]);
    await unpackBytes(bytes, { progress: (read) => steps.push(read) });
    expect(await readFile(join(target, 'a/b.txt'), 'utf8')).toBe('bee');
    expect(await readFile(join(target, 'a/empty'), 'utf8')).toBe('');
    expect((await readFile(join(target, 'a/large.bin'))).equals(large)).toBe(true);
    expect(await readFile(join(target, long), 'utf8')).toBe('deep');
    expect(steps.at(-1)).toBe(bytes.length);
  });

  it('unpacks a plain tar as well', async () => {
    await unpackBytes(await makeTar([{ name: 'a.txt', body: 'plain' }]));
    expect(await readFile(join(target, 'a.txt'), 'utf8')).toBe('plain');
  });

  it.each<[string, TarEntry]>([
    ['a path upwards', { name: '../escape', body: 'x' }],
    ['a path upwards in the middle', { name: 'a/../../escape', body: 'x' }],
    ['an absolute path', { name: '/escape', body: 'x' }],
    ['a Windows drive', { name: 'C:/escape', body: 'x' }],
    ['a backslash', { name: 'a\\..\\..\\escape', body: 'x' }],
    ['a symbolic link', { name: 'out', type: 'symlink', linkname: '..' }],
    ['a hard link', { name: 'passwords', type: 'link', linkname: '/etc/passwd' }],
    ['a named pipe', { name: 'pipe', type: 'fifo' }],
    ['a device', { name: 'null', type: 'character-device' }],
  ])('refuses %s', async (_what, entry) => {
    // The entry after it would be written through the link, if the link had been made.
    const message = await refusal([{ name: 'first.txt', body: '1' }, entry, { name: 'out/escape', body: 'x' }]);
    expect(message).toMatch(/a\.tar\.gz: an archive of plain files below one folder was required, got/);
    expect(message).toContain(JSON.stringify(entry.name));
    expect((await readdir(folder)).sort()).toEqual(['a.tar.gz', 'target']);
    expect(await readdir(target)).toEqual(['first.txt']);
  });

  it('refuses more bytes than allowed before it writes them', async () => {
    const bomb = { name: 'zeros', body: Buffer.alloc(20_000_000) };
    expect(await refusal([bomb], { maxBytes: 1_000_000 })).toMatch(/more than 1000000 bytes/);
    expect(await readdir(target)).toEqual([]);
  });

  it('refuses more entries than allowed', async () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ name: `f${index}`, body: '' }));
    expect(await refusal(many, { maxEntries: 10 })).toMatch(/more than 10 entries/);
    expect((await readdir(target)).length).toBe(10);
  });

  it('says that an archive is cut off, damaged or none', async () => {
    const whole = await makeTarGz([
      { name: 'a.bin', body: Buffer.from(Array.from({ length: 50_000 }, (_, i) => i * i)) },
    ]);
    const form = /a\.tar\.gz: a whole \.tar or \.tar\.gz was required, got .+; delete it and get it anew/;
    await expect(unpackBytes(whole.subarray(0, whole.length / 2))).rejects.toThrow(form);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 100, 160);
    await expect(unpackBytes(damaged)).rejects.toThrow(form);
    const tar = await makeTar([{ name: 'a.bin', body: 'x'.repeat(5000) }]);
    await expect(unpackBytes(gzipSync(tar.subarray(0, 2000)))).rejects.toThrow(form);
    await expect(unpackBytes(Buffer.from('<html>Sign in to the network</html>'))).rejects.toThrow(form);
    await expect(unpackTar(join(folder, 'nowhere'), target)).rejects.toThrow(
      /nowhere: a file was required, got nothing/,
    );
  });

  it.runIf(process.platform === 'linux')('says that the disk became full', async () => {
    // Every write to /dev/full fails with ENOSPC, as on a full disk (full(4)).
    await symlink('/dev/full', join(target, 'a.bin'));
    const error: unknown = await unpackBytes(await makeTarGz([{ name: 'a.bin', body: 'x' }])).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toMatch(/a\.bin: room on the disk was required, got ENOSPC/);
  });

  it('stops when told', async () => {
    const stop = new AbortController();
    const bytes = await makeTarGz([{ name: 'a', body: 'a' }]);
    await expect(
      unpackBytes(bytes, { signal: stop.signal, progress: () => stop.abort(new Error('stopped by hand')) }),
    ).rejects.toThrow('stopped by hand');
  });
});
