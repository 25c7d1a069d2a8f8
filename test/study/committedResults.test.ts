import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { readJson } from '../../src/files.js';
import { importModel } from '../../src/recognise/import/importModel.js';
import { weightsFolder } from '../../src/recognise/registry/registry.js';
import { checkRun } from '../../src/study/checkRun.js';
import { TOPICS } from '../../src/study/laboratory.js';
import { DEFAULT_MODEL } from '../../src/study/plan.js';
import { summarizeRun } from '../../src/study/summarize.js';
import { DEFAULT_WHISPER } from '../../src/study/whisperPlan.js';
import { writeInventedRun } from '../report/fixture.js';
import { newFolder } from './setUp.js';

const results = fileURLToPath(new URL('../../data/results/', import.meta.url));
const REMEDY = 'measure again: npm start, npm run quantlab -- laboratory, experiment whisper';

it('what a run was made from need not be here: a note says what is missing', async () => {
  const folder = join(newFolder(), 'run');
  await writeInventedRun(folder, (run) => ({
    ...run,
    conditions: run.conditions.map((condition) => ({ ...condition, model: 'whisper-nowhere' })),
  }));
  const { faults, notes, models } = await checkRun(folder);
  expect([faults, models.made]).toEqual([[], 0]);
  expect(notes[0]).toMatch(
    /whisper-nowhere was required to make the model of cpu-float32 again, got none; get or import it/,
  );
});

const hasWhisper = existsSync(join(results, 'whisper'));
const WEIGHTS = process.env['QUANTLAB_WHISPER'];

it.skipIf(!hasWhisper)(
  `the committed run of a Whisper is as it was written${WEIGHTS === undefined ? ' (its models are not made again: QUANTLAB_WHISPER names no weights)' : ', and its models are made again the same'}`,
  async () => {
    const folder = join(results, 'whisper');
    const held = await readJson(join(folder, 'summary.json'), z.unknown());
    expect(held, REMEDY).toEqual(JSON.parse(JSON.stringify(await summarizeRun(folder))));
    // Where it would lie that `model get` brought.
    const cache = newFolder();
    vi.stubEnv('QUANTLAB_CACHE', cache);
    if (WEIGHTS !== undefined) await importModel(WEIGHTS, weightsFolder(cache, DEFAULT_WHISPER));
    const { faults, models } = await checkRun(folder);
    vi.unstubAllEnvs();
    expect(faults, REMEDY).toEqual([]);
    expect(models).toEqual(WEIGHTS === undefined ? { made: 0, same: 0 } : { made: 3, same: 3 });
  },
  240_000,
);

describe.each(['latest', 'laboratory'])('the committed run %s', (name) => {
  const folder = join(results, name);

  it('has the summary that follows from its observations', async () => {
    const held = await readJson(join(folder, 'summary.json'), z.unknown());
    expect(held, REMEDY).toEqual(JSON.parse(JSON.stringify(await summarizeRun(folder))));
  });

  it('is as it was written, timed as today, and its models are made again the same', async () => {
    // Calibration takes half a minute for each model: one stands for all; `quantlab results check` makes every one.
    const conditions = ({ model, recipe }: { model: string; recipe: string }) =>
      ['none', 'dynamic'].includes(recipe) || (recipe === 'hybrid' && model === DEFAULT_MODEL);
    const { faults, models } = await checkRun(folder, { conditions });
    expect(faults, REMEDY).toEqual([]);
    expect(models.made).toBeGreaterThanOrEqual(2);
  }, 120_000);
});

it('the committed laboratory has every topic', async () => {
  const { run } = await summarizeRun(join(results, 'laboratory'));
  expect(Object.keys(run.laboratory ?? {})).toEqual([...TOPICS]);
});
