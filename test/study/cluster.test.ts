// Needs the build: cluster.mjs imports it, in place of the command line. GNU parallel is run for real where it is installed (Debian: `apt-get install parallel`);
// elsewhere the same script runs its shards through xargs, and the name of the test says so.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readRun, verifyRun } from '../../src/study/runFolder.js';
import { FAKE_WORKER, keyOf, newFolder, smallPlan } from './setUp.js';

const CLUSTER = fileURLToPath(new URL('../../bench/cluster', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../fixtures/experiment/cluster.mjs', import.meta.url));
const HAS_PARALLEL = spawnSync('parallel', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('GNU parallel');

const run = promisify(execFile);

describe.skipIf(process.platform === 'win32')('examples of many machines', () => {
  it(`${HAS_PARALLEL ? 'GNU parallel' : 'xargs (GNU parallel is not installed)'} runs shards, and merges them`, async () => {
    const folder = newFolder();
    const planPath = join(folder, 'plan.json');
    writeFileSync(planPath, JSON.stringify(await smallPlan(folder, 4)));
    const out = join(folder, 'run');
    const { stderr } = await run(join(CLUSTER, 'parallel.sh'), [planPath], {
      env: { ...process.env, SHARDS: '3', OUT: out, QUANTLAB: `${process.execPath} ${PROGRAM}`, WORKER: FAKE_WORKER },
    });
    expect(stderr.includes('xargs runs the shards')).toBe(!HAS_PARALLEL);
    await verifyRun(out);
    const { record, observations } = await readRun(out);
    expect(record.shards?.map(({ shard }) => shard)).toEqual([1, 2, 3].map((index) => ({ index, count: 3 })));
    expect(new Set(observations.map(keyOf)).size).toBe(2 * (47 + 13 + 4));
    expect(Object.values(record.outcomes).map(({ status }) => status)).toEqual(['measured', 'measured']);
  });

  it('Slurm tasks ask for the shard of their number', async () => {
    const env = { ...process.env, PLAN: 'plan.json', OUT: '/shared/run', QUANTLAB: 'echo quantlab' };
    const task = { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_COUNT: '16' };
    const { stdout } = await run(join(CLUSTER, 'slurm.sh'), [], { env: { ...env, ...task } });
    expect(stdout).toBe('quantlab experiment plan.json --shard 3/16 --out /shared/run.shards/3 --resume\n');
    await expect(run(join(CLUSTER, 'slurm.sh'), [], { env })).rejects.toThrow(/SLURM_ARRAY_TASK_ID/);
  });

  it('Kubernetes indices count from 0, shards from 1', async () => {
    const manifest = readFileSync(join(CLUSTER, 'kubernetes.yaml'), 'utf8');
    const command = /args:\n\s+- exec (quantlab .*)\n/.exec(manifest)?.[1] ?? '';
    const env = { ...process.env, JOB_COMPLETION_INDEX: '0', SHARDS: /SHARDS, value: '(\d+)'/.exec(manifest)?.[1] };
    const { stdout } = await run('/bin/sh', ['-c', `echo ${command}`], { env });
    expect(stdout).toBe('quantlab experiment /runs/plan.json --shard 1/16 --out /runs/shard-0 --resume\n');
    expect(manifest).toContain(`completions: ${env.SHARDS} `);
  });
});
