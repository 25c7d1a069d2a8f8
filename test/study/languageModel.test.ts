import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_MODEL, type ExperimentPlan, languageModelFor } from '../../src/study/plan.js';
import { readRun } from '../../src/study/runFolder.js';
import { runExperiment } from '../../src/study/runner.js';
import { RESULTS_SCHEMA, type RunRecord } from '../../src/study/schema.js';
import { summarize } from '../../src/study/summarize.js';
import { CONDITIONS, FAKE_WORKER, fixedEnvironment, newFolder, smallPlan } from './setUp.js';

describe('language model of an experiment', () => {
  it('is the own one for the own speech, and none for any other', () => {
    expect(languageModelFor('holdout')).toEqual({ languageModel: 'prompts' });
    expect(languageModelFor('mine.jsonl')).toEqual({});
  });

  it('gives a second text in each accuracy trial, and nowhere else', async () => {
    const folder = newFolder();
    const plan: ExperimentPlan = { ...(await smallPlan(folder, 3)), languageModel: 'prompts' };
    const out = join(folder, 'run');
    const summary = await runExperiment(plan, { out, workerPath: FAKE_WORKER, environment: fixedEnvironment });
    const { record, observations } = await readRun(out);
    const twice = observations.filter(({ secondTexts }) => secondTexts !== undefined);
    expect(new Set(twice.map(({ phase }) => phase))).toEqual(new Set(['accuracy']));
    expect(twice).toHaveLength(6);
    expect(twice[0]?.secondTexts).toEqual([`${twice[0]?.utterances[0]} again`]);
    expect(record.protocol.languageModelSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(summary.conditions[1]?.beamAccuracy?.utterances).toBe(3);
    expect(summary.conditions[1]?.comparison?.beamWerChange?.value).toBe(0);
  });

  it('is judged beside the best path, from the same trials', () => {
    const outcome = { status: 'measured', executionProvider: 'cpu', loadMs: 1, firstRunMs: 1, sizeBytes: 8 } as const;
    const run: RunRecord = {
      schema: RESULTS_SCHEMA,
      startedAt: '2026-11-21T00:00:00.000Z',
      finishedAt: null,
      protocol: {
        ...{ manifest: 'm', manifestSha256: '', latencyTrials: 1, throughputTrials: 1, batchSize: 1, seed: 1 },
        warmUpRuns: { gpu: 1, cpu: 1 },
        languageModel: 'prompts',
      },
      conditions: CONDITIONS.map((condition) => ({ ...condition, model: DEFAULT_MODEL })),
      environment: { ...ENVIRONMENT },
      outcomes: Object.fromEntries(CONDITIONS.map(({ id }) => [id, { ...outcome, modelSha256: id }])),
      inputs: {},
      turns: 'stopped',
      timingVersion: 1,
    };
    const times = { audioS: 1, totalMs: 3, featuresMs: 1, inferenceMs: 1, decodingMs: 1 };
    const said = { references: ['press one now please'], utterances: ['a'] };
    // Of four words: best path one wrong of the first, two of the second condition; with the model none and one.
    const heard = [
      { texts: ['press on now please'], secondTexts: ['press one now please'] },
      { texts: ['press on now peas'], secondTexts: ['press one now peas'] },
    ];
    const summary = summarize(
      run,
      CONDITIONS.flatMap(({ id }, place) =>
        (['latency', 'throughput', 'accuracy'] as const).map((phase) => {
          const texts = heard[place] ?? { texts: [] };
          return { condition: id, phase, trial: 0, turn: 0, ...times, ...said, ...texts };
        }),
      ),
    );
    const [base, variant] = summary.conditions;
    expect([base?.accuracy?.wer.value, base?.beamAccuracy?.wer.value]).toEqual([0.25, 0]);
    expect([variant?.accuracy?.wer.value, variant?.beamAccuracy?.wer.value]).toEqual([0.5, 0.25]);
    expect(variant?.comparison?.werChange?.value).toBe(0.25);
    expect(variant?.comparison?.beamWerChange?.value).toBe(0.25);
  });
});

const ENVIRONMENT = await fixedEnvironment();
