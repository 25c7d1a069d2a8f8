// Needs the build: run.mjs imports it, as a person's program would. `npm test` builds first. The long form:
// QUANTLAB_KILLS=50 npx vitest run test/experiment/killed.test.ts
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random.js';
import { readRun, verifyRun } from '../../src/study/runFolder.js';
import { FAKE_WORKER, keyOf, newFolder, RUN_SCRIPT, smallPlan } from './setUp.js';

const TRIALS = 2 * (47 + 13 + 4);

/** How often a run is killed. */
const KILLS = Number(process.env['QUANTLAB_KILLS'] ?? 3);

/** Longest time of a test that kills so often, in milliseconds: each time all is loaded anew. */
const LIMIT_MS = 60_000 + 10_000 * KILLS;

interface Place {
  readonly out: string;
  readonly planPath: string;
  readonly log: string;
}

async function place(): Promise<Place> {
  const folder = newFolder();
  const planPath = join(folder, 'plan.json');
  writeFileSync(planPath, JSON.stringify(await smallPlan(folder, 4)));
  return { out: join(folder, 'run'), planPath, log: join(folder, 'run', 'observations.jsonl') };
}

function start({ out, planPath }: Place, resume: boolean): ChildProcess {
  const args = [RUN_SCRIPT, out, planPath, FAKE_WORKER, join(out, '..', 'variants'), resume ? 'resume' : 'new'];
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TRIAL_MS: '5' } });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said };
}

/** Waits until the file is longer than it was. */
async function grows(child: ChildProcess, log: string, bytes: number): Promise<void> {
  while (child.exitCode === null && !(existsSync(log) && statSync(log).size > bytes)) await sleep(2);
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** How many of them stand still (SIGSTOP). */
function stoppedOf(pids: readonly number[]): number {
  return pids.filter((pid) => {
    try {
      return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  }).length;
}

/** The run has ended: every trial is there once, and what was there before was not touched. */
async function expectWhole({ out, log }: Place, before: string): Promise<void> {
  const { record, observations } = await readRun(out);
  expect(record.finishedAt).not.toBeNull();
  expect(observations).toHaveLength(TRIALS);
  expect(new Set(observations.map(keyOf)).size).toBe(TRIALS);
  expect(readFileSync(log, 'utf8').startsWith(before.slice(0, before.lastIndexOf('\n') + 1))).toBe(true);
  await verifyRun(out);
}

async function expectGone(pids: readonly number[]): Promise<void> {
  for (let wait = 0; wait < 200 && pids.some((pid) => existsSync(`/proc/${pid}`)); wait++) await sleep(10);
  expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
}

describe('a run that is killed', () => {
  it(`loses no finished trial and repeats none, killed ${KILLS} times`, { timeout: LIMIT_MS }, async () => {
    const random = createRandom(9);
    let here = await place();
    let before = '';
    let stopped = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = start(here, existsSync(join(here.out, 'run.json')));
      const end = ended(child);
      // At any time after its start, or soon after it has written something: else slow machines would only see starts.
      if (random.below(3) === 0) await Promise.race([sleep(random.below(2000)), end]);
      else await grows(child, here.log, before.length);
      await sleep(random.below(150));
      const workers = childrenOf(child.pid ?? 0);
      stopped += stoppedOf(workers);
      child.kill('SIGKILL');
      const { code } = await end;
      await expectGone(workers);
      const after = existsSync(here.log) ? readFileSync(here.log, 'utf8') : '';
      expect(after.startsWith(before.slice(0, before.lastIndexOf('\n') + 1))).toBe(true);
      before = after;
      if (code !== 0) continue;
      await expectWhole(here, before);
      here = await place();
      before = '';
    }
    if (process.platform === 'linux') expect(stopped).toBeGreaterThan(0);
    // As if the last of them had died in the middle of a line.
    if (before !== '') writeFileSync(here.log, before.slice(0, -20));
    expect((await ended(start(here, existsSync(join(here.out, 'run.json'))))).said).toBe('');
    await expectWhole(here, before.slice(0, -20));
  });

  it.skipIf(process.platform === 'win32')('ends its processes at Ctrl-C and can be resumed', async () => {
    const here = await place();
    const child = start(here, false);
    const end = ended(child);
    await grows(child, here.log, 2000);
    const workers = childrenOf(child.pid ?? 0);
    child.kill('SIGINT');
    const { code, said } = await end;
    expect(code).toBe(1);
    expect(said).toMatch(/^QuantlabError: .*a stop after \d+ trials; continue it with --resume\n$/);
    await expectGone(workers);
    expect(existsSync(join(here.out, 'run.lock'))).toBe(false);
    expect((await ended(start(here, true))).code).toBe(0);
    expect((await readRun(here.out)).observations).toHaveLength(TRIALS);
  });

  it('keeps a second run out while it lives', async () => {
    const here = await place();
    const child = start(here, false);
    const end = ended(child);
    await grows(child, here.log, 0);
    // Standing still, it is sure to be there when the second one comes.
    child.kill('SIGSTOP');
    const second = await ended(start(here, true));
    child.kill('SIGCONT');
    expect(second.code).toBe(1);
    expect(second.said).toMatch(new RegExp(`got one of process ${child.pid} on`));
    expect((await end).code).toBe(0);
    expect((await readRun(here.out)).observations).toHaveLength(TRIALS);
  });
});
