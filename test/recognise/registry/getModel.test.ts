import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../../src/files.js';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { getModel } from '../../../src/recognise/registry/getModel.js';
import { listModels, resolveModel } from '../../../src/recognise/registry/registry.js';
import { packModel } from '../../../src/recognise/weights/pack.js';
import { type CorpusServer, startCorpusServer } from '../../speech/corpusServer.js';

// A model that the package has no card of, and one whose card it has: from a server on this machine, and from a folder.
const ID = 'elsewhere';
const SHIPPED = 'deepspeech2-lstm';

let models: string;
let cache: string;
let server: CorpusServer;

beforeAll(async () => {
  models = await mkdtemp(join(tmpdir(), 'quantlab-elsewhere-'));
  const [draft] = await listModels();
  if (draft === undefined) throw new Error('no shipped model');
  const trained = join(models, 'trained.onnx');
  await writeModel(buildDeepSpeech2({ layers: 1, units: 8, seed: 1 }), trained);
  await packModel(trained, { ...draft, id: ID }, join(models, ID));
});
afterAll(() => rm(models, { recursive: true }));

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'quantlab-cache-'));
  server = await startCorpusServer();
  for (const [id, folder] of [
    [ID, join(models, ID)],
    [SHIPPED, join('data', 'models', SHIPPED)],
  ] as const) {
    for (const file of ['model.json', 'model.weights']) {
      server.files.set(`/models/${id}/${file}`, { body: await readFile(join(folder, file)), etag: '"1"' });
    }
  }
});
afterEach(async () => {
  await server.close();
  await rm(cache, { recursive: true });
});

const from = () => `${server.origin}/models`;

describe('getting a model', () => {
  it('brings one that the package does not know, with its card, and finds it by its id from then on', async () => {
    await expect(resolveModel(ID, { cacheFolder: cache })).rejects.toThrow(/known ids/);
    const card = await getModel(ID, from(), { cacheFolder: cache });
    const { path } = await resolveModel(ID, { cacheFolder: cache });
    expect(await sha256OfFile(path)).toBe(card.graphs['model']?.file.sha256);
  });

  it('goes on where the connection dropped, and says how far it is', async () => {
    const body = await readFile(join('data', 'models', SHIPPED, 'model.weights'));
    server.files.set(`/models/${SHIPPED}/model.weights`, { body, etag: '"1"', dropAfter: 200_000 });
    const steps: number[] = [];
    await getModel(SHIPPED, from(), { cacheFolder: cache, retryPauseMs: 1, progress: (done) => steps.push(done) });
    expect(server.seen.map(({ range }) => range).filter(Boolean)).not.toEqual([]);
    expect(steps.at(-1)).toBe(body.length);
    // The card is the package's own: of this model nothing but the weights is asked for.
    expect(new Set(server.seen.map(({ path }) => path))).toEqual(new Set([`/models/${SHIPPED}/model.weights`]));
    const seen = server.seen.length;
    await getModel(SHIPPED, from(), { cacheFolder: cache });
    expect(server.seen).toHaveLength(seen);
  });

  it('refuses weights that are not those of the card, from a server and from a folder', async () => {
    server.files.set(`/models/${SHIPPED}/model.weights`, { body: Buffer.from('other bytes'), etag: '"2"' });
    await expect(getModel(SHIPPED, from(), { cacheFolder: cache })).rejects.toThrow(/sha256 \w{64} was required/);
    const bad = await mkdtemp(join(tmpdir(), 'quantlab-bad-'));
    await mkdir(join(bad, SHIPPED));
    await writeFile(join(bad, SHIPPED, 'model.weights'), 'other bytes');
    await expect(getModel(SHIPPED, bad, { cacheFolder: cache })).rejects.toThrow(/sha256 \w{64} was required, got/);
    await expect(getModel(ID, join(bad, 'nowhere'), { cacheFolder: cache })).rejects.toThrow(/nowhere/);
    await rm(bad, { recursive: true });
  });

  it('copies from a folder', async () => {
    await getModel(ID, models, { cacheFolder: cache });
    const { card } = await resolveModel(ID, { cacheFolder: cache });
    expect(card.id).toBe(ID);
  });

  it('takes a model whose card says no checksum as it comes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-plain-'));
    const draft = JSON.parse(await readFile(join(models, ID, 'model.json'), 'utf8'));
    await mkdir(join(folder, 'plain'));
    await copyFile(join(models, 'trained.onnx'), join(folder, 'plain', 'plain.onnx'));
    const graphs = { model: { ...draft.graphs.model, file: { path: 'plain.onnx' }, packed: undefined } };
    await writeFile(join(folder, 'plain', 'model.json'), JSON.stringify({ ...draft, id: 'plain', graphs }));
    for (let times = 0; times < 2; times++) {
      await getModel('plain', folder, { cacheFolder: cache });
      const { path } = await resolveModel('plain', { cacheFolder: cache });
      expect((await readFile(path)).equals(await readFile(join(models, 'trained.onnx')))).toBe(true);
    }
    // What was there is no longer what is offered: without a checksum it is got again each time.
    await copyFile(join(folder, 'plain', 'model.json'), join(folder, 'plain', 'plain.onnx'));
    await getModel('plain', folder, { cacheFolder: cache });
    const { path } = await resolveModel('plain', { cacheFolder: cache });
    expect(await readFile(path, 'utf8')).toContain('"id":"plain"');
    await rm(folder, { recursive: true });
  });

  it('asks for no card over plain HTTP from elsewhere, and takes no path for an id', async () => {
    await expect(getModel(ID, 'http://192.0.2.1/models', { cacheFolder: cache })).rejects.toThrow(/https was required/);
    await expect(getModel('../x', models, { cacheFolder: cache })).rejects.toThrow(/small letters/);
    server.files.set(`/models/other/model.json`, { body: await readFile(join(models, ID, 'model.json')) });
    await expect(getModel('other', from(), { cacheFolder: cache })).rejects.toThrow(/the card of other was required/);
  });
});
