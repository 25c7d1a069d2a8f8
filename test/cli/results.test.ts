import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256OfBytes } from '../../src/files.js';
import { runExperiment } from '../../src/study/runner.js';
import { FAKE_WORKER, fixedEnvironment, newFolder, smallPlan } from '../study/setUp.js';
import { quantlab } from './terminal.js';

describe('quantlab results check', () => {
  const folder = newFolder();
  const run = join(folder, 'run');

  beforeAll(async () => {
    const plan = await smallPlan(folder, 4);
    const [base, other] = plan.conditions;
    const conditions = base && other ? [base, { ...other, recipe: 'dynamic' }] : [];
    await runExperiment({ ...plan, conditions }, { out: run, workerPath: FAKE_WORKER, environment: fixedEnvironment });
  });

  /** A copy with another record, checksums and summary in keeping. */
  function changed(name: string, was: string, is: string): string {
    const copy = join(folder, name);
    cpSync(run, copy, { recursive: true });
    const files = ['run.json', 'observations.jsonl', 'summary.json'];
    for (const file of [join(copy, 'run.json'), join(copy, 'summary.json')]) {
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(was, is));
    }
    const lines = files.map((file) => `${sha256OfBytes(readFileSync(join(copy, file)))}  ${file}\n`);
    writeFileSync(join(copy, 'SHA256SUMS'), lines.join(''));
    return copy;
  }

  it('has trials that can be taken elsewhere, a line for each', async () => {
    const { exitCode, out } = await quantlab('results', 'export', run);
    const trials = readFileSync(join(run, 'observations.jsonl'), 'utf8').trim().split('\n');
    const first = JSON.parse(trials[0] ?? '') as { readonly condition: string; readonly totalMs: number };
    expect(exitCode).toBe(0);
    const [header = '', line = '', ...rest] = out.trim().split('\r\n');
    expect(rest).toHaveLength(trials.length - 1);
    const cells = Object.fromEntries(header.split(',').map((name, place) => [name, line.split(',')[place]]));
    expect(cells).toMatchObject({ condition: first.condition, totalMs: String(first.totalMs) });
  });

  it('finds a run as it was measured, and its models the same when made again', async () => {
    expect(await quantlab('results', 'check', run)).toEqual({
      exitCode: 0,
      out: `${run}: as it was measured; models made again: 2 of 2 the same\n`,
      err: '',
    });
  });

  it('tells which texts differ, and does not hold it against the run', async () => {
    // The stand-in for the measuring process heard the names of the recordings.
    const { exitCode, out } = await quantlab('results', 'check', run, '--hear');
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /texts transcribed again: \d of 8 the same\nnote: .*: cpu-float32 transcribes \d of 4 utterances differently: /,
    );
  });

  it('names each fault, and fails: another model, another timing, another summary', async () => {
    const { conditions } = JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8'));
    const model = changed('model', conditions[1].outcome.modelSha256, '0'.repeat(64));
    const timing = changed('timing', '"timingVersion": 1', '"timingVersion": 0');
    const summary = join(folder, 'summary');
    cpSync(run, summary, { recursive: true });
    const path = join(summary, 'summary.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"trials": 47', '"trials": 470'));
    const { exitCode, out, err } = await quantlab('results', 'check', model, timing, summary);
    expect(exitCode).toBe(1);
    expect(err).toBe('error: results: runs without faults were required, got 3; see above\n');
    const faults = out.split('\n').filter((line) => line.startsWith('fault: '));
    expect(faults[0]).toMatch(
      /the model of cpu-int8-dynamic that was measured was required, got another file from .* by dynamic/,
    );
    expect(faults[1]).toMatch(/times of version 1 were required, got version 0/);
    expect(faults[2]).toMatch(/field conditions\.0\.latency\.trials was required to be 47,/);
  });

  it('refuses what is no run', async () => {
    expect(await quantlab('results', 'check', join(folder, 'none'))).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/none\/run\.json: a file was required/),
    });
  });
});
