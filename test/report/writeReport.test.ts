import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { TIMING_VERSION } from '../../src/measure/timingVersion.js';
import { writeReport } from '../../src/report/writeReport.js';
import { LABORATORY_FOLDER, RUN_FOLDER } from './fixture.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantlab-report-'));
  cpSync(RUN_FOLDER, join(folder, 'run'), { recursive: true });
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
      latency_verdict: 'above',
      wer_verdict: 'undecided',
      is_smaller: true,
    });
    expect(data.pair.base.accuracy.wer_percent).toBe('55.85 (51.20 to 60.60)');
    expect(readFileSync(join(folder, 'run', 'table.md'), 'utf8')).toContain('| Status | measured |');
  });

  it('keeps pictures of the same numbers, removes those of others', async () => {
    await writeReport(join(folder, 'run'), { ...places(), browser });
    const picture = join(folder, 'figures', '03-size.svg');
    writeFileSync(picture, '<svg/>');
    await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(existsSync(picture)).toBe(true);
    const path = join(folder, 'run', 'summary.json');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"sizeBytes": 8300000', '"sizeBytes": 9300000'));
    await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(existsSync(picture)).toBe(false);
  });

  it('writes what the laboratory measured, and nothing of it where it did not', async () => {
    const options = { ...places(), browser };
    cpSync(LABORATORY_FOLDER, join(folder, 'laboratory'), { recursive: true });
    await writeReport(join(folder, 'run'), options);
    const load = join(folder, 'figures', '12-load.json');
    expect(existsSync(load)).toBe(true);
    const post = join(folder, 'post');
    expect(JSON.parse(readFileSync(join(post, '_data', 'laboratory.json'), 'utf8')).load.ratio).toBe('1.75×');
    expect(readFileSync(join(post, '_includes', 'variants-table.html'), 'utf8')).toContain('deepspeech2-student');
    const words = JSON.parse(readFileSync(join(post, '_data', 'figures.json'), 'utf8'));
    expect([words['00-at-a-glance'].number, words['01-latency'].number]).toEqual([null, 1]);
    rmSync(join(folder, 'laboratory', 'load.json'));
    await writeReport(join(folder, 'run'), options);
    expect(existsSync(load)).toBe(false);
    expect(JSON.parse(readFileSync(join(post, '_data', 'laboratory.json'), 'utf8')).load).toBeNull();
  });

  it('gives the same bytes for the same results', async () => {
    cpSync(LABORATORY_FOLDER, join(folder, 'laboratory'), { recursive: true });
    const write = async (): Promise<readonly string[]> => {
      const { files } = await writeReport(join(folder, 'run'), { ...places(), browser });
      return files.map((file) => readFileSync(file, 'utf8'));
    };
    expect(await write()).toEqual(await write());
  });

  it('says which results were timed otherwise than today', async () => {
    cpSync(LABORATORY_FOLDER, join(folder, 'laboratory'), { recursive: true });
    expect((await writeReport(join(folder, 'run'), { ...places(), browser })).warnings.join()).not.toMatch(/version/);
    const path = join(folder, 'laboratory', 'load.json');
    const held = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...held, timingVersion: TIMING_VERSION + 1 }));
    const { warnings } = await writeReport(join(folder, 'run'), { ...places(), browser });
    expect(warnings[0]).toMatch(/load\.json: times of version 1 were required, got version 2.*laboratory --only load$/);
  });

  it('names the file that is missing or of another kind', async () => {
    await expect(writeReport(join(folder, 'nothing'), places())).rejects.toThrow(InputError);
    writeFileSync(join(folder, 'run', 'summary.json'), '{"schema":"other/1"}');
    await expect(writeReport(join(folder, 'run'), places())).rejects.toThrow(/summary\.json: field schema/);
  });
});
