import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../src/onnx/file/read.js';
import { createRandom } from '../../src/random.js';
import { buildModel } from '../../src/recognise/kinds/ctc/buildModel.js';
import { manifestPath } from '../../src/recognise/registry/embedded.js';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import { searchOnSpeech } from '../../src/tune/search.js';
import { sensitivityOnSpeech } from '../../src/tune/sensitivity.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quantlab-search-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('search on speech', () => {
  it('stops when told, writes each trial, and goes on from a trace that was cut off', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const tracePath = join(folder, 'trace.jsonl');
    const manifest = join(folder, 'three.jsonl');
    const three = (await readManifest(manifestPath('dev')))
      .slice(0, 3)
      .map(({ id, audioPath, durationS, text, speaker }) =>
        JSON.stringify({ id, audio_filepath: audioPath, duration: durationS, text, speaker }),
      );
    await writeFile(manifest, `${three.join('\n')}\n`);
    const stop = new Error('enough');
    const options = {
      goal: 'smallest',
      budget: 0.01,
      tracePath,
      manifest,
      threads: 1,
      random: createRandom(1).next,
    } as const;
    const stopAt =
      (most: number) =>
      (_: unknown, count: number): void => {
        if (count >= most) throw stop;
      };
    await expect(searchOnSpeech(model, { ...options, onTrial: stopAt(1) })).rejects.toBe(stop);
    await appendFile(tracePath, '{"recipe":{"sch');
    await expect(searchOnSpeech(model, { ...options, onTrial: stopAt(2) })).rejects.toBe(stop);
    const lines = (await readFile(tracePath, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { recipe?: { name: string } });
    expect(lines.map(({ recipe }) => recipe?.name)).toEqual([undefined, 'search-smallest', 'dynamic']);
    await expect(searchOnSpeech(model, { ...options, threads: 2 })).rejects.toThrow(/a trace of this model/);
    const missing = { ...options, tracePath: join(folder, 'x.jsonl'), manifest: 'nowhere.jsonl' };
    await expect(searchOnSpeech(model, missing)).rejects.toThrow(/nowhere\.jsonl/);
  }, 120_000);
});

describe('sensitivity on speech', () => {
  it('ranks the layers of the shipped model', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const table = await sensitivityOnSpeech(await readModel(model.path), model, {
      utterances: 1,
      calibrationUtterances: 1,
      timed: false,
      nodes: ['conv0.conv', 'lstm2.lstm', 'labels.product'],
      threads: 1,
    });
    expect(table.length).toBe(1 + 3 + 4);
    expect(table.filter(({ choice }) => choice === 'dynamic').every(({ outputDb }) => (outputDb ?? 99) > 35)).toBe(
      true,
    );
  });

  it('measures convolutions between transposes, which are moved before they are quantized', async () => {
    const residual = { front: 'residual', cell: 'gru', layers: 1, units: 32, seed: 1 } as const;
    const model = await buildModel(join(folder, 'residual.onnx'), residual);
    const table = await sensitivityOnSpeech(await readModel(model.path), model, {
      utterances: 1,
      calibrationUtterances: 1,
      timed: false,
      nodes: ['block0.0.conv', 'block2.1.conv'],
      threads: 1,
    });
    expect(table.map(({ choice }) => choice)).toEqual(['static', 'static']);
    for (const { activationDb } of table) expect(activationDb).toBeGreaterThan(20);
  });
});
