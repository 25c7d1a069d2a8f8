import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { measureColdStart } from '../../../src/measure/latency/coldStart.js';
import { zipfShares } from '../../../src/measure/load/arrivals.js';
import { capacityFor, type HitRatePoint, measureResultCaching } from '../../../src/measure/load/resultCaching.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import type { Utterance } from '../../../src/speech/types.js';

const HOLDOUT = fileURLToPath(new URL('../../../data/speech/holdout.jsonl', import.meta.url));

let model: ResolvedModel;
let utterances: readonly Utterance[];

beforeAll(async () => {
  model = await resolveModel('deepspeech2-lstm');
  utterances = (await readManifest(HOLDOUT)).filter(({ durationS }) => durationS < 1).slice(0, 5);
});

describe('measureColdStart', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quantlab-'));
  });

  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  it('starts processes with and without the optimised model, and leaves nothing behind', async () => {
    const recording = { id: 'one', audioPath: utterances[0]?.audioPath ?? '' };
    const done: number[] = [];
    const options = { folder, recording, rounds: 2, threads: 1, onProgress: (count: number) => done.push(count) };
    const report = await measureColdStart(model, options);
    expect(report).toMatchObject({
      model: 'deepspeech2-lstm',
      rounds: 2,
      sizeBytes: model.card.graphs['model']?.file.sizeBytes,
    });
    expect(done).toEqual([1, 2, 3, 4]);
    // Weights as they are, and as they are laid out for the operators.
    expect(report.optimizedBytes / report.sizeBytes).toBeGreaterThan(1.5);
    expect(report.optimizedBytes / report.sizeBytes).toBeLessThan(2.5);
    expect(report.plainMs.value).toBeGreaterThan(0);
    expect(report.pays).toBe(report.speedUpToFirst.low > 1);
    expect(await readdir(folder)).toEqual([]);
    await expect(measureColdStart(model, { ...options, rounds: 1 })).rejects.toThrow(/rounds: a whole number from 2/);
  });
});

describe('measureResultCaching', () => {
  it('answers from the cache what was asked for before, as often as there is room for', async () => {
    const options = { utterances, threads: 1, requests: 20, hitRates: [0.5], kinds: ['scores'] } as const;
    const report = await measureResultCaching(model, options);
    // Of five, two answer about half of what Zipf's law asks.
    expect(report.points.map(({ place, capacity, requests }) => [place, capacity, requests])).toEqual([
      ['memory', 2, 20],
      ['disk', 2, 20],
    ]);
    for (const { hitRate, hitMs, missMs } of report.points) {
      expect(hitRate).toBeGreaterThan(0);
      expect(hitRate).toBeLessThan(1);
      expect([hitMs, missMs]).not.toContain(null);
    }
    expect(report.costs.map(({ kind, place }) => [kind, place])).toEqual([
      ['scores', 'memory'],
      ['scores', 'disk'],
    ]);
    const [memory] = await whenAll(['memory']);
    expect(memory).toMatchObject({ hitRate: 1, missMs: null, expectedHitRate: 1 });
  });

  async function whenAll(places: readonly 'memory'[]): Promise<readonly HitRatePoint[]> {
    const options = { utterances, threads: 1, requests: 6, hitRates: [1], kinds: [], places } as const;
    return (await measureResultCaching(model, options)).points;
  }

  it('chooses the room that comes nearest to a hit rate', () => {
    // All alike: n of 10 results answer n / 10.
    const shares = zipfShares(10, 0);
    expect([0, 0.04, 0.31, 0.97, 1].map((rate) => capacityFor(rate, shares))).toEqual([0, 1, 3, 10, 10]);
  });

  it('refuses impossible options', async () => {
    const options = { utterances, threads: 1 };
    await expect(measureResultCaching(model, { ...options, requests: 0 })).rejects.toThrow(/requests: a whole number/);
    await expect(measureResultCaching(model, { ...options, hitRates: [50] })).rejects.toThrow(/a fraction in 0…1/);
  });
});
