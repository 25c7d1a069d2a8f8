import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { sha256OfFile } from '../../../src/files.js';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { readCard } from '../../../src/recognise/card/readCard.js';
import { cacheFolder, listModels, resolveModel } from '../../../src/recognise/registry/registry.js';
import { packModel } from '../../../src/recognise/weights/pack.js';

const id = 'small';

/** A small model, packed: most of what the registry does, it does alike for models of any size. */
let shipped: string;
beforeAll(async () => {
  shipped = await mkdtemp(join(tmpdir(), 'quantlab-shipped-'));
  const trained = join(shipped, 'trained.onnx');
  await writeModel(buildDeepSpeech2({ layers: 1, units: 8, seed: 1 }), trained);
  const [draft] = await listModels();
  if (draft === undefined) throw new Error('no shipped model');
  await packModel(trained, { ...draft, id }, join(shipped, id));
  await rm(trained);
});

let folder: string;
let cache: string;
beforeEach(async () => {
  const root = await mkdtemp(join(tmpdir(), 'quantlab-registry-'));
  folder = join(root, 'models');
  cache = join(root, 'cache');
  await cp(shipped, folder, { recursive: true });
});

const options = () => ({ folder, cacheFolder: cache });
const weights = () => join(folder, id, 'model.weights');

describe('listModels', () => {
  it('finds the shipped models', async () => {
    const cards = await listModels();
    const lstm = cards.find((card) => card.id === 'deepspeech2-lstm');
    // As PyTorch counted when it was trained (`parameters` of training's results.json).
    expect(lstm?.parameters).toBe(8_009_453);
    expect(cards.map((card) => card.id)).toEqual(cards.map((card) => card.id).sort());
  });
});

describe('resolveModel', () => {
  it('unpacks deepspeech2-lstm to the very file that was trained', async () => {
    const { card, path } = await resolveModel('deepspeech2-lstm', { cacheFolder: cache });
    // SHA-256 of the exported float32 model, as training/export.py wrote it.
    expect(card.graphs['model']?.file.sha256).toBe('07222de06515a66ca4766d008aae1660b36d4fb5753c17036dbe2f9f0451d15d');
    expect(await sha256OfFile(path)).toBe(card.graphs['model']?.file.sha256);
  });

  it('uses the unpacked file again, even when the shipped one is gone', async () => {
    const first = await resolveModel(id, options());
    await rm(weights());
    expect((await resolveModel(id, options())).path).toBe(first.path);
  });

  it('unpacks again when the cached file is damaged', async () => {
    const { card, path } = await resolveModel(id, options());
    await truncate(path, 1000);
    await resolveModel(id, options());
    expect(await sha256OfFile(path)).toBe(card.graphs['model']?.file.sha256);
  });

  it('is safe when two do it at once, and leaves nothing else behind', async () => {
    const both = await Promise.all([resolveModel(id, options()), resolveModel(id, options())]);
    expect(await sha256OfFile(both[0].path)).toBe(both[0].card.graphs['model']?.file.sha256);
    expect(await readdir(join(cache, 'models'))).toHaveLength(1);
  });

  it('takes a card, and a model with a card beside it', async () => {
    const { path } = await resolveModel(join(folder, id, 'model.json'), options());
    expect(path).toContain(cache);
    const beside = join(folder, id, 'model.onnx');
    await cp(path, beside);
    expect((await resolveModel(beside, options())).path).toBe(beside);
    const variant = join(folder, id, 'model.int8.onnx');
    await writeFile(variant, 'any');
    expect((await resolveModel(variant, options())).card.id).toBe(id);
  });

  it('prefers a float32 model beside the card', async () => {
    const { card, path } = await resolveModel(id, options());
    const beside = join(folder, id, 'model.onnx');
    await cp(path, beside);
    expect((await resolveModel(id, options())).path).toBe(beside);
    await truncate(beside, 5);
    await expect(resolveModel(id, options())).rejects.toThrow(
      `5 bytes instead of ${card.graphs['model']?.file.sizeBytes}`,
    );
  });

  it('names the known ids when there is no such model', async () => {
    await expect(resolveModel('unknown', options())).rejects.toThrow(/known ids: small/);
    await expect(resolveModel('../escape', options())).rejects.toThrow(InputError);
    await expect(resolveModel('missing.onnx', options())).rejects.toThrow(/missing\.onnx: a model was required/);
    await expect(resolveModel('missing.json', options())).rejects.toThrow(/missing\.json/);
  });

  it('refuses a shipped file that is cut, changed or missing', async () => {
    const bytes = await readFile(weights());
    await truncate(weights(), 1000);
    await expect(resolveModel(id, options())).rejects.toThrow(/model\.weights: .* 1000 bytes instead of/);
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    await writeFile(weights(), bytes);
    await expect(resolveModel(id, options())).rejects.toThrow(/got SHA-256 [0-9a-f]{64}; restore it/);
    await rm(weights());
    await expect(resolveModel(id, options())).rejects.toThrow(/model\.weights: a file was required, got nothing/);
    await expect(readdir(join(cache, 'models'))).rejects.toThrow();
  });

  it('refuses a card whose float checksum is another model’s, and leaves no such file', async () => {
    const cardPath = join(folder, id, 'model.json');
    const text = await readFile(cardPath, 'utf8');
    const { sha256 } = (await readCard(cardPath)).graphs['model']?.file ?? {};
    await writeFile(cardPath, text.replace(sha256 ?? '', '0'.repeat(64)));
    await expect(resolveModel(id, options())).rejects.toThrow(/do not belong together/);
    expect(await readdir(join(cache, 'models'))).toEqual([]);
  });

  it('refuses a card with a field missing or misspelt', async () => {
    const cardPath = join(folder, id, 'model.json');
    const card = JSON.parse(await readFile(cardPath, 'utf8')) as Record<string, unknown>;
    await writeFile(cardPath, JSON.stringify({ ...card, timeStride: undefined }));
    await expect(resolveModel(id, options())).rejects.toThrow(/timeStride/);
    await writeFile(cardPath, JSON.stringify({ ...card, licens: 'MIT' }));
    await expect(resolveModel(id, options())).rejects.toThrow(/licens/);
    await writeFile(cardPath, JSON.stringify({ ...card, blank: 3 }));
    await expect(resolveModel(id, options())).rejects.toThrow(/blank/);
  });

  it('refuses a model without a card', async () => {
    const lonely = join(cache, 'lonely.onnx');
    await cp(weights(), lonely);
    await expect(resolveModel(lonely, options())).rejects.toThrow(/neither lonely\.json nor model\.json/);
  });
});

describe('cacheFolder', () => {
  it('follows QUANTLAB_CACHE, XDG_CACHE_HOME and the home folder, in this order', () => {
    expect(cacheFolder({ QUANTLAB_CACHE: '/q', XDG_CACHE_HOME: '/x' })).toBe('/q');
    expect(cacheFolder({ QUANTLAB_CACHE: '', XDG_CACHE_HOME: '/x' })).toBe(join('/x', 'quantlab'));
    expect(cacheFolder({})).toMatch(/\.cache[/\\]quantlab$/);
  });
});
