import { readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256OfBytes } from '../../src/files.js';
import { mergeRuns } from '../../src/study/merge.js';
import type { ExperimentPlan } from '../../src/study/plan.js';
import { readRun, verifyRun } from '../../src/study/runFolder.js';
import { runExperiment } from '../../src/study/runner.js';
import type { RunOptions } from '../../src/study/runOptions.js';
import type { Summary } from '../../src/study/schema.js';
import { FAKE_WORKER, fixedEnvironment, keyOf, newFolder, smallPlan } from './setUp.js';

const COUNT = 3;

describe('mergeRuns', () => {
  let folder: string;
  let plan: ExperimentPlan;
  let whole: Summary;
  let shards: string[];

  const options = (name: string): RunOptions => ({
    out: join(folder, name),
    workerPath: FAKE_WORKER,
    environment: fixedEnvironment,
  });

  /** A copy of a shard in which the record was changed, checksums and all. */
  async function changed(shard: string, name: string, change: (record: Record<string, unknown>) => unknown) {
    const copy = join(folder, name);
    await cp(shard, copy, { recursive: true });
    const record = JSON.parse(readFileSync(join(copy, 'run.json'), 'utf8'));
    change(record);
    const before = readFileSync(join(copy, 'run.json'));
    const after = JSON.stringify(record);
    writeFileSync(join(copy, 'run.json'), after);
    const sums = readFileSync(join(copy, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(copy, 'SHA256SUMS'), sums.replace(sha256OfBytes(before), sha256OfBytes(after)));
    return copy;
  }

  beforeAll(async () => {
    folder = newFolder();
    plan = await smallPlan(folder, 4);
    whole = await runExperiment(plan, options('whole'));
    shards = [];
    for (let index = 1; index <= COUNT; index++) {
      await runExperiment(plan, { ...options(`shard-${index}`), shard: { index, count: COUNT } });
      shards.push(join(folder, `shard-${index}`));
    }
  });

  it('gives the trials of the whole run, each once, and the same accuracy', async () => {
    const out = join(folder, 'merged');
    const merged = await mergeRuns([...shards].reverse(), { out });
    const [was, is] = [await readRun(join(folder, 'whole')), await readRun(out)];
    const sorted = (observations: typeof is.observations): unknown[] =>
      observations.map(({ turn: _, ...rest }) => rest).sort((one, other) => keyOf(one).localeCompare(keyOf(other)));
    // The stand-in's times follow from what it is asked, so that all but the turns must be the same.
    expect(sorted(is.observations)).toEqual(sorted(was.observations));
    for (const [index, condition] of whole.conditions.entries()) {
      expect(merged.conditions[index]?.accuracy).toEqual(condition.accuracy);
      expect(merged.conditions[index]?.latency).toEqual(condition.latency);
      expect(merged.conditions[index]?.outcome).toMatchObject({ status: 'measured', loadMs: 5, firstRunMs: 30 });
    }
    expect(merged.conditions[1]?.comparison?.werChange).toEqual(whole.conditions[1]?.comparison?.werChange);
    expect(is.record.shards?.map(({ shard }) => shard.index)).toEqual([1, 2, 3]);
    expect(merged.warnings).toEqual([]);
    await verifyRun(out);
  });

  it('keeps what the first shard measured besides', async () => {
    const first = await changed(shards[0] ?? '', 'besides', (record) => {
      record['laboratory'] = { sensitivity: [] };
    });
    const { run } = await mergeRuns([first, ...shards.slice(1)], { out: join(folder, 'with-topics') });
    expect(run.laboratory).toEqual({ sensitivity: [] });
  });

  it('splits every phase evenly, whole trials for all conditions', async () => {
    for (const [place, shard] of shards.entries()) {
      const { observations } = await readRun(shard);
      for (const condition of ['cpu-float32', 'cpu-int8-dynamic']) {
        const of = (phase: string) => observations.filter((one) => one.condition === condition && one.phase === phase);
        expect(of('latency').map(({ trial }) => trial % COUNT)).toEqual(of('latency').map(() => place));
        expect([of('latency').length, of('throughput').length, of('accuracy').length]).toEqual(
          [
            [16, 5, 2],
            [16, 4, 1],
            [15, 4, 1],
          ][place],
        );
      }
    }
  });

  it('refuses what does not belong together or is not complete', async () => {
    const [one, two, three] = shards as [string, string, string];
    const merge = (...folders: string[]) => mergeRuns(folders, { out: join(folder, 'never') });
    await expect(merge()).rejects.toThrow(/the folders of all shards were required, got none/);
    await expect(merge(one, three)).rejects.toThrow(/all 3 shards were required, got all but 2/);
    await expect(merge(one, two, three, two)).rejects.toThrow(
      /shard-2: each shard once was required, got shard 2 again/,
    );
    await expect(merge(one, two, join(folder, 'whole'))).rejects.toThrow(/whole: a shard of a run was required/);
    await expect(merge(one, two, join(folder, 'none'))).rejects.toThrow(/none\/run\.json: a file was required/);
    const unfinished = await changed(three, 'unfinished', (record) => Object.assign(record, { finishedAt: null }));
    await expect(merge(one, two, unfinished)).rejects.toThrow(/unfinished: a finished shard was required/);
    const other = await changed(three, 'other', (record) =>
      Object.assign(record, { protocol: { ...(record['protocol'] as object), seed: 1 } }),
    );
    await expect(merge(one, two, other)).rejects.toThrow(/other: the same run as in .*shard-1 .*got another seed/);
    const model = await changed(three, 'model', (record) => Object.assign(record, { inputs: {} }));
    await expect(merge(one, two, model)).rejects.toThrow(/got another model files/);
    const version = await changed(three, 'version', ({ environment }) =>
      Object.assign(environment as object, { node: '22' }),
    );
    await expect(merge(one, two, version)).rejects.toThrow(/got another node/);
  });

  it('refuses a shard that was changed or lost a trial', async () => {
    const [one, two, three] = shards as [string, string, string];
    const damaged = join(folder, 'damaged');
    await cp(three, damaged, { recursive: true });
    const log = join(damaged, 'observations.jsonl');
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    writeFileSync(log, `${lines.slice(0, -1).join('\n')}\n`);
    const out = join(folder, 'never');
    await expect(mergeRuns([one, two, damaged], { out })).rejects.toThrow(
      /observations\.jsonl: the file as it was written/,
    );
  });

  it('takes shards from different machines, and says so', async () => {
    const [one, two, three] = shards as [string, string, string];
    const moved = await changed(three, 'moved', ({ environment }) =>
      Object.assign(environment as object, { cpu: 'Other' }),
    );
    const merged = await mergeRuns([one, two, moved], { out: join(folder, 'mixed') });
    expect(merged.run.environment.cpu).toBe('Test processor and Other');
    expect(merged.warnings?.join()).toMatch(/ran on different processors \(Test processor, Other\)/);
    const later = await changed(three, 'later', ({ environment }) =>
      Object.assign(environment as object, { commit: 'c0ffee' }),
    );
    const { warnings } = await mergeRuns([one, two, later], { out: join(folder, 'commits') });
    expect(warnings?.join()).toMatch(/different commits \(none, c0ffee\)/);
  });

  it('records a condition that failed in one shard as failed, and names the shard', async () => {
    vi.stubEnv('CRASH_AT', '9');
    await runExperiment(plan, { ...options('crashed'), shard: { index: 2, count: COUNT } }).finally(() =>
      vi.unstubAllEnvs(),
    );
    const [one, , three] = shards as [string, string, string];
    const merged = await mergeRuns([one, join(folder, 'crashed'), three], { out: join(folder, 'gap') });
    expect(merged.conditions[0]?.outcome.status).toBe('measured');
    expect(merged.conditions[1]?.outcome).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/^shard 2: latency: .*SIGKILL/),
    });
  });

  it('refuses more shards than there are trials, and another shard in the folder of one', async () => {
    const shard = { index: 1, count: 5 };
    await expect(runExperiment(plan, { ...options('many'), shard })).rejects.toThrow(/1\/4 to 4\/4 or fewer/);
    const resumed = runExperiment(plan, { ...options('shard-1'), resume: true, shard: { index: 2, count: COUNT } });
    await expect(resumed).rejects.toThrow(/with another shard/);
  });
});
