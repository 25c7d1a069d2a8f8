import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EnergySummary } from '../../src/measure/energy/energy.js';
import * as energy from '../../src/measure/energy/energy.js';
import * as offline from '../../src/measure/throughput/offline.js';
import type { ResolvedModel } from '../../src/recognise/model.js';
import { type MeasuredCondition, measureResources } from '../../src/study/resources.js';

afterEach(() => vi.restoreAllMocks());

function condition(id: string, source: string): MeasuredCondition {
  const model = { card: { id }, path: id, graphs: {} } as unknown as ResolvedModel;
  const outcome = { status: 'measured', executionProvider: 'cpu', memory: null } as MeasuredCondition['outcome'];
  return { id, source, threads: 2, outcome, model };
}

describe('measureResources', () => {
  it('compares the energy of each model with that of its own first condition', async () => {
    const spy = vi.spyOn(energy, 'measureEnergy').mockImplementation(
      async (models) =>
        ({
          models: models.map(({ path }, place) => ({
            model: path,
            path,
            ratioToFirst: place,
          })) as unknown as EnergySummary[],
          idleW: 1,
        }) as unknown as Awaited<ReturnType<typeof energy.measureEnergy>>,
    );
    const conditions = [condition('a', 'one'), condition('b', 'one'), condition('c', 'two'), condition('d', 'two')];
    const bases = new Map<string, string | undefined>();
    const options = { protocol: { memoryRuns: 1, energyTrials: 1 }, utterances: [] };
    for await (const { id, outcome } of measureResources(conditions, options)) {
      bases.set(id, outcome.energy?.comparison?.base);
    }
    expect(spy).toHaveBeenCalledTimes(2);
    expect([...bases]).toEqual([
      ['a', undefined],
      ['b', 'a'],
      ['c', undefined],
      ['d', 'c'],
    ]);
  });

  it('keeps how much the machine hears with a process for each core, pass by pass, beside what is known', async () => {
    vi.spyOn(offline, 'measureOffline').mockImplementation(async (models, { streams, batchSizes, rounds }) => {
      expect([streams, batchSizes, rounds]).toEqual([[availableParallelism()], [1], 2]);
      return [1, 0].flatMap((round) =>
        models.map(({ card }, place) => {
          return { model: card.id, round, wallS: 1 + place + round } as unknown as offline.OfflinePass;
        }),
      );
    });
    const options = {
      protocol: { memoryRuns: 1, streamPasses: 2 },
      utterances: [{ id: 'u', audioPath: 'u.wav', durationS: 6, text: '', speaker: '' }],
    };
    const found = [];
    for await (const { id, outcome } of measureResources([condition('a', 'one'), condition('b', 'one')], options)) {
      found.push([id, outcome.streams?.audioSPerS, outcome.memory]);
    }
    expect(found).toEqual([
      ['a', [6, 3], null],
      ['b', [3, 2], null],
    ]);
  });
});
