import { describe, expect, it } from 'vitest';
import { readPrices } from '../../src/measure/cost/prices.js';
import { glanceFigure } from '../../src/report/figures/glanceFigure.js';
import { estimateOf, shareOf } from '../../src/report/metric.js';
import { MEASURES, METRICS } from '../../src/report/metrics.js';
import { candidatesOf } from '../../src/report/post/choosing.js';
import { postDataOf } from '../../src/report/post/postData.js';
import { pricedConditions } from '../../src/report/tables/costOf.js';
import { pairOf } from '../../src/report/tables/measured.js';
import { buildAnswerTable } from '../../src/report/tables/table.js';
import { readInventedRun } from './fixture.js';

const { summary } = readInventedRun();
const prices = await readPrices();
const pair = pairOf(summary, prices);
if (pair === null) throw new Error('the invented run has a pair');
const [base, variant] = [pair.base.entry, pair.variant.entry];

describe('metrics', () => {
  it('have names of their own, and a row each in the table', async () => {
    const ids = MEASURES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const rows = (await buildAnswerTable(summary)).rows.map(([name]) => name);
    const priced = pricedConditions(summary, prices);
    const has = ({ of, instead }: (typeof MEASURES)[number]): boolean =>
      priced.some((entry) => of(entry) !== null || instead?.(entry) != null);
    expect(rows).toEqual(expect.arrayContaining(MEASURES.filter(has).map(({ title, unit }) => `${title} (${unit})`)));
    expect(rows).not.toContain('Memory, peak (MB)');
    expect(new Set(rows).size).toBe(rows.length);
  });

  it('compare: what is better than the base is above what is neutral, whichever way the metric counts', () => {
    for (const { id, of, lessIsBetter, comparison } of METRICS) {
      const [was, is, compared] = [of(base), of(variant), comparison.of(variant, base)];
      if (was === null || is === null || compared === null) continue;
      const better = estimateOf(is).value < estimateOf(was).value === lessIsBetter;
      const gain = estimateOf(compared).value - comparison.neutral;
      expect(Math.sign(comparison.neutral === 1 ? gain : -gain), id).toBe(better ? 1 : -1);
    }
  });

  it('are shares of the base: a ratio turned over, a difference put on top', () => {
    // 1 / 1.84 (1.79 to 1.90), and 55.85 % that become 55.49 %, as the invented summary has it.
    const [latency, words] = ['latencyMs', 'wer'].map((id) => METRICS.find((metric) => metric.id === id));
    const share = latency && shareOf(latency, variant, base);
    expect([share?.low, share?.value, share?.high].map((one) => (1 / (one ?? 0)).toFixed(2))).toEqual([
      '1.90',
      '1.84',
      '1.79',
    ]);
    expect(words && shareOf(words, variant, base)?.value).toBeCloseTo(0.5549 / 0.5585, 3);
  });

  it('are the same in the choice, the figure at a glance and the write-up', () => {
    const candidate = candidatesOf(summary, prices).find(({ id }) => id === variant.condition.id);
    expect(Object.keys(candidate?.metrics ?? {})).toEqual(METRICS.map(({ id }) => id));
    const { comparison } = postDataOf(summary, '', prices)['pair'] as { readonly comparison: object };
    const compared = METRICS.filter((metric) => metric.comparison.of(variant, base) !== null);
    expect(Object.keys(comparison)).toEqual(expect.arrayContaining(compared.map(({ id }) => id)));
    for (const { title, burden } of compared) {
      expect(glanceFigure(summary, prices)?.alt).toMatch(new RegExp(`${burden?.title ?? title}(, estimated)?: `));
    }
  });

  it('tell of int8 that hears alike in every batch where it was measured', () => {
    expect(postDataOf(summary, '', prices)['by_rows']).toEqual([]);
    const texts = { heard: 8, changed: 0, rounds: 1, wer: { lowest: 0.5, highest: 0.5 } };
    const conditions = summary.conditions.map((entry) => {
      if (entry.condition.id !== variant.condition.id || entry.throughput === null) return entry;
      const condition = { ...entry.condition, recipe: 'by-rows' };
      return { ...entry, condition, throughput: { ...entry.throughput, texts } };
    });
    const [row] = postDataOf({ ...summary, conditions }, '', prices)['by_rows'] as readonly object[];
    expect(row).toMatchObject({
      model: 'invented',
      base: { title: 'CPU float32' },
      variant: { batches: { heard: 8, changed: 0, wer: '50.00 to 50.00' } },
      comparison: { latencyMs: {}, audioSPerS: {} },
    });
  });
});
