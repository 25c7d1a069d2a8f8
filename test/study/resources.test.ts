import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EnergySummary } from '../../src/measure/energy/energy.js';
import * as energy from '../../src/measure/energy/energy.js';
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
});
