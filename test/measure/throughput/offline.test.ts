import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureServers } from '../../../src/measure/load/server.js';
import { measureOffline, type OfflinePass, summarizeOffline } from '../../../src/measure/throughput/offline.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import type { Utterance } from '../../../src/speech/types.js';

const FAKE = fileURLToPath(new URL('../../fixtures/experiment/fakeWorker.mjs', import.meta.url));
const HOLDOUT = fileURLToPath(new URL('../../../data/speech/holdout.jsonl', import.meta.url));

let model: ResolvedModel;
let utterances: readonly Utterance[];

beforeAll(async () => {
  model = await resolveModel('deepspeech2-lstm');
  utterances = (await readManifest(HOLDOUT)).filter(({ durationS }) => durationS < 2).slice(0, 6);
});

describe('measureOffline', () => {
  it('hears every utterance in every arrangement, and gives the passes as they come', async () => {
    const kept: number[] = [];
    const passes = await measureOffline([model], {
      utterances,
      cores: 2,
      rounds: 2,
      batchSizes: [1, 4],
      streams: [1, 2],
      workerPath: FAKE,
      onPass: (all, total) => void kept.push(all.length, total),
    });
    // Two divisions with two sizes each, one of them unsorted too; twice.
    expect(passes).toHaveLength(10);
    expect(kept).toEqual(Array.from({ length: 10 }, (_, pass) => [pass + 1, 10]).flat());
    const names = (round: number): string[] =>
      passes.filter((pass) => pass.round === round).map(({ arrangement }) => JSON.stringify(arrangement));
    expect(names(0)).not.toEqual(names(1));
    expect(names(0).sort()).toEqual(names(1).sort());
    for (const { texts, arrangement } of passes) {
      // The stand-in hears with two threads what it was given, and with one says so.
      const heard = arrangement.threads === 2 ? '' : ' heard';
      expect(texts).toEqual(utterances.map(({ id }) => `${id}${heard}`));
    }
  });

  it('gives with the shipped model what it gives alone', async () => {
    const options = { utterances: utterances.slice(0, 4), cores: 1, rounds: 1, batchSizes: [1, 4], streams: [1] };
    const passes = await measureOffline([model], options);
    const [report] = summarizeOffline(passes, options.utterances);
    expect(report?.results.map(({ name }) => name).sort()).toEqual([
      '1 × 1 thread, batch 1',
      '1 × 1 thread, batch 4',
      '1 × 1 thread, batch 4, unsorted',
    ]);
    expect(new Set(report?.results.map(({ accuracy }) => accuracy.wer.value)).size).toBe(1);
    for (const pass of passes) expect(pass.texts).toEqual(passes[0]?.texts);
  });

  it('refuses nothing to measure', async () => {
    await expect(measureOffline([], { utterances })).rejects.toThrow(/at least one model/);
    await expect(measureOffline([model], { utterances: [] })).rejects.toThrow(/at least one utterance/);
    await expect(measureOffline([model], { utterances, rounds: 0 })).rejects.toThrow(/rounds: a whole number/);
  });
});

describe('summarizeOffline', () => {
  const pass = (batchSize: number, round: number, wallS: number, texts = ['a', 'b']): OfflinePass => ({
    model: 'm',
    arrangement: { batchSize, sorted: true, streams: 1, threads: 1 },
    round,
    wallS,
    texts,
  });
  const two: readonly Utterance[] = [
    { id: '1', audioPath: '1', durationS: 3, text: 'a', speaker: 's' },
    { id: '2', audioPath: '2', durationS: 1, text: 'c', speaker: 's' },
  ];

  it('finds the best, and those that cannot be told from it', () => {
    const passes = [0, 1, 2].flatMap((round) => [
      pass(1, round, 2),
      pass(2, round, 1 + round / 100),
      // Better in one round, worse in the others.
      pass(4, round, round === 0 ? 0.99 : 1.05),
    ]);
    const [report] = summarizeOffline(passes, two);
    expect(report).toMatchObject({ model: 'm', utterances: 2, audioS: 4, best: '1 × 1 thread, batch 2' });
    expect(report?.equals).toEqual(['1 × 1 thread, batch 4']);
    const [best, , slow] = report?.results ?? [];
    // 3 passes of 4 s of sound in 3.03 s.
    expect(best?.rtfx.value).toBeCloseTo(12 / 3.03, 12);
    expect(slow).toMatchObject({ rtfx: { value: 2, low: 2, high: 2 }, utterancesPerS: { value: 1 }, passes: 3 });
    // 3 + 1 s of sound in 3 + 3 s.
    expect(best?.paddingShare).toBeCloseTo(1 / 3, 12);
    expect(best?.accuracy.wer.value).toBe(0.5);
  });

  it('notices texts that change from pass to pass', () => {
    const [report] = summarizeOffline([pass(1, 0, 1), pass(1, 1, 1, ['a', 'c'])], two);
    expect(report?.results[0]?.unsteadyTexts).toBe(1);
  });
});

describe('measureServers', () => {
  it('finds a rate, and says of every rate what became of it', async () => {
    const seen: number[] = [];
    const [report] = await measureServers([model], {
      utterances,
      requests: 130,
      boundMs: 0.001,
      streams: 2,
      workerPath: FAKE,
      onRate: ({ ratePerS }) => void seen.push(ratePerS),
    });
    // No rate holds a bound of a microsecond; the search goes down and gives up.
    expect(seen).toHaveLength(4);
    expect(report).toMatchObject({ model: 'deepspeech2-lstm', streams: 2, threads: 1, highestPerS: null });
    expect(report?.rates.map(({ ratePerS }) => ratePerS)).toEqual(seen);
    expect(report?.rates.every(({ failed, holds }) => failed === 0 && !holds)).toBe(true);
  });

  it('refuses what cannot be told', async () => {
    await expect(measureServers([model], { utterances, requests: 129 })).rejects.toThrow(/from 130 was required/);
    await expect(measureServers([], { utterances })).rejects.toThrow(/at least one model/);
    await expect(measureServers([model], { utterances: [] })).rejects.toThrow(/at least one utterance/);
    await expect(measureServers([model], { utterances, boundMs: 0 })).rejects.toThrow(/a time above 0 ms/);
  });
});
