import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { resolveModel } from '../../src/recognise/registry/registry.js';
import { readObservations } from '../../src/study/observations.js';
import { readRun, verifyRun } from '../../src/study/runFolder.js';
import { runExperiment } from '../../src/study/runner.js';
import type { RunOptions, RunProgress } from '../../src/study/runOptions.js';
import type { Observation } from '../../src/study/schema.js';
import { summarizeRun } from '../../src/study/summarize.js';
import { FAKE_WORKER, fixedEnvironment, keyOf, newFolder, smallPlan } from './setUp.js';

const TRIALS_EACH = 47 + 13 + 4;

async function place(): Promise<{ folder: string; options: RunOptions; plan: Awaited<ReturnType<typeof smallPlan>> }> {
  const folder = newFolder();
  const plan = await smallPlan(folder, 4);
  const options = { out: join(folder, 'run'), workerPath: FAKE_WORKER, environment: fixedEnvironment };
  return { folder, options, plan };
}

function usesOf(observations: readonly Observation[]): number[] {
  const uses = new Map<string, number>();
  for (const id of observations.flatMap(({ utterances }) => utterances)) uses.set(id, (uses.get(id) ?? 0) + 1);
  return [...uses.values()].sort((one, other) => one - other);
}

describe('runExperiment', () => {
  it('measures every condition on the same utterances, each used equally often', async () => {
    const { options, plan } = await place();
    const progress: RunProgress[] = [];
    const summary = await runExperiment(plan, { ...options, onProgress: (event) => progress.push(event) });
    const { record, observations } = await readRun(options.out);
    expect(readdirSync(options.out).sort()).toEqual(['SHA256SUMS', 'observations.jsonl', 'run.json', 'summary.json']);
    expect(observations).toHaveLength(2 * TRIALS_EACH);
    expect(new Set(observations.map(keyOf)).size).toBe(2 * TRIALS_EACH);
    expect(record.finishedAt).not.toBeNull();
    const of = (condition: string, phase: string) =>
      observations.filter((one) => one.condition === condition && one.phase === phase);
    for (const phase of ['latency', 'throughput', 'accuracy']) {
      const [float, int8] = [of('cpu-float32', phase), of('cpu-int8-dynamic', phase)];
      expect(float.map(({ utterances }) => utterances)).toEqual(int8.map(({ utterances }) => utterances));
    }
    expect(usesOf(of('cpu-float32', 'latency'))).toEqual([11, 12, 12, 12]);
    expect(usesOf(of('cpu-float32', 'throughput'))).toEqual([9, 10, 10, 10]);
    expect(usesOf(of('cpu-float32', 'accuracy'))).toEqual([1, 1, 1, 1]);
    expect(of('cpu-float32', 'accuracy')[2]?.references).toEqual(['agent pass']);
    expect(summary.conditions[1]?.comparison?.latencySpeedUp.value).toBeGreaterThan(1.5);
    expect(JSON.parse(readFileSync(join(options.out, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(await summarizeRun(options.out)).toEqual(summary);
    expect(progress.at(-1)).toMatchObject({ overallDone: 2 * TRIALS_EACH, overallTotal: 2 * TRIALS_EACH });
  });

  it('starts all conditions anew, each start with its share of the trials', async () => {
    const { options, plan } = await place();
    const loads: string[] = [];
    const summary = await runExperiment(
      { ...plan, starts: 3 },
      { ...options, onProgress: ({ phase, condition, done }) => phase === 'prepare' && done && loads.push(condition) },
    );
    expect(loads).toEqual(Array(3).fill(['cpu-float32', 'cpu-int8-dynamic']).flat());
    const { record, observations } = await readRun(options.out);
    expect(new Set(observations.map(keyOf)).size).toBe(2 * TRIALS_EACH);
    expect(record.protocol.starts).toBe(3);
    const timed = observations.filter(({ condition, phase }) => condition === 'cpu-float32' && phase === 'latency');
    const starts = timed.map(({ trial }) => trial % 3);
    expect(starts).toEqual([...starts].sort());
    expect(new Set(timed.map(({ turn }) => turn)).size).toBe(11);
    const [float, int8] = summary.conditions;
    expect(float?.outcome).toMatchObject({ loadMs: 5, coldStarts: Array(3).fill({ loadMs: 5, firstRunMs: 30 }) });
    expect(float?.starts?.latencyMs).toHaveLength(3);
    expect(float?.starts?.latency.starts).toBe(3);
    expect(int8?.comparison?.latencySpeedUp.draws).toBe('starts');
    expect(float?.latency?.trials).toBe(47);
  });

  it('goes on within a start, and starts nothing anew that has its trials', async () => {
    const { options, plan } = await place();
    const planned = { ...plan, starts: 3 };
    const controller = new AbortController();
    const stopped = runExperiment(planned, {
      ...options,
      signal: controller.signal,
      onProgress: ({ overallDone }) => overallDone > 60 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/continue it with --resume/);
    const loads: string[] = [];
    await runExperiment(planned, {
      ...options,
      resume: true,
      onProgress: ({ phase, condition, done }) => phase === 'prepare' && done && loads.push(condition),
    });
    expect(loads).toHaveLength(4);
    const { observations } = await readRun(options.out);
    expect(new Set(observations.map(keyOf)).size).toBe(2 * TRIALS_EACH);
    expect(observations).toHaveLength(2 * TRIALS_EACH);
  });

  it('has no more starts than there are trials for', async () => {
    const { options, plan } = await place();
    await runExperiment({ ...plan, starts: 100, latencyTrials: 20 }, options);
    expect((await readRun(options.out)).record.protocol.starts).toBe(2);
  });

  it('measures a condition whose name every object knows', async () => {
    const { options, plan } = await place();
    const conditions = plan.conditions.map((one, index) => ({
      ...one,
      id: ['constructor', 'toString'][index] ?? one.id,
    }));
    const summary = await runExperiment({ ...plan, conditions }, options);
    expect(
      summary.conditions.map(({ condition, outcome, latency }) => [condition.id, outcome.status, latency?.trials]),
    ).toEqual([
      ['constructor', 'measured', 47],
      ['toString', 'measured', 47],
    ]);
    expect((await readRun(options.out)).observations).toHaveLength(2 * TRIALS_EACH);
  });

  it('draws the same order for the same seed, another for another', async () => {
    const [one, two] = [await place(), await place()];
    await runExperiment(one.plan, one.options);
    await runExperiment(two.plan, two.options);
    const orderOf = async (out: string) => (await readRun(out)).observations.map(({ utterances }) => utterances);
    expect(await orderOf(one.options.out)).toEqual(await orderOf(two.options.out));
    const three = await place();
    await runExperiment({ ...three.plan, seed: 5 }, three.options);
    expect(await orderOf(three.options.out)).not.toEqual(await orderOf(one.options.out));
  });

  it('records a GPU that is not there as skipped, with both reasons', async () => {
    const { options, plan } = await place();
    const gpu = {
      id: 'gpu',
      title: 'GPU',
      model: 'deepspeech2-lstm',
      recipe: 'none',
      device: 'gpu',
      threads: 1,
    } as const;
    const summary = await runExperiment({ ...plan, conditions: [...plan.conditions, gpu] }, options);
    expect(summary.conditions[2]).toMatchObject({
      outcome: { status: 'skipped', reason: 'no GPU answered. CUDA: it did not start. WebGPU: it did not start' },
      latency: null,
    });
  });

  it('records a condition whose process breaks as failed, and measures the others', async () => {
    const { options, plan } = await place();
    vi.stubEnv('CRASH_AT', '9');
    const summary = await runExperiment(plan, options).finally(() => vi.unstubAllEnvs());
    expect(summary.conditions[0]?.outcome.status).toBe('measured');
    expect(summary.conditions[1]?.outcome).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/SIGKILL/),
    });
    expect(summary.conditions[1]?.latency).toBeNull();
  });

  it.each([
    ['EXIT_AT', 'exits', /^latency: Odd condition: a running process was required, got exit code 3/],
    ['ALLOCATE_AT', 'takes memory without end', /got SIG\w+, out of memory/],
    ['HANG_AT', 'falls silent', /an answer within 5 s was required, got none/],
  ])('records a condition that fails by %s (%s), and measures the others', async (variable, _, reason) => {
    const { options, plan } = await place();
    const conditions = plan.conditions.map((condition) =>
      condition.threads === 2 ? { ...condition, title: 'Odd condition' } : condition,
    );
    vi.stubEnv(variable, '9');
    vi.stubEnv('ONLY_THREADS', '2');
    // V8's own limit, so that the test takes no memory that others need.
    vi.stubEnv('NODE_OPTIONS', '--max-old-space-size=48');
    const run = runExperiment(
      { ...plan, conditions },
      { ...options, trialLimitMs: variable === 'HANG_AT' ? 5000 : 60_000 },
    );
    const summary = await run.finally(() => vi.unstubAllEnvs());
    expect(summary.conditions[0]).toMatchObject({ outcome: { status: 'measured' }, latency: { trials: 47 } });
    expect(summary.conditions[1]).toMatchObject({
      outcome: { status: 'failed', reason: expect.stringMatching(reason) },
      latency: null,
    });
  });

  it('keeps what was run by its checksums, and goes on with nothing else', async () => {
    const { options, plan } = await place();
    const controller = new AbortController();
    const stopped = runExperiment(plan, {
      ...options,
      signal: controller.signal,
      onProgress: ({ overallDone }) => overallDone > 10 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/stop/);
    const path = join(options.out, 'run.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    const sha256 = (await resolveModel('deepspeech2-lstm')).card.graphs['model']?.file.sha256;
    const inputs = { modelSha256: sha256, recipeSha256: null, variantSha256: sha256 };
    expect(record.inputs).toEqual({ 'cpu-float32': inputs, 'cpu-int8-dynamic': inputs });
    const other = { ...inputs, modelSha256: 'f00', variantSha256: 'f00' };
    writeFileSync(path, JSON.stringify({ ...record, inputs: { ...record.inputs, 'cpu-float32': other } }));
    await expect(runExperiment(plan, { ...options, resume: true })).rejects.toThrow(
      /the model files that the run was begun with were required, got another of cpu-float32/,
    );
    writeFileSync(path, JSON.stringify(record));
    await runExperiment(plan, { ...options, resume: true });
    await verifyRun(options.out);
    const log = join(options.out, 'observations.jsonl');
    writeFileSync(log, readFileSync(log, 'utf8').replace('"totalMs":', '"totalMs": '));
    await expect(verifyRun(options.out)).rejects.toThrow(/observations\.jsonl: the file as it was written/);
  });

  it('says before the first trial that the machine is busy, and in the summary, too', async () => {
    const { options, plan } = await place();
    const warning = 'The machine was busy before the run: the load of the last minute was 9.00 on 2 processors.';
    const load = { lastMinute: 9, cpuPressure: null, memoryPressure: null, ioPressure: null, warning };
    const said: string[] = [];
    const summary = await runExperiment(plan, {
      ...options,
      environment: async () => ({ ...(await fixedEnvironment()), load }),
      onWarning: (text) => said.push(text),
    });
    expect(said).toEqual([warning]);
    expect(summary.warnings).toContain(warning);
    expect((await readRun(options.out)).record.environment.load).toEqual(load);
  });

  it('records how conditions left each other alone', async () => {
    const { options, plan } = await place();
    const summary = await runExperiment(plan, { ...options, turns: 'paused' });
    expect(summary.run.turns).toBe('paused');
    expect(summary.warnings?.join()).toMatch(/could not be stopped outside their turns/);
    expect(summary.conditions[1]?.comparison?.latencySpeedUp.draws).toBe('turns');
  });

  it('stops in order, and goes on where it stopped', async () => {
    const { options, plan } = await place();
    const controller = new AbortController();
    const stopped = runExperiment(plan, {
      ...options,
      signal: controller.signal,
      onProgress: ({ overallDone }) => overallDone > 50 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/a stop after \d+ trials; continue it with --resume/);
    const before = readObservations(join(options.out, 'observations.jsonl')).observations;
    expect(before.length).toBeGreaterThan(50);
    expect(before.length).toBeLessThan(2 * TRIALS_EACH);
    expect(readdirSync(options.out).sort()).toEqual(['observations.jsonl', 'run.json']);
    await runExperiment(plan, { ...options, resume: true });
    const { observations } = await readRun(options.out);
    expect(observations.slice(0, before.length)).toEqual(before);
    expect(new Set(observations.map(keyOf)).size).toBe(2 * TRIALS_EACH);
    expect(observations).toHaveLength(2 * TRIALS_EACH);
  });

  it('measures when it goes on what it was measuring when it was stopped', async () => {
    const { options, plan } = await place();
    const asked = { ...plan, resources: { memoryRuns: 2, energyTrials: 200 } };
    const controller = new AbortController();
    const stopped = runExperiment(asked, {
      ...options,
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'energy' && setTimeout(() => controller.abort(), 100),
    });
    await expect(stopped).rejects.toThrow(/continue it with --resume/);
    const { outcomes } = JSON.parse(readFileSync(join(options.out, 'run.json'), 'utf8'));
    expect(outcomes['cpu-float32']).not.toHaveProperty('energy');
    const { conditions } = await runExperiment(asked, { ...options, resume: true });
    expect(conditions[0]?.outcome).toMatchObject({ energy: { joulesPerUtterance: expect.anything() } });
  });

  it('drops the half line of a killed run and nothing else', async () => {
    const { options, plan } = await place();
    await runExperiment(plan, options);
    const whole = readFileSync(join(options.out, 'observations.jsonl'), 'utf8');
    const lines = whole.split('\n');
    const record = JSON.parse(readFileSync(join(options.out, 'run.json'), 'utf8'));
    writeFileSync(join(options.out, 'run.json'), JSON.stringify({ ...record, finishedAt: null, outcomes: {} }));
    writeFileSync(
      join(options.out, 'observations.jsonl'),
      `${lines.slice(0, 60).join('\n')}\n${lines[60]?.slice(0, 40)}`,
    );
    await runExperiment(plan, { ...options, resume: true });
    expect(readFileSync(join(options.out, 'observations.jsonl'), 'utf8')).toBe(whole);
  });

  it('refuses an unfinished run that nothing was said of, another plan, and another machine', async () => {
    const { options, plan } = await place();
    await runExperiment(plan, options);
    const path = join(options.out, 'run.json');
    const record = JSON.parse(readFileSync(path, 'utf8'));
    await expect(runExperiment({ ...plan, seed: 1 }, { ...options, resume: true })).rejects.toThrow(/another seed/);
    writeFileSync(path, JSON.stringify({ ...record, finishedAt: null }));
    await expect(runExperiment(plan, options)).rejects.toThrow(/got one begun at .*; add --resume/);
    const more = { ...plan, latencyTrials: 48 };
    await expect(runExperiment(more, { ...options, resume: true })).rejects.toThrow(/with another latencyTrials; give/);
    const elsewhere = { ...record.environment, cpu: 'Z80' };
    const moved = runExperiment(plan, { ...options, resume: true, environment: async () => elsewhere });
    await expect(moved).rejects.toThrow(/another cpu \("Z80", was/);
    await runExperiment(plan, { ...options, restart: true });
    expect((await readRun(options.out)).record.finishedAt).not.toBeNull();
  });

  it('returns a finished run as it is when asked to go on with it', async () => {
    const { options, plan } = await place();
    const summary = await runExperiment(plan, options);
    expect(await runExperiment(plan, { ...options, resume: true })).toEqual(summary);
  });

  it('leaves earlier results until the new run has ended', async () => {
    const { options, plan } = await place();
    await runExperiment(plan, options);
    const earlier = readFileSync(join(options.out, 'run.json'), 'utf8');
    const controller = new AbortController();
    const stopped = runExperiment(plan, {
      ...options,
      signal: controller.signal,
      onProgress: ({ overallDone }) => overallDone > 10 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/stop/);
    expect(readFileSync(join(options.out, 'run.json'), 'utf8')).toBe(earlier);
    expect((await readRun(options.out)).observations).toHaveLength(2 * TRIALS_EACH);
    await runExperiment(plan, { ...options, resume: true });
    expect(readFileSync(join(options.out, 'run.json'), 'utf8')).not.toBe(earlier);
    expect(readdirSync(join(options.out, '..')).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('refuses a folder in which a run is in progress, and passes over the lock of a dead one', async () => {
    const { options, plan } = await place();
    await mkdir(options.out, { recursive: true });
    const lock = join(options.out, 'run.lock');
    const host = hostname();
    await writeFile(lock, JSON.stringify({ pid: process.ppid, host, began: null }));
    await expect(runExperiment(plan, options)).rejects.toThrow(
      new RegExp(`process ${process.ppid} on .*; wait for it`),
    );
    // The number of a dead process may have been given to another: its beginning tells them apart.
    await writeFile(lock, JSON.stringify({ pid: process.ppid, host, began: 'another/1' }));
    await runExperiment(plan, options);
  });

  it('leaves nothing behind when the model, the manifest or the place is bad', async () => {
    const { folder, options, plan } = await place();
    const conditions = plan.conditions.map((condition) => ({ ...condition, model: join(folder, 'none.onnx') }));
    await expect(runExperiment({ ...plan, conditions }, options)).rejects.toThrow(/none\.onnx: a model was required/);
    expect(readdirSync(options.out)).toEqual([]);
    const manifest = join(folder, 'none.jsonl');
    await expect(runExperiment({ ...plan, manifest }, options)).rejects.toThrow(/none\.jsonl: a file was required/);
    const below = join(plan.manifest, 'run');
    await expect(runExperiment(plan, { ...options, out: below })).rejects.toThrow(/manifest\.jsonl/);
    await mkdir(join(folder, 'foreign'));
    await writeFile(join(folder, 'foreign', 'observations.jsonl'), 'mine');
    const foreign = runExperiment(plan, { ...options, out: join(folder, 'foreign') });
    await expect(foreign).rejects.toThrow(/without run\.json; choose another folder/);
    expect(readFileSync(join(folder, 'foreign', 'observations.jsonl'), 'utf8')).toBe('mine');
  });

  it('names the disk when it is full', async (context) => {
    if (process.platform !== 'linux') context.skip();
    const { options, plan } = await place();
    const controller = new AbortController();
    const stopped = runExperiment(plan, {
      ...options,
      signal: controller.signal,
      onProgress: ({ phase }) => phase === 'prepare' && controller.abort(),
    });
    await expect(stopped).rejects.toThrow();
    await mkdir(options.out, { recursive: true });
    await symlink('/dev/full', join(options.out, 'observations.jsonl')).catch(() => undefined);
    const full = runExperiment(plan, { ...options, restart: true });
    await expect(full).rejects.toThrow(/observations\.jsonl: room on the disk was required, got ENOSPC/);
  });
});
