import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, QuantlabError } from '../../../src/errors.js';
import { TIMING_VERSION } from '../../../src/measure/latency/timingVersion.js';
import { buildFigures } from '../../../src/report/figures/figures.js';
import { writeReport } from '../../../src/report/post/writeReport.js';
import { TOPICS } from '../../../src/study/laboratory.js';
import type { RunRecord } from '../../../src/study/schema.js';
import { readInventedRun, writeInventedLaboratory, writeInventedRun } from '../fixture.js';

let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantlab-report-'));
  await writeInventedRun(join(folder, 'run'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const places = () => ({
  figuresFolder: join(folder, 'figures'),
  postFolder: join(folder, 'post'),
  laboratoryFolder: join(folder, 'laboratory'),
});
/** No browser anywhere. */
const browser = { source: 'installed', env: { PATH: '' } } as const;

describe('writeReport', () => {
  it('writes specs, table and the post’s numbers without a browser, and says what is missing', async () => {
    const report = await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(report.warnings[0]).toMatch(/specs only.*browser/);
    expect(report.files.every((file) => existsSync(file))).toBe(true);
    const spec = JSON.parse(readFileSync(join(folder, 'figures', '01-latency.json'), 'utf8'));
    expect(Object.keys(spec)).toEqual(
      expect.arrayContaining(['name', 'title', 'caption', 'alt', 'data', 'layout', 'darkTemplate']),
    );
    const data = JSON.parse(readFileSync(join(folder, 'post', '_data', 'results.json'), 'utf8'));
    expect(data.pair.comparison).toMatchObject({
      latencyMs: { verdict: 'above' },
      wer: { verdict: 'undecided' },
      sizeBytes: { verdict: 'above' },
    });
    expect(data.pair.base.wer).toBe('20.00 (14.00 to 27.00)');
    expect(readFileSync(join(folder, 'run', 'table.md'), 'utf8')).toContain('| Status | measured |');
  });

  it('keeps pictures of the same numbers, removes those of others', async () => {
    await writeReport(join(folder, 'run'), { ...places(), browser });
    const picture = join(folder, 'figures', '00-at-a-glance.svg');
    writeFileSync(picture, '<svg/>');
    await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(existsSync(picture)).toBe(true);
    await writeInventedRun(join(folder, 'run'), (run) =>
      JSON.parse(JSON.stringify(run).replaceAll('8300000', '9300000')),
    );
    await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(existsSync(picture)).toBe(false);
  });

  it('writes what was measured of a Whisper, and nothing of it where it was not', async () => {
    const options = { ...places(), browser, whisperFolder: join(folder, 'whisper') };
    await writeInventedRun(options.whisperFolder);
    await writeReport(join(folder, 'run'), options);
    const figure = join(folder, 'figures', '13-whisper.json');
    const table = join(folder, 'post', '_includes', 'whisper-table.html');
    const data = (): unknown => JSON.parse(readFileSync(join(folder, 'post', '_data', 'whisper.json'), 'utf8'));
    expect(JSON.parse(readFileSync(figure, 'utf8')).title).toContain('word errors');
    expect(readFileSync(table, 'utf8')).toContain('<table>');
    expect(data()).toMatchObject({ answer: expect.stringContaining('times as fast'), pair: expect.anything() });
    rmSync(options.whisperFolder, { recursive: true });
    await writeReport(join(folder, 'run'), options);
    expect([existsSync(figure), readFileSync(table, 'utf8'), data()]).toEqual([false, '', null]);
  });

  it('writes the table of networks at the size of the papers, and nothing of it where they were not measured', async () => {
    const options = { ...places(), browser, paperScaleFolder: join(folder, 'paper-scale') };
    await writeInventedRun(options.paperScaleFolder);
    await writeReport(join(folder, 'run'), options);
    const table = join(folder, 'post', '_includes', 'paper-scale-table.html');
    const data = (): unknown => JSON.parse(readFileSync(join(folder, 'post', '_data', 'paper-scale.json'), 'utf8'));
    expect(readFileSync(table, 'utf8')).toContain('<table>');
    expect(data()).toMatchObject({
      source: { summary_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      speed_ups: [{ title: 'CPU int8 dynamic', value: expect.stringMatching(/^\d.*× \(.* to .*\)$/) }],
    });
    rmSync(options.paperScaleFolder, { recursive: true });
    await writeReport(join(folder, 'run'), options);
    expect([readFileSync(table, 'utf8'), data()]).toEqual(['', null]);
  });

  it('writes what the laboratory measured, and nothing of it where it did not', async () => {
    const options = { ...places(), browser };
    await writeInventedLaboratory(join(folder, 'laboratory'));
    await writeReport(join(folder, 'run'), options);
    const load = join(folder, 'figures', '10-load.json');
    expect(existsSync(load)).toBe(true);
    const post = join(folder, 'post');
    expect(JSON.parse(readFileSync(join(post, '_data', 'laboratory.json'), 'utf8')).load.within).toBeNull();
    expect(readFileSync(join(post, '_includes', 'variants-table.html'), 'utf8')).toContain('whisper-ctc');
    const words = JSON.parse(readFileSync(join(post, '_data', 'figures.json'), 'utf8'));
    expect([words['00-at-a-glance'].number, words['01-latency'].number]).toEqual([null, 1]);
    await writeInventedLaboratory(join(folder, 'laboratory'), (run) => ({
      ...run,
      laboratory: { ...run.laboratory, load: undefined },
    }));
    await writeReport(join(folder, 'run'), options);
    expect(existsSync(load)).toBe(false);
    expect(JSON.parse(readFileSync(join(post, '_data', 'laboratory.json'), 'utf8')).load).toBeNull();
  });

  it('gives the same bytes for the same results', async () => {
    await writeInventedLaboratory(join(folder, 'laboratory'));
    const write = async (): Promise<readonly string[]> => {
      const { files } = await writeReport(join(folder, 'run'), { ...places(), browser });
      return files.map((file) => readFileSync(file, 'utf8'));
    };
    expect(await write()).toEqual(await write());
  });

  it('says which results were timed otherwise than today', async () => {
    await writeInventedLaboratory(join(folder, 'laboratory'));
    expect((await writeReport(join(folder, 'run'), { ...places(), browser })).warnings.join()).not.toMatch(/version/);
    const other = (run: RunRecord): RunRecord => ({ ...run, timingVersion: TIMING_VERSION + 1 });
    await writeInventedRun(join(folder, 'run'), other);
    await writeInventedLaboratory(join(folder, 'laboratory'), other);
    const { warnings } = await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(warnings[0]).toMatch(/run: times of version 1 were required, got version 2.*npm start$/);
    expect(warnings[1]).toMatch(/laboratory: times of version 1 were required, got version 2.*quantlab -- laboratory$/);
  });

  it('names the file that is missing or of another kind', async () => {
    await expect(writeReport(join(folder, 'nothing'), places())).rejects.toThrow(InputError);
    writeFileSync(join(folder, 'run', 'summary.json'), '{"schema":"other/1"}');
    await expect(writeReport(join(folder, 'run'), places())).rejects.toThrow(/summary\.json: .*field schema/);
  });

  it('publishes nothing of results that were changed: run, laboratory and every topic of it', async () => {
    await writeInventedLaboratory(join(folder, 'laboratory'));
    const change = async (path: string, was: RegExp, is: string): Promise<void> => {
      const before = readFileSync(path, 'utf8');
      expect(before).toMatch(was);
      writeFileSync(path, before.replace(was, is));
      const published = writeReport(join(folder, 'run'), { ...places(), browser });
      await expect(published).rejects.toThrow(InputError);
      await expect(published).rejects.toThrow(path);
      expect(existsSync(join(folder, 'post'))).toBe(false);
      writeFileSync(path, before);
    };
    for (const run of [join(folder, 'run'), join(folder, 'laboratory')]) {
      await change(join(run, 'summary.json'), /("wer": \{\s*"value": )[\d.]+/, '$10.01');
      await change(join(run, 'observations.jsonl'), /(?:.*\n){20}/, '');
      await change(join(run, 'run.json'), /"sizeBytes": \d+/, '"sizeBytes": 1');
    }
    for (const topic of TOPICS) {
      const number = new RegExp(`("laboratory": \\{(?!\\s*"model")[\\s\\S]*?"${topic}": [\\s\\S]*?": )\\d[\\d.e+-]*`);
      for (const file of ['run.json', 'summary.json']) await change(join(folder, 'laboratory', file), number, '$11');
    }
  });

  it('names the place that cannot be written', async () => {
    for (const name of ['figures', 'post'] as const) {
      const path = join(folder, name);
      writeFileSync(path, 'a file where a folder is wanted');
      await expect(writeReport(join(folder, 'run'), { ...places(), browser })).rejects.toThrow(
        new RegExp(`${path}: a folder was required, got a file`),
      );
      rmSync(path);
    }
    // /proc takes no files, whoever writes.
    const nowhere = { ...places(), figuresFolder: '/proc/quantlab', browser };
    await expect(writeReport(join(folder, 'run'), nowhere)).rejects.toThrow(/\/proc\/quantlab/);
    await expect(writeReport(join(folder, 'run'), nowhere)).rejects.toThrow(QuantlabError);
  });

  it('draws no more points than a browser can', () => {
    const { summary, observations } = readInventedRun();
    const [one] = observations;
    const many = one ? Array.from({ length: 20_000 }, (_, trial) => ({ ...one, trial })) : [];
    const [, latency] = buildFigures(summary, many);
    expect(latency?.name).toBe('01-latency');
    const points = latency?.spec.data.map(({ x }) => (Array.isArray(x) ? x.length : 0)) ?? [];
    expect(Math.max(...points)).toBe(5000);
  });
});
