import { describe, expect, it } from 'vitest';
import { readPrices } from '../../../src/measure/cost/prices.js';
import type { Figure, Json, JsonObject } from '../../../src/report/figures/figure.js';
import { buildFigures } from '../../../src/report/figures/figures.js';
import { buildVariantsTable, laboratoryDataOf } from '../../../src/report/post/laboratoryData.js';
import type { Summary } from '../../../src/study/schema.js';
import { readInventedLaboratory, readInventedRun } from '../fixture.js';

const prices = await readPrices();
const laboratory = readInventedLaboratory();
const { summary, observations } = readInventedRun();
const figures = figuresOf(laboratory.summary);

/** The figures that the laboratory adds to those of the run. */
function figuresOf(found: Summary): readonly Figure[] {
  const before = new Set(buildFigures(summary, observations, prices).map(({ name }) => name));
  return buildFigures(summary, observations, prices, found).filter(({ name }) => !before.has(name));
}

/** Titles of axes, wherever they stand in a layout. */
function axisTitles(layout: JsonObject): readonly string[] {
  return ['xaxis', 'yaxis'].flatMap((name) => {
    const title = (layout[name] as JsonObject)['title'] as JsonObject | undefined;
    return title === undefined ? [] : [String(title['text'])];
  });
}

describe('figures of the laboratory', () => {
  it('are one or two of each topic, in order', () => {
    expect(figures.map(({ name }) => name)).toEqual([
      '07-roofline',
      '08-throughput',
      '09-sensitivity',
      '10-load',
      '11-loading',
      '12-variants',
    ]);
  });

  it('have words that stand alone, and units', () => {
    for (const { alt, caption, spec } of figures) {
      expect(alt).toMatch(/\d/);
      expect(caption.length).toBeGreaterThan(100);
      const titles = axisTitles(spec.layout);
      expect(titles.length).toBeGreaterThan(0);
      for (const title of titles)
        expect(title).toMatch(/\((ms|dB|%|\$|points|operations \/ byte|10⁹ operations \/ s)\)|second|batch/);
      expect(JSON.stringify(spec)).not.toMatch(/null|NaN|Infinity/);
    }
  });

  it('are pure, and none where nothing was measured', () => {
    expect(figuresOf(laboratory.summary)).toEqual(figures);
    const { run } = laboratory.summary;
    const only = (topics: (typeof run)['laboratory']): Summary => ({
      ...laboratory.summary,
      run: { ...run, laboratory: topics },
      conditions: [],
    });
    expect(figuresOf(only(undefined))).toEqual([]);
    expect(figuresOf(only({ load: run.laboratory?.load })).map(({ name }) => name)).toEqual(['10-load']);
  });

  it('show each variant beside its float32 model, with the gate, and which none beats', () => {
    const variants = figures.find(({ name }) => name === '12-variants');
    expect(variants?.alt).toMatch(/deepspeech2-lstm, float32: WER [\d.]+ %, [\d.]+ ms, [\d.]+ MB/);
    expect(variants?.alt).toMatch(/whisper-ctc, int8 dynamic: lost words \(points\) [^;]+, times as fast [\d.]+×/);
    expect(variants?.alt.match(/beaten by none/g)?.length).toBeGreaterThan(0);
    const { yaxis, shapes } = variants?.spec.layout ?? {};
    expect((yaxis as { ticktext: readonly string[] }).ticktext).toHaveLength(4);
    expect(shapes).toContainEqual(expect.objectContaining({ x0: 1, x1: 1, xref: 'x' }));
  });

  it('draw intervals', () => {
    for (const name of ['08-throughput', '10-load', '11-loading', '12-variants']) {
      const figure = figures.find((one) => one.name === name);
      expect(JSON.stringify(figure?.spec.data), name).toMatch(/error_[xy]/);
    }
  });
});

describe('numbers of the laboratory', () => {
  const data = laboratoryDataOf(laboratory, prices) as Readonly<Record<string, Json>>;

  it('are formatted, each under a name', () => {
    expect(data['load']).toMatchObject({ bound_ms: '200', within: null, check: null, bounds: [] });
    expect(data['hardware']).toMatchObject({
      int8_gain: '4.00×',
      rows: [{ share_percent: '80', limit: 'memory' }, {}],
    });
    expect(data['sensitivity']).toMatchObject({ layers: 3, slower: 1, worst: { choice: 'nbits4', db: '25.5' } });
    expect(data['variants']).toMatchObject({ count: 4, models: 2, reference: 'deepspeech2-lstm, float32' });
  });

  it('say of each technique how far it gets, and whether it is within the gate', () => {
    const { rows, ...techniques } = data['techniques'] as { readonly rows: readonly JsonObject[] };
    expect(rows.map(({ is_base }) => is_base)).toEqual([true, false, true, false]);
    expect(rows[0]).toMatchObject({ times_as_fast: '–', gate: '–' });
    for (const { gate, times_as_fast } of rows.filter(({ is_base }) => is_base === false)) {
      expect(gate).toMatch(/^(yes|as measured|no)$/);
      expect(times_as_fast).toMatch(/^[\d.]+×$/);
    }
    expect(techniques).toMatchObject({ gate_points: '1', goal_times: '10', smallest: { reaches: false } });
  });

  it('recommend within the words that may be lost', () => {
    const { advice } = data['variants'] as { readonly advice: readonly JsonObject[] };
    // The student loses three points, more than the two that may be lost.
    expect(advice.find(({ care }) => care === 'an answer at once')?.['take']).toBe('deepspeech2-lstm, int8 dynamic');
    // The bill follows from the throughput, and the battery from the time.
    expect(advice.map(({ care }) => care)).not.toContain('the bill');
    expect(advice).toHaveLength(5);
  });

  it('are left out, topic by topic, where nothing was measured', () => {
    const empty = laboratoryDataOf(null, prices);
    expect(Object.keys(empty)).toEqual(Object.keys(data));
    expect(Object.values(empty).every((value) => value === null)).toBe(true);
  });

  it('stand in a table with all seven metrics', async () => {
    const table = await buildVariantsTable(laboratory.summary, prices);
    expect(table?.rows).toHaveLength(4);
    expect(table?.columns).toHaveLength(8);
    expect(table?.rows.flat()).not.toContain('–');
    expect(await buildVariantsTable({ ...laboratory.summary, conditions: [] }, prices)).toBeNull();
  });
});
