import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRun } from '../../src/study/runFolder.js';
import { runExperiment } from '../../src/study/runner.js';
import { heardIn } from '../fixtures/model/reference.js';
import { CONDITIONS, fixedEnvironment, newFolder, smallPlan } from './setUp.js';

describe('runExperiment with the real model', () => {
  it('makes the int8 variant at run time, and measures it beside the float model', async () => {
    const folder = newFolder();
    const [float, int8] = CONDITIONS.map((condition) => ({ ...condition, threads: 1 }));
    const plan = {
      ...(await smallPlan(folder, 3)),
      latencyTrials: 5,
      throughputTrials: 2,
      resources: { memoryRuns: 2, energyTrials: 4 },
    };
    const conditions = float && int8 ? [float, { ...int8, recipe: 'dynamic' as const }] : [];
    const options = {
      out: join(folder, 'run'),
      variantFolder: join(folder, 'variants'),
      environment: fixedEnvironment,
    };
    const summary = await runExperiment({ ...plan, conditions }, options);
    const [base, variant] = summary.conditions;
    expect(base?.outcome).toMatchObject({ status: 'measured', executionProvider: 'cpu', sizeBytes: 32_041_669 });
    // A quarter of the recurrent and linear weights, which are nearly all of them: facts of the format, not of the machine.
    expect(variant?.comparison?.compression).toBeGreaterThan(3.5);
    expect(variant?.comparison?.compression).toBeLessThan(4);
    expect(variant?.latency?.trials).toBe(5);
    const outcome = base?.outcome.status === 'measured' ? base.outcome : null;
    expect(outcome?.energy?.joulesPerUtterance.value).toBeGreaterThan(0);
    if (process.platform === 'linux') {
      const { baseline, afterRuns } = outcome?.memory?.withArena ?? {};
      // The weights are resident, whatever else is.
      expect((afterRuns?.residentBytes ?? 0) - (baseline?.residentBytes ?? 0)).toBeGreaterThan(32_000_000);
    }
    const { observations } = await readRun(options.out);
    for (const { utterances, texts } of observations.filter(({ condition }) => condition === 'cpu-float32')) {
      expect(texts).toEqual(utterances.map(heardIn));
    }
  });
});
