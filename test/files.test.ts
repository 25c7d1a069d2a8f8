import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../src/errors.js';
import { makeFolder, writeFileAtomic } from '../src/files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-files-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('making a folder', () => {
  it('makes what is missing above it, also twice at once', async () => {
    const path = join(folder, 'a', 'b', 'c');
    await Promise.all([makeFolder(path), makeFolder(path)]);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('names the file that stands in the way', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(makeFolder(join(file, 'x', 'y'))).rejects.toThrow(`${file}: a folder was required, got a file`);
  });

  it.runIf(process.platform === 'linux')(
    'refuses where nobody can make folders, instead of trying for ever',
    async () => {
      await expect(makeFolder('/proc/quantlab/run')).rejects.toThrow('/proc/quantlab');
    },
  );
});

describe('writing a file', () => {
  it('keeps the old file and leaves nothing else when the data fail in the middle', async () => {
    const path = join(folder, 'kept', 'file.txt');
    await writeFileAtomic(path, 'old');
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw new InputError('source: more was required, got an end; try again');
    };
    await expect(writeFileAtomic(path, broken())).rejects.toThrow('source: more was required');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(join(folder, 'kept'))).toEqual(['file.txt']);
  });
});
