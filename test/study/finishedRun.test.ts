import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256OfBytes } from '../../src/files.js';
import { readFinishedRun } from '../../src/study/finishedRun.js';
import { runExperiment } from '../../src/study/runner.js';
import { summarize } from '../../src/study/summarize.js';
import { FAKE_WORKER, fixedEnvironment, newFolder, smallPlan } from './setUp.js';

/** SHA256SUMS of the files as they are now, as somebody would write it who hides a change. */
function signAgain(folder: string): void {
  const lines = ['run.json', 'observations.jsonl', 'summary.json'].map(
    (name) => `${sha256OfBytes(readFileSync(join(folder, name)))}  ${name}\n`,
  );
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''));
}

function change(path: string, edit: (text: string) => string): void {
  const before = readFileSync(path, 'utf8');
  const after = edit(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after);
}

/** A change of `summary.json`. */
function inSummary(edit: (summary: Summaries) => void): (folder: string) => void {
  return (folder) =>
    change(join(folder, 'summary.json'), (text) => {
      const summary = JSON.parse(text);
      edit(summary);
      return JSON.stringify(summary);
    });
}

interface Summaries {
  conditions: { accuracy: { wer: { value: number } }; latency: { trials: number; p90Ms?: number } }[];
  warnings: string[];
  run: { environment: { cpu: string }; code?: string };
}

/** The last lines of the observations are gone; the chain of the others is whole. */
function withoutTail(lines: number): (folder: string) => void {
  return (folder) =>
    change(join(folder, 'observations.jsonl'), (text) => `${text.trimEnd().split('\n').slice(0, -lines).join('\n')}\n`);
}

/** A line in the middle is gone. */
const withoutMiddle = (folder: string): void =>
  change(join(folder, 'observations.jsonl'), (text) => text.split('\n').toSpliced(5, 1).join('\n'));

