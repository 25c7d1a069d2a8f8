import { describe, expect, it } from 'vitest';
import { peersFigure } from '../../src/report/figures/peersFigure.js';
import { buildPeersTable, peerRowsOf, peersAnswerOf } from '../../src/report/tables/peersTable.js';
import { inventedPeers } from './inventedPeers.js';

const results = inventedPeers();
const rows = peerRowsOf(results, 2);
const rowOf = (id: string) => rows.find(({ condition }) => condition.id === id);

describe('peers', () => {
  it('are summarised from their observations: ratios within a recording, errors, memory', () => {
    expect(rows.map(({ condition }) => condition.id)).toEqual(['float', 'small', 'slow', 'copy']);
    // Each recording has the same ratio, so that the interval has no width: 100 / 40 = 200 / 80 = 400 / 160.
    expect(rowOf('small')?.timesAsFast).toEqual([
      { value: 2.5, low: 2.5, high: 2.5 },
      { value: 2.5, low: 2.5, high: 2.5 },
    ]);
    expect(rowOf('small')).toMatchObject({ medianMs: 80, medianProcessorMs: 160, peakBytes: 1e8 + 2 });
    expect(rowOf('small')?.accuracy.wer.value).toBeCloseTo(0.1);
    expect(rowOf('small')?.werChange?.value).toBeCloseTo(0.1);
    expect([rowOf('float')?.werChange, rowOf('slow')?.sameOutputs, rowOf('small')?.sameOutputs]).toEqual([
      null,
      null,
      null,
    ]);
    expect(rowOf('copy')?.sameOutputs).toBe(2);
  });

  it('pair by recording, in whatever order they were heard', () => {
    const turned = { ...results, heard: results.heard.toReversed() };
    expect(peerRowsOf(turned, 2)).toEqual(rows);
    // Medians of ratios, not ratios of medians: one recording that took ten times as long changes no ratio's median.
    const heard = results.heard.map((one) =>
      one.condition === 'small' && one.recording === 'r1' ? { ...one, ms: 800 } : one,
    );
    const [ratio] =
      peerRowsOf({ ...results, heard }, 2).find(({ condition }) => condition.id === 'small')?.timesAsFast ?? [];
    expect(ratio).toMatchObject({ value: 2.5, low: 0.25, high: 2.5 });
  });

  it('make a table that says what is missing and how quiet it was', () => {
    const { columns, rows: cells, notes } = buildPeersTable(results);
    expect(columns).toContain('Times as fast as slow program');
    const small = Object.fromEntries(columns.map((column, place) => [column, cells[1]?.[place]]));
    expect(small).toMatchObject({
      Program: 'small program',
      Threads: '2',
      'Time, median (ms)': '80.0',
      'Times as fast as slow program': '2.50× (2.50 to 2.50)',
      'Memory, peak (MB)': '100',
      'Model (MB)': '8.00',
    });
    expect(notes).toEqual(
      expect.arrayContaining([
        '2 threads: 3 recordings, 10 words. Three recordings.',
        'Not measured: absent program: it has no converter.',
        'The same, bit for bit, as what small program gives for 2 of 3 recordings (2 threads): copy program.',
      ]),
    );
    expect(notes.at(-1)).toMatch(/^The machine was quiet: other processes had 1\.2 % /);
    expect(buildPeersTable({ ...results, othersShare: 0.2 }).notes.at(-1)).toMatch(
      /^The machine was busy: .* 20\.0 % /,
    );
  });

  it('have an answer for each of ours that is compressed', () => {
    expect(peersAnswerOf(results)).toBe(
      'Beside slow program, with 10.00 % of the words wrong and 100 MB, on 2 threads: small program is 2.50 times as fast (2.50 to 2.50), with 10.00 % of the words wrong and 100 MB.',
    );
  });

  it('are drawn with every number in words, too', () => {
    const { alt, spec } = peersFigure(results);
    expect(alt).toContain('small program, 2 threads: 2.50× (2.50 to 2.50), word error rate 10.00 %, 100 MB');
    expect(spec.data[0]?.['x']).toEqual([1, 2.5, 1, 2]);
    expect(JSON.stringify(spec)).not.toMatch(/NaN|Infinity/);
  });
});
