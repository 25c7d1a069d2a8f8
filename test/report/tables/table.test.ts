import { describe, expect, it } from 'vitest';
import { buildAnswerTable } from '../../../src/report/tables/table.js';
import { tableToHtml, tableToMarkdown, tableToText } from '../../../src/report/tables/tableText.js';
import { readInventedRun } from '../fixture.js';

const { summary } = readInventedRun();
const table = await buildAnswerTable(summary);

describe('answer table', () => {
  it('has a column for each condition, the skipped one too', () => {
    expect(table.columns).toEqual(['Measure', 'CPU float32', 'CPU int8 dynamic', 'GPU float32']);
    expect(table.rows[0]).toEqual(['Status', 'measured', 'measured', 'skipped']);
    expect(table.rows.every((cells) => cells.length === 4)).toBe(true);
  });

  it('has units in the headers of its rows and intervals in its cells', () => {
    const row = table.rows.find(([name]) => name === 'Word error rate (%)');
    expect(row).toEqual(['Word error rate (%)', '55.85 (51.20 to 60.60)', '55.49 (50.80 to 60.20)', '–']);
    const unitless = /Status|Speed-up|Times smaller/;
    expect(
      table.rows.map(([name = '']) => name).filter((name) => !/\(.+\)/.test(name) && !unitless.test(name)),
    ).toEqual([]);
  });

  it('says what each comparison is of, in the row below, and against what', () => {
    const place = table.rows.findIndex(([name]) => name === 'Word error rate (%)');
    expect(table.rows[place + 1]?.[0]).toBe('Change of word error rate (points)');
    expect(table.notes).toContain(
      'Speed-ups, changes and times smaller are against CPU float32; word error rates compare the same utterances.',
    );
  });

  it('has no row that no condition has, and no answer where nothing was heard', async () => {
    const conditions = summary.conditions.map((entry) => ({ ...entry, accuracy: null }));
    const run = { ...summary.run, protocol: { ...summary.run.protocol, accuracy: false } };
    const deaf = await buildAnswerTable({ ...summary, run, conditions });
    expect(deaf.rows.some((cells) => cells.slice(1).every((cell) => cell === '–'))).toBe(false);
    expect(deaf.rows.some(([name]) => name === 'Word error rate (%)')).toBe(false);
    expect([table, deaf].map(({ notes }) => notes.some((note) => note.startsWith('Beside')))).toEqual([true, false]);
  });

  it('gives the reason of a skipped condition', () => {
    expect(tableToText(table)).toContain(
      'GPU float32 was skipped: CUDA: an invented <reason> & more; WebGPU: none answers.',
    );
  });

  it('claims no percentile that there are too few trials for, and carries the warnings', async () => {
    const percentiles = [
      { percentile: 0.9, valueMs: 41.5, rank: 18, trialsNeeded: 64 },
      { percentile: 0.95, valueMs: null, rank: null, trialsNeeded: 130 },
    ];
    const conditions = summary.conditions.map((entry) =>
      entry.latency === null ? entry : { ...entry, latency: { ...entry.latency, percentiles } },
    );
    const warned = await buildAnswerTable({ ...summary, conditions, warnings: ['The machine was busy.'] });
    const row = (name: string): string | undefined => warned.rows.find(([header]) => header === name)?.[1];
    expect(row('Latency, 90th percentile, at most (ms)')).toBe('41.5');
    expect(row('Latency, 95th percentile, at most (ms)')).toBe('needs 130 trials');
    expect(row('Latency, 90th percentile (ms)')).toMatch(/^\d/);
    expect(tableToText(warned)).toContain('Warning: The machine was busy.');
  });

  it('is aligned on a terminal', () => {
    const lines = tableToText(table)
      .split('\n')
      .slice(2, 4 + table.rows.length);
    const ends = new Set(lines.filter((line) => !line.startsWith('─')).map((line) => line.length));
    expect(ends.size).toBe(1);
  });

  it('is a Markdown table', () => {
    const lines = tableToMarkdown(table).split('\n');
    expect(lines[1]).toBe('| --- | ---: | ---: | ---: |');
    expect(lines[2]).toBe('| Status | measured | measured | skipped |');
  });

  it('is HTML with a caption, scopes and escaped text', () => {
    const html = tableToHtml(table);
    expect(html).toContain('<caption>Measured on Invented processor, 2 threads</caption>');
    expect(html).toContain('<th scope="row">Latency, mean (ms)</th>');
    expect(html).toContain('an invented &lt;reason&gt; &amp; more');
  });
});
