import { describe, expect, it } from 'vitest';
import { readPrices } from '../../../src/measure/cost/prices.js';
import type { JsonObject } from '../../../src/report/figures/figure.js';
import { buildFigures } from '../../../src/report/figures/figures.js';
import { markOf, templateOf, withScheme } from '../../../src/report/figures/theme.js';
import type { Summary } from '../../../src/study/schema.js';
import { readInventedLaboratory, readInventedRun } from '../fixture.js';

const { summary, observations } = readInventedRun();
const prices = await readPrices();
const figures = buildFigures(summary, observations, prices);
const ids = ['cpu-float32', 'cpu-int8-dynamic', 'gpu-float32'];

/** The same run with memory and energy, which older runs lack. */
const resources = readInventedLaboratory().summary.conditions.map(({ outcome }) => outcome);
const whole: Summary = {
  ...summary,
  conditions: summary.conditions.map((entry, place) => {
    const from = resources[place];
    if (entry.outcome.status !== 'measured' || from?.status !== 'measured') return entry;
    const energy = from.energy && {
      ...from.energy,
      ...(from.energy.comparison && { comparison: { ...from.energy.comparison, base: 'cpu-float32' } }),
    };
    return { ...entry, outcome: { ...entry.outcome, memory: from.memory, energy } };
  }),
};

describe('figures', () => {
  it('are those of the write-up, each with words of its own', () => {
    expect(figures.map(({ name }) => name)).toEqual([
      '00-at-a-glance',
      '01-latency',
      '02-accuracy-and-latency',
      '03-where-the-time-goes',
      '05-cost',
      '06-break-even',
    ]);
    for (const { alt, caption } of figures) {
      expect(alt).toMatch(/CPU float32.*\d/);
      expect(caption.length).toBeGreaterThan(60);
      expect(caption.split(/\. (?=[A-Z])/).length, caption).toBeLessThanOrEqual(2);
    }
    // What holds for all of them stands at the head of the page.
    const notes = figures.flatMap(({ caption }) => caption.split(/(?<=\.) (?=[A-Z])/));
    expect(notes.length).toBe(new Set(notes).size);
    expect(notes.filter((note) => note.includes(summary.run.environment.cpu)).length).toBe(1);
  });

  it('tell of memory where it was measured', () => {
    const names = buildFigures(whole, observations, prices).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['04-memory']));
    const memory = buildFigures(whole, observations).find(({ name }) => name === '04-memory');
    expect(memory?.alt).toContain(
      'CPU int8 dynamic: without a model 80.0 MB, model loaded 65.0 MB, while it runs 20.0 MB, peak 165 MB',
    );
  });

  it('show at a glance each measure as a share of float32’s, with the interval of the ratio', () => {
    const [glance] = buildFigures(whole, observations, prices);
    expect(glance?.name).toBe('00-at-a-glance');
    // 1 / 2.18 (2.03 to 2.36) and 8.3 of 32.1 MB, as the invented summary has it; energy as the fixture says.
    const { latencySpeedUp } = whole.conditions[1]?.comparison ?? { latencySpeedUp: { value: 1, low: 1, high: 1 } };
    const percent = (value: number): string => (100 / value).toFixed(0);
    const { value, low, high } = latencySpeedUp;
    expect(glance?.alt).toContain(`Time: ${percent(value)} (${percent(high)} to ${percent(low)}) %`);
    expect(glance?.alt).toContain('Model file: 26 % (32.1 → 8.30 MB)');
    expect(glance?.alt).toMatch(/Energy(, estimated)?: 57 \(54 to 60\) %/);
    expect(glance?.alt).toMatch(/Word error rate: \d+ \(\d+ to \d+\) %/);
    expect(glance?.alt).toMatch(/Cost of 1,000 h, estimated: \d+ \(\d+ to \d+\) %/);
  });

  it('show at a glance other models beside the first, in words, too', () => {
    const { summary } = readInventedLaboratory();
    const [glance] = buildFigures(summary, [], prices);
    expect(glance?.title).toMatch(
      /^deepspeech2-lstm, int8 dynamic is \d\.\d\d times as fast as deepspeech2-lstm, float32;/,
    );
    expect(glance?.alt).toMatch(
      /whisper-ctc, int8 dynamic in per cent of whisper-ctc, float32: Time: \d+ \(.*Model file:/,
    );
    const marks = (glance?.spec.data ?? []).filter(({ mode }) => mode === 'markers');
    expect(marks.map(({ name }) => name)).toEqual(['deepspeech2-lstm, int8 dynamic', 'whisper-ctc, int8 dynamic']);
    const [first, second] = marks.map(({ y }) => (y as readonly number[])[0] ?? Number.NaN);
    expect(second).toBeLessThan(first ?? Number.NaN);
  });

  it('are pure: the same results give the same specs, unchanged by drawing', () => {
    expect(buildFigures(summary, observations, prices)).toEqual(figures);
    expect(JSON.parse(JSON.stringify(figures))).toEqual(figures);
  });

  it('have units on each axis of numbers', () => {
    for (const { spec } of figures) {
      const title = (spec.layout['xaxis'] as JsonObject)['title'] as JsonObject;
      expect(title['text']).toMatch(/\((ms|MB|%|\$|s of sound \/ s)\)$/);
    }
  });

  it('draw every latency trial, rounded', () => {
    const violins = (figures[1]?.spec.data ?? []).filter(({ type }) => type === 'violin');
    expect(violins.map(({ x }) => (x as readonly number[]).length)).toEqual([90, 90]);
    expect(violins.every(({ x }) => (x as readonly number[]).every((value) => String(value).length <= 6))).toBe(true);
  });

  it('stay whole when nothing was measured', () => {
    const conditions = summary.conditions.filter(({ outcome }) => outcome.status !== 'measured');
    for (const { spec } of buildFigures({ ...summary, conditions }, [], prices)) {
      expect(JSON.stringify(spec)).not.toMatch(/null|Infinity|NaN/);
    }
  });
});

describe('theme', () => {
  it('draws a condition alike whatever else is in the run', () => {
    expect(markOf('cpu-int8-dynamic', ids)).toEqual(markOf('cpu-int8-dynamic', ['x', 'cpu-int8-dynamic']));
    const colors = [...ids, 'x', 'y'].map((id) => markOf(id, [...ids, 'x', 'y']).color);
    expect(new Set(colors).size).toBe(5);
  });

  // WCAG 2.2, 1.4.11: graphics need a contrast of 3 : 1; 1.4.3: text 4.5 : 1.
  it('stands out from both backgrounds', () => {
    for (const scheme of ['light', 'dark'] as const) {
      const layout = templateOf(scheme)['layout'] as JsonObject;
      const paper = String(layout['paper_bgcolor']);
      const text = String((layout['font'] as JsonObject)['color']);
      const quiet = String((layout['xaxis'] as JsonObject)['color']);
      expect(contrast(text, paper)).toBeGreaterThan(4.5);
      expect(contrast(quiet, paper)).toBeGreaterThan(4.5);
      for (const id of ids) expect(contrast(markOf(id, ids).color, paper), `${id}, ${scheme}`).toBeGreaterThan(3);
    }
  });

  it('gives traces steady ids', () => {
    const figure = figures[1];
    expect(figure && withScheme(figure.spec, 'dark').data.map(({ uid }) => uid)).toEqual([
      't0',
      't1',
      't2',
      't3',
      't4',
      't5',
    ]);
  });
});

/** Contrast ratio of WCAG 2.2. */
function contrast(one: string, other: string): number {
  const [bright = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (bright + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