describe('readFinishedRun', () => {
  let whole: string;
  let number = 0;
  const copy = (...changes: readonly ((folder: string) => void)[]): string => {
    const folder = `${whole}-${++number}`;
    cpSync(whole, folder, { recursive: true });
    for (const one of changes) one(folder);
    return folder;
  };

  beforeAll(async () => {
    const folder = newFolder();
    whole = join(folder, 'run');
    const plan = await smallPlan(folder, 4);
    await runExperiment(plan, { out: whole, workerPath: FAKE_WORKER, environment: fixedEnvironment });
  });

  it('gives the summary as it follows from the observations', async () => {
    const { summary, summarySha256 } = await readFinishedRun(whole);
    const path = join(whole, 'summary.json');
    expect(JSON.parse(JSON.stringify(summary))).toEqual(JSON.parse(readFileSync(path, 'utf8')));
    expect(summarySha256).toBe(sha256OfBytes(readFileSync(path)));
  });

  it.each([
    [
      'a word error rate',
      inSummary((one) => void (one.conditions[0] as Summaries['conditions'][0]).accuracy.wer.value--),
      /summary\.json: field conditions\.0\.accuracy\.wer\.value was required to be .*, got .*; restore/,
    ],
    [
      'a count',
      inSummary((one) => void (one.conditions[1] as Summaries['conditions'][0]).latency.trials++),
      /field conditions\.1\.latency\.trials was required to be 47.* got 48/,
    ],
    [
      'one condition less',
      inSummary((one) => void one.conditions.pop()),
      /field conditions\.length was required to be 2.* got 1/,
    ],
    [
      'a warning that nobody gave',
      inSummary((one) => void one.warnings.push('All is well.')),
      /field warnings\.length/,
    ],
    [
      'another machine',
      inSummary((one) => {
        one.run.environment.cpu = 'Faster';
      }),
      /field run\.environment\.cpu was required to be "Test processor".* got "Faster"/,
    ],
  ])('refuses a summary that says otherwise, signed or not: %s', async (_, edit, message) => {
    await expect(readFinishedRun(copy(edit))).rejects.toThrow(message);
    await expect(readFinishedRun(copy(edit, signAgain))).rejects.toThrow(message);
  });

  it('refuses observations that are not all there', async () => {
    await expect(readFinishedRun(copy(withoutMiddle))).rejects.toThrow(
      /observations\.jsonl:6: a line as it was written/,
    );
    await expect(readFinishedRun(copy(withoutMiddle, signAgain))).rejects.toThrow(/observations\.jsonl:6/);
    await expect(readFinishedRun(copy(withoutTail(20)))).rejects.toThrow(
      /observations\.jsonl: the file as it was written/,
    );
    await expect(readFinishedRun(copy(withoutTail(1), signAgain))).rejects.toThrow(
      /4 accuracy trials of cpu-.*, each once, were required, got 3/,
    );
  });

  it('refuses a record that was changed, a summary that says less, and a run without checksums', async () => {
    const faster = (folder: string): void =>
      change(join(folder, 'run.json'), (text) => text.replace('Test processor', 'Faster'));
    await expect(readFinishedRun(copy(faster))).rejects.toThrow(/run\.json: the file as it was written was required/);
    const less = inSummary((one) => void delete (one.conditions[0] as Summaries['conditions'][0]).latency.p90Ms);
    await expect(readFinishedRun(copy(less))).rejects.toThrow(
      /summary\.json: field .*latency\.p90Ms was required to be [\d.]+, .* got left out/,
    );
    const bare = copy((folder) => change(join(folder, 'SHA256SUMS'), () => ''));
    await expect(readFinishedRun(bare)).rejects.toThrow(/the file as it was written was required/);
  });

  it('refuses a run that was stopped', async () => {
    const stopped = copy((folder) =>
      change(join(folder, 'run.json'), (text) => text.replace(/"finishedAt": "[^"]*"/, '"finishedAt": null')),
    );
    await expect(readFinishedRun(stopped)).rejects.toThrow(/a finished run was required, got one that was stopped/);
  });

  it.each([
    ['run.json', /"latencyTrials": \d+/, '"latencyTrials": 1e12', /run\.json: field protocol\.latencyTrials/],
    ['run.json', /"batchSize": \d+/, '"batchSize": 1e9', /field protocol\.batchSize/],
    ['run.json', /"id": "cpu-int8-dynamic"/, '"id": "cpu-float32"', /field conditions .*each id once/],
    ['observations.jsonl', /"trial":3/, '"trial":9e14', /observations\.jsonl:\d+: /],
  ])('refuses numbers in %s that would cost hours: %s', async (file, was, is, message) => {
    const folder = copy((one) => change(join(one, file), (text) => text.replace(was, is)));
    await expect(readFinishedRun(folder)).rejects.toThrow(message);
  });

  it('refuses a file that no run writes, before it is read', async () => {
    const folder = copy((one) => {
      truncateSync(join(one, 'observations.jsonl'), 600 * 2 ** 20);
    });
    await expect(readFinishedRun(folder)).rejects.toThrow(/at most 500 MiB of observations were required, got 600/);
    const large = copy((one) => truncateSync(join(one, 'summary.json'), 65 * 2 ** 20));
    await expect(readFinishedRun(large)).rejects.toThrow(/at most 64 MiB of JSON were required, got 65/);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])(
    'takes a condition called %s for one that has not ended',
    (id) => {
      const record = JSON.parse(readFileSync(join(whole, 'run.json'), 'utf8'));
      const conditions = [{ ...record.conditions[0], id }];
      const { conditions: found } = summarize({ ...record, conditions, outcomes: {} }, []);
      expect(found[0]?.outcome).toEqual({ status: 'failed', reason: 'the run has not finished' });
      const outcomes = { [id]: { status: 'skipped', reason: 'no GPU' } } as const;
      expect(summarize({ ...record, conditions, outcomes }, []).conditions[0]?.outcome.status).toBe('skipped');
    },
  );
});
