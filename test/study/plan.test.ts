import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestPath } from '../../src/recognise/registry/embedded.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import { DEFAULT_MODEL, defaultPlan, readPlan } from '../../src/study/plan.js';
import { whisperPlan } from '../../src/study/whisperPlan.js';
import { newFolder } from './setUp.js';

function written(plan: unknown): string {
  const path = join(newFolder(), 'plan.json');
  writeFileSync(path, typeof plan === 'string' ? plan : JSON.stringify(plan));
  return path;
}

describe('plan', () => {
  it('measures a Whisper by its own normaliser and without a language model', async () => {
    const plan = await whisperPlan({ model: 'my-whisper', threads: 2 });
    expect(plan).toMatchObject({ manifest: 'holdout', normaliser: 'whisper', latencyTrials: 64 });
    expect(plan.languageModel).toBeUndefined();
    expect(plan.conditions.map(({ recipe, device }) => `${device} ${recipe}`)).toEqual([
      'cpu none',
      'cpu dynamic',
      'cpu transformer',
      'gpu none',
    ]);
    expect(new Set(plan.conditions.map(({ model }) => model))).toEqual(new Set(['my-whisper']));
  });

  it('measures by default what the README promises', async () => {
    const plan = await defaultPlan({ threads: 2 });
    expect(plan).toMatchObject({ latencyTrials: 300, throughputTrials: 100, batchSize: 8, warmUpRuns: { gpu: 10 } });
    expect(plan.conditions.map(({ id, model }) => `${model} ${id}`)).toEqual([
      'deepspeech2-lstm cpu-float32',
      'deepspeech2-lstm cpu-int8-dynamic',
      'deepspeech2-lstm cpu-int8-by-rows',
      'deepspeech2-lstm gpu-float32',
      'whisper-ctc whisper-ctc-float32',
      'whisper-ctc whisper-ctc-int8-dynamic',
      'whisper-ctc whisper-ctc-int8-by-rows',
    ]);
    const named = await defaultPlan({ model: 'mine', threads: 2 });
    expect(named.conditions.map(({ id, model }) => `${model} ${id}`)).toEqual([
      'mine cpu-float32',
      'mine cpu-int8-dynamic',
      'mine gpu-float32',
    ]);
    expect(await readManifest(manifestPath(plan.manifest))).toHaveLength(129);
  });

  it('fills in what a file leaves out', async () => {
    const path = written({ latencyTrials: 70, conditions: [{ id: 'one', recipe: 'none', device: 'cpu', threads: 1 }] });
    const plan = await readPlan(path);
    expect(plan).toMatchObject({ latencyTrials: 70, throughputTrials: 100, manifest: 'holdout' });
    expect(plan.conditions).toEqual([
      { id: 'one', title: 'one', model: DEFAULT_MODEL, recipe: 'none', device: 'cpu', threads: 1 },
    ]);
    expect(await readPlan(written({}))).toEqual(await defaultPlan());
  });

  it('finds manifests and models beside the file', async () => {
    const path = written({
      manifest: 'my.jsonl',
      conditions: [{ id: 'x', model: 'm/x.onnx', recipe: 'none', device: 'cpu' }],
    });
    const plan = await readPlan(path);
    expect(plan.manifest).toBe(join(path, '..', 'my.jsonl'));
    expect(plan.conditions[0]?.model).toBe(join(path, '..', 'm/x.onnx'));
  });

  it.each([
    ['{', /plan\.json: JSON was required/],
    [{ latencyTrails: 3 }, /latencyTrails/],
    [{ latencyTrials: 0 }, /field latencyTrials/],
    [{ batchSize: 2.5 }, /field batchSize/],
    [{ conditions: [] }, /field conditions/],
    [{ conditions: [{ id: 'a', recipe: 'magic', device: 'cpu' }] }, /field conditions\.0\.recipe/],
    [{ conditions: [{ id: 'a b', recipe: 'none', device: 'cpu' }] }, /field conditions\.0\.id/],
    [{ conditions: [1, 2].map(() => ({ id: 'a', recipe: 'none', device: 'cpu' })) }, /each id once/],
    [{ conditions: ['a', 'b'].map((id) => ({ id, title: 'One', recipe: 'none', device: 'cpu' })) }, /each title once/],
    [{ latencyTrials: 1e12 }, /field latencyTrials .*500000/],
    [{ batchSize: 1e6 }, /field batchSize .*4096/],
    [{ warmUpRuns: { gpu: 1, cpu: 1e9 } }, /field warmUpRuns\.cpu/],
    [
      { latencyTrials: 400_000 },
      /at most 500000 trials of all conditions together were required, got 2800700; plan fewer/,
    ],
    [{ resources: { memoryRuns: 1e12, energyTrials: 1 } }, /field resources\.memoryRuns/],
  ])('refuses %j', async (plan, message) => {
    await expect(readPlan(written(plan))).rejects.toThrow(message);
  });

  it('refuses more conditions than a table can show', async () => {
    const conditions = Array.from({ length: 501 }, (_, place) => ({ id: `c${place}`, recipe: 'none', device: 'cpu' }));
    await expect(readPlan(written({ latencyTrials: 1, conditions }))).rejects.toThrow(/field conditions .*500/);
  });
});
