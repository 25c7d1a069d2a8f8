import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { buildDeepSpeech2 } from '../../../src/onnx/build/build.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { Recognizer } from '../../../src/recognise/recognizer.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { rememberedSha256 } from '../../../src/recognise/registry/rememberedChecksum.js';
import { describeProcessor, keepOptimized } from '../../../src/recognise/session/optimizedModel.js';
import { readAudio } from '../../../src/speech/audio/audio.js';
import { scoresOf } from '../ctcModel.js';

const ADDED = fileURLToPath(new URL('../../../data/speech/audio/added.flac', import.meta.url));
const AGENT = fileURLToPath(new URL('../../../data/speech/audio/agent-pass.flac', import.meta.url));

describe('keepOptimized', () => {
  let base: string;
  let small: string;
  let folder: string;

  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), 'quantlab-'));
    small = join(base, 'small.onnx');
    await writeModel(buildDeepSpeech2({ layers: 1, units: 16, channels: 4 }), small);
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(base, 'kept-'));
  });

  afterAll(async () => await rm(base, { recursive: true, force: true }));

  const entries = async (): Promise<string[]> =>
    (await readdir(folder)).filter((name) => /^[0-9a-f]{32}/.test(name)).sort();

  it('makes an entry once and finds it afterwards', async () => {
    const made = await keepOptimized(small, folder);
    expect(made).toMatchObject({ state: 'made', reason: 'none yet' });
    expect(await keepOptimized(small, folder)).toEqual({ state: 'found', path: made.path, reason: '' });
    // Threads, arena and spinning change nothing in it.
    expect(await keepOptimized(small, folder, { threads: 2, arena: false, spinning: false })).toMatchObject({
      state: 'found',
    });
    expect(await entries()).toHaveLength(1);
  });

  it('mends an entry that is damaged, in whichever file', async () => {
    const { path } = await keepOptimized(small, folder);
    const damages = [
      { what: 'model.onnx.data is damaged', damage: async () => await flip(`${path}.data`, 5000) },
      { what: 'model.onnx is damaged', damage: async () => await truncate(path, 100) },
      { what: 'model.onnx.data is missing', damage: async () => await rm(`${path}.data`) },
      { what: 'entry.json is damaged', damage: async () => await writeFile(join(path, '../entry.json'), '{') },
    ];
    for (const { what, damage } of damages) {
      await damage();
      expect(await keepOptimized(small, folder), what).toMatchObject({ state: 'mended', reason: what, path });
      expect(await keepOptimized(small, folder), what).toMatchObject({ state: 'found' });
    }
    expect(await entries()).toHaveLength(1);
  });

  it('makes another for another model, and removes what another runtime left', async () => {
    const processor = await describeProcessor();
    const old = await keepOptimized(small, folder, {}, { runtimeVersion: '1.0.0', processor });
    const elsewhere = await keepOptimized(small, folder, {}, { processor: 'another' });
    const now = await keepOptimized(small, folder);
    expect(now.state).toBe('made');
    const left = (await entries()).map((name) => join(folder, name, 'model.onnx'));
    expect(left).toEqual([elsewhere.path, now.path].sort());
    expect(left).not.toContain(old.path);
    const other = join(folder, 'other.onnx');
    await writeModel(buildDeepSpeech2({ layers: 1, units: 16, channels: 4, seed: 2 }), other);
    expect(await keepOptimized(other, folder)).toMatchObject({ state: 'made' });
    // The same bytes under another name are the same model.
    await copyFile(small, join(folder, 'copy.onnx'));
    expect(await keepOptimized(join(folder, 'copy.onnx'), folder)).toMatchObject({ state: 'found', path: now.path });
  });

  it('is made by two at once, as one whole', async () => {
    const both = await Promise.all([keepOptimized(small, folder), keepOptimized(small, folder)]);
    expect(new Set(both.map(({ path }) => path)).size).toBe(1);
    expect(await keepOptimized(small, folder)).toMatchObject({ state: 'found' });
    expect(await entries()).toHaveLength(1);
  });

  it('does not keep what it cannot, and says why', async () => {
    expect(await keepOptimized(small, folder, { executionProvider: 'webgpu' })).toEqual({
      state: 'not kept',
      path: small,
      reason: 'its weights are not on the processor (webgpu)',
    });
    await writeFile(join(folder, 'taken'), '');
    const taken = await keepOptimized(small, join(folder, 'taken'));
    expect(taken).toMatchObject({ state: 'not kept', path: small });
    expect(taken.reason).toMatch(/a folder was required, got a file/);
    await expect(keepOptimized(join(folder, 'gone.onnx'), folder)).rejects.toThrow(InputError);
  });

  it('gives the same text, bit by bit, from what is kept', async () => {
    const model: ResolvedModel = await resolveModel('deepspeech2-lstm');
    const options = { threads: 1 };
    const plain = await Recognizer.load(model, options);
    const first = await Recognizer.load(model, { ...options, optimizedFolder: folder });
    const second = await Recognizer.load(model, { ...options, optimizedFolder: folder });
    const audios = [await readAudio(ADDED), await readAudio(AGENT)];
    const expected = await scoresOf(plain, audios);
    expect(await scoresOf(first, audios)).toEqual(expected);
    expect(await scoresOf(second, audios)).toEqual(expected);
    await Promise.all([plain, first, second].map((one) => one.release()));
  });
});

describe('rememberedSha256', () => {
  it('knows a file that did not change, and sees every change', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
    const path = join(folder, 'file');
    const notes = join(folder, 'notes');
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
    const later = (): number => Date.now() + 60_000;
    await writeFile(path, 'one');
    // Just changed: it could change again within the grain of the clock, so nothing is remembered.
    expect(await rememberedSha256(path, notes, () => 0)).toBe(sha256('one'));
    expect(await readdir(notes).catch(() => [])).toEqual([]);
    expect(await rememberedSha256(path, notes, later)).toBe(sha256('one'));
    const [note = ''] = await readdir(notes);
    // What is remembered is believed: a false note shows that the file is not read again …
    const text = await readFile(join(notes, note), 'utf8');
    await writeFile(join(notes, note), text.replace(sha256('one'), sha256('false')));
    expect(await rememberedSha256(path, notes, later)).toBe(sha256('false'));
    // … until it changes, though its size stays, or until the note is damaged.
    await writeFile(path, 'two');
    expect(await rememberedSha256(path, notes, later)).toBe(sha256('two'));
    await writeFile(join(notes, note), 'no note');
    expect(await rememberedSha256(path, notes, later)).toBe(sha256('two'));
    await expect(rememberedSha256(`${path}.gone`, notes, later)).rejects.toThrow(/a file was required, got nothing/);
    await rm(folder, { recursive: true });
  });
});

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  await file.write(Uint8Array.of((byte[0] ?? 0) ^ 1), 0, 1, at);
  await file.close();
}
