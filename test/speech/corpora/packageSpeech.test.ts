import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import { findPackageSet, getPackageSet } from '../../../src/speech/corpora/packageSpeech.js';
import { readUtterances } from '../../../src/speech/corpora/recordings.js';
import { startCorpusServer } from '../corpusServer.js';

const SPEECH = join('data', 'speech');

describe('the speech of the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-package-speech-'));
  // As npm brings it: manifests and checksums of all sets, and no recordings of this one.
  const carried = join(folder, 'carried');
  const cache = join(folder, 'cache');

  beforeAll(() => {
    mkdirSync(carried);
    for (const file of ['dev.jsonl', 'SHA256SUMS']) cpSync(join(SPEECH, file), join(carried, file));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found in the repository', () => {
    expect(findPackageSet('dev', cache)).toMatch(/data.speech.dev\.jsonl$/);
  });

  it('says how to get recordings that the package does not carry', () => {
    const find = (): string => findPackageSet('dev', cache, carried);
    expect(find).toThrow(UnavailableError);
    expect(find).toThrow(/run `quantlab data get dev --from`/);
  });

  it('is got from a server, each recording checked; what stays away or is another is an error', async () => {
    const server = await startCorpusServer();
    try {
      const get = (): Promise<string> =>
        getPackageSet('dev', `${server.origin}/speech/`, cache, { folder: carried, retryPauseMs: 1 });
      const lines = readFileSync(join(SPEECH, 'dev.jsonl'), 'utf8').trim().split('\n');
      for (const line of lines) {
        const { audio_filepath: path } = JSON.parse(line) as { readonly audio_filepath: string };
        server.files.set(`/speech/${path}`, { body: readFileSync(join(SPEECH, path)) });
      }
      const [last, right] = [...server.files].at(-1) ?? [];
      server.files.set(last ?? '', { body: Buffer.from('another') });
      await expect(get()).rejects.toThrow(/sha256 \w{64} was required/);
      expect(() => findPackageSet('dev', cache, carried)).toThrow(UnavailableError);
      if (right) server.files.set(last ?? '', right);
      const before = server.seen.length;
      const manifest = await get();
      // Only the one that is missing.
      expect(server.seen.slice(before).map(({ path }) => path)).toEqual([last]);
      expect(findPackageSet('dev', cache, carried)).toBe(manifest);
      expect((await readUtterances(manifest)).length).toBe(64);
    } finally {
      await server.close();
    }
  });

  it('is copied from a folder', async () => {
    const manifest = await getPackageSet('dev', SPEECH, join(folder, 'other'), { folder: carried });
    expect(readFileSync(manifest)).toEqual(readFileSync(join(SPEECH, 'dev.jsonl')));
  });
});
