import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe } from '../../src/compress/recipe.js';
import { buildDeepSpeech2, deepSpeech2Settings } from '../../src/onnx/build/build.js';
import { writeModel } from '../../src/onnx/file/write.js';
import { writeBuiltCard } from '../../src/recognise/kinds/ctc/builtCard.js';
import { listModels } from '../../src/recognise/registry/registry.js';
import { checkRun } from '../../src/study/checkRun.js';
import { TOPICS } from '../../src/study/laboratory.js';
import { laboratoryPlan } from '../../src/study/laboratoryPlan.js';
import { readRun } from '../../src/study/runFolder.js';
import { runExperiment } from '../../src/study/runner.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-laboratory-'));
const model = join(folder, 'small.onnx');
const out = join(folder, 'laboratory');

beforeAll(async () => {
  const options = { layers: 1, units: 16 };
  const built = buildDeepSpeech2(options);
  await writeModel(built, model);
  await writeBuiltCard(built, deepSpeech2Settings(options), model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a run with topics', () => {
  it('goes on behind the topics that it has, and keeps what it found under the titles of the variants', async () => {
    const laboratory = {
      model,
      throughput: { utterances: 2, batchSizes: [2], rounds: 1 },
      sensitivity: { utterances: 1, calibrationUtterances: 1 },
    };
    const plan = { ...(await laboratoryPlan('short', [])), laboratory };
    const stop = new AbortController();
    const phases: string[] = [];
    const first = runExperiment(plan, {
      out,
      signal: stop.signal,
      onProgress: ({ phase }) => {
        phases.push(phase);
        if (phase === 'sensitivity') stop.abort();
      },
    });
    await expect(first).rejects.toThrow('continue it with --resume');
    const held = readRun(out).then(({ record }) => record.laboratory);
    expect(Object.keys((await held) ?? {})).toEqual(['throughput']);
    expect(new Set(phases)).toEqual(new Set(['throughput', 'sensitivity']));

    const again: string[] = [];
    const resume = { out, resume: true, onProgress: ({ phase }: { phase: string }) => void again.push(phase) };
    const { run } = await runExperiment(plan, resume);
    expect(new Set(again)).toEqual(new Set(['sensitivity']));
    expect(run.laboratory?.throughput).toEqual((await held)?.throughput);
    const titles = run.laboratory?.throughput?.map((report) => report.model);
    expect(titles).toEqual(expect.arrayContaining(['CPU float32', 'CPU int8 dynamic']));
    const types = run.laboratory?.sensitivity?.map(({ opType }) => opType);
    expect(new Set(types)).toEqual(new Set(['Conv', 'LSTM', 'MatMul']));
    expect(JSON.stringify(run.laboratory)).not.toContain(folder);
    expect((await checkRun(out)).faults).toEqual([]);
  }, 120_000);
});

describe('laboratoryPlan', () => {
  it('has every topic, and each technique by a recipe that users have, beside the float32 model', async () => {
    const { conditions, laboratory, ...plan } = await laboratoryPlan();
    const ids = conditions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toBe('deepspeech2-lstm.float32');
    const models = (await listModels()).map(({ id }) => id);
    for (const { model, recipe, base } of conditions) {
      expect(models).toContain(model);
      if (recipe !== 'none') expect((await readRecipe(recipe)).steps.length).toBeGreaterThan(0);
      if (base !== undefined) expect(ids).toContain(base);
    }
    expect(Object.keys(laboratory ?? {})).toEqual(['model', ...TOPICS]);
    expect(plan).toMatchObject({ starts: 5, latencyTrials: 60, resources: { memoryRuns: 5 } });
  });

  it('leaves out in short what has to be calibrated, and keeps each model beside its float32', async () => {
    const [all, { conditions }] = [await laboratoryPlan(), await laboratoryPlan('short')];
    expect(new Set(conditions.map(({ recipe }) => recipe))).toEqual(new Set(['none', 'float16', 'dynamic']));
    expect(new Set(conditions.map(({ model }) => model))).toEqual(new Set(all.conditions.map(({ model }) => model)));
    expect(all.conditions).toEqual(expect.arrayContaining([...conditions]));
  });

  it('has the parts that are asked for', async () => {
    const { conditions, laboratory } = await laboratoryPlan('full', ['load']);
    expect(conditions).toEqual([]);
    expect(Object.keys(laboratory ?? {})).toEqual(['model', 'load']);
    expect((await laboratoryPlan('full', ['variants'])).laboratory).toBeUndefined();
  });
});
