import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../../src/files.js';
import { getWhisper } from '../../../src/recognise/import/getWhisper.js';
import {
  type PublishedWhisper,
  publishedWhisper,
  publishedWhispers,
} from '../../../src/recognise/import/publishedWhispers.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { type CorpusServer, startCorpusServer } from '../../speech/corpusServer.js';
import { smallConfig, writeHuggingFaceFolder } from './randomWhisper.js';

// A server on this machine that keeps files as Hugging Face does: REPOSITORY/resolve/COMMIT/FILE.
const NAMES = ['config.json', 'generation_config.json', 'tokenizer.json', 'model.safetensors'];
const PLACE = '/openai/whisper-small-random/resolve/0123456789';

let [folder, cache] = ['', ''];
let server: CorpusServer;
let published: PublishedWhisper;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-hub-'));
  cache = await mkdtemp(join(tmpdir(), 'quantlab-cache-'));
  writeHuggingFaceFolder(folder, smallConfig());
  server = await startCorpusServer();
  const files = await Promise.all(
    NAMES.map(async (path) => {
      server.files.set(`${PLACE}/${path}`, { body: await readFile(join(folder, path)), etag: '"1"' });
      return { path, checksum: { algorithm: 'sha256', value: await sha256OfFile(join(folder, path)) } as const };
    }),
  );
  published = { repository: 'openai/whisper-small-random', revision: '0123456789', files };
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
  await rm(cache, { recursive: true });
});

const get = (id: string) => getWhisper(id, published, { from: server.origin, cacheFolder: cache, retryPauseMs: 1 });

describe('getting a Whisper', () => {
  it('goes on where the connection dropped, makes a model of it, and asks nothing for one that is there', async () => {
    const weights = server.files.get(`${PLACE}/model.safetensors`);
    if (weights === undefined) throw new Error('no weights');
    server.files.set(`${PLACE}/model.safetensors`, { ...weights, dropAfter: 200_000 });
    const card = await get('whisper-small-random');
    expect(server.seen.some(({ range }) => range !== undefined)).toBe(true);
    const { graphs } = await resolveModel('whisper-small-random', { cacheFolder: cache });
    expect(Object.keys(graphs)).toEqual(['encoder', 'decoder']);
    expect(card.kind).toBe('encoder-decoder');
    // What was downloaded is gone.
    expect(await readdir(join(cache, 'downloads', 'openai', 'whisper-small-random'))).toEqual([]);
    const asked = server.seen.length;
    await get('whisper-small-random');
    expect(server.seen).toHaveLength(asked);
  });

  it('refuses bytes that are not those that are known, and makes no model of them', async () => {
    const weights = await readFile(join(folder, 'model.safetensors'));
    weights[weights.length - 1] = (weights.at(-1) ?? 0) ^ 1;
    server.files.set(`${PLACE}/model.safetensors`, { body: weights, etag: '"2"' });
    await expect(get('whisper-small-random')).rejects.toThrow(/sha256 \w{64} was required, got \w{64}/);
    await expect(resolveModel('whisper-small-random', { cacheFolder: cache })).rejects.toThrow(/none of them/);
  });
});

describe('the list of published ones', () => {
  it('names a commit and a digest of the weights of each, and what an alias means', () => {
    expect(publishedWhispers()).toHaveLength(11);
    for (const id of publishedWhispers()) {
      const { revision = '', files = [] } = publishedWhisper(id) ?? {};
      expect(revision).toMatch(/^[0-9a-f]{40}$/);
      expect(files.map(({ path }) => path)).toEqual(NAMES);
      expect(files.at(-1)?.checksum?.value).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(publishedWhisper('whisper-turbo')).toEqual(publishedWhisper('whisper-large-v3-turbo'));
    expect(publishedWhisper('constructor')).toBeUndefined();
  });
});
