import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MissingWeightsError } from '../../src/recognise/registry/registry.js';
import { runExperiment } from '../../src/study/runner.js';
import * as variants from '../../src/study/variants.js';
import { FAKE_WORKER, fixedEnvironment, newFolder, smallPlan } from './setUp.js';

const { quantize } = variants;

afterEach(() => vi.restoreAllMocks());

async function run(missing: readonly string[]): ReturnType<typeof runExperiment> {
  const make = async (model: string, recipe: string): Promise<variants.Variant> => {
    if (missing.includes(model)) throw new MissingWeightsError(`model ${model}: its weights were required, got none`);
    return await quantize('deepspeech2-lstm', recipe);
  };
  vi.spyOn(variants, 'quantize').mockImplementation(make as typeof quantize);
  const folder = newFolder();
  const plan = await smallPlan(folder, 4);
  const [float, int8] = plan.conditions.map((one, index) => ({ ...one, model: ['here', 'elsewhere'][index] ?? '' }));
  if (float === undefined || int8 === undefined) throw new Error('two conditions were required, got fewer');
  return await runExperiment(
    { ...plan, conditions: [float, int8] },
    { out: join(folder, 'run'), workerPath: FAKE_WORKER, environment: fixedEnvironment },
  );
}

describe('conditions whose weights are not in the package', () => {
  it('are skipped with the reason, and the others are measured', async () => {
    const { conditions } = await run(['elsewhere']);
    expect(conditions[0]?.outcome.status).toBe('measured');
    expect(conditions[1]).toMatchObject({
      outcome: { status: 'skipped', reason: 'model elsewhere: its weights were required, got none' },
      latency: null,
    });
  });

  it('are an error where no other is left', async () => {
    await expect(run(['here', 'elsewhere'])).rejects.toThrow('model here: its weights were required, got none');
  });
});
