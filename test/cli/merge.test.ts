import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runExperiment } from '../../src/study/runner.js';
import { FAKE_WORKER, fixedEnvironment, newFolder, smallPlan } from '../study/setUp.js';
import { quantlab } from './terminal.js';

describe('quantlab merge', () => {
  it('prints the table of the whole, or its summary as JSON', async () => {
    const folder = newFolder();
    const plan = await smallPlan(folder, 4);
    const shards = [1, 2].map((index) => join(folder, `shard-${index}`));
    for (const [place, out] of shards.entries()) {
      const shard = { index: place + 1, count: 2 };
      await runExperiment(plan, { out, shard, workerPath: FAKE_WORKER, environment: fixedEnvironment });
    }
    const table = await quantlab('merge', ...shards, '-o', join(folder, 'merged'));
    expect(table).toMatchObject({ exitCode: 0, out: expect.stringContaining('Latency, mean (ms)') });
    const json = await quantlab('merge', ...shards, '-o', join(folder, 'again'), '--json');
    expect(JSON.parse(json.out).conditions[0].latency.trials).toBe(47);
    const half = await quantlab('merge', shards[0] ?? '', '-o', join(folder, 'half'));
    expect(half).toMatchObject({ exitCode: 1, err: expect.stringContaining('got all but 2') });
    expect((await quantlab('merge', ...shards)).exitCode).toBe(2);
  }, 120_000);

  it('refuses a part that is none', async () => {
    for (const shard of ['3', '0/2', '3/2', 'a/b']) {
      expect(await quantlab('experiment', '--shard', shard)).toMatchObject({
        exitCode: 2,
        err: expect.stringContaining('3/16'),
      });
    }
    const folder = newFolder();
    writeFileSync(join(folder, 'plan.json'), '{}');
    const many = await quantlab(
      'experiment',
      join(folder, 'plan.json'),
      '--shard',
      '1/1000',
      '--out',
      join(folder, 'run'),
    );
    expect(many).toMatchObject({ exitCode: 1, err: expect.stringContaining('1/100 to 100/100 or fewer') });
  });
});
