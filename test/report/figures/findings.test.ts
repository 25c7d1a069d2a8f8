import { describe, expect, it } from 'vitest';
import type { BreakEven, TranscriptionCost } from '../../../src/measure/cost/cost.js';
import {
  breakEvenFinding,
  costFinding,
  glanceFinding,
  latencyFinding,
  loadFinding,
  loadingFinding,
  memoryFinding,
  partsFinding,
  peersFinding,
  rooflineFinding,
  throughputFinding,
  variantsFinding,
  wordsFinding,
} from '../../../src/report/figures/findings.js';
import { type Measured, measuredOf, type Pair, pairOf } from '../../../src/report/tables/measured.js';
import type { PeerRow } from '../../../src/report/tables/peersTable.js';
import type { Comparison, Estimate, MeasuredOutcome } from '../../../src/study/schema.js';
import { readInventedLaboratory, readInventedRun } from '../fixture.js';

const { summary } = readInventedRun();
const pair = pairOf(summary) as Pair;
const around = (value: number, width: number): Estimate => ({ value, low: value - width, high: value + width });

function withChange(row: Measured, change: Partial<Comparison>): Measured {
  const comparison = { ...(row.entry.comparison as Comparison), ...change };
  return { ...row, entry: { ...row.entry, comparison } };
}

function withPeaks(row: Measured, megabytes: readonly number[]): Measured {
  const stages = (peak: number) => {
    const reading = { residentBytes: peak * 1e6, peakBytes: peak * 1e6 };
    return { baseline: reading, loaded: reading, afterRuns: reading };
  };
  const starts = megabytes.map(stages);
  const outcome = { ...row.outcome, memory: { withArena: starts[0], starts } } as unknown as MeasuredOutcome;
  return { ...row, outcome, entry: { ...row.entry, outcome } };
}

describe('what figures found: better, worse, and not shown', () => {
  it('in speed', () => {
    const said = (latencySpeedUp: Estimate): string | null =>
      latencyFinding({
        ...pair,
        variant: withChange(pair.variant, { latencySpeedUp: { ...latencySpeedUp, draws: 'turns' } }),
      });
    expect(said(around(1.5, 0.1))).toBe('CPU int8 dynamic is 1.50 times as fast as CPU float32');
    expect(said(around(0.7, 0.1))).toBe('CPU int8 dynamic is slower than CPU float32, 0.70 times as fast');
    expect(said(around(1.5, 0.6))).toBe('No difference in speed is shown between CPU int8 dynamic and CPU float32');
    expect(latencyFinding(null)).toBeNull();
  });

  it('at a glance: in speed, and in the size that was read', () => {
    const said = (compression: number): string =>
      glanceFinding({ ...pair, variant: withChange(pair.variant, { compression }) });
    expect(said(4)).toBe('CPU int8 dynamic is 1.84 times as fast as CPU float32; its file is 4.00 times smaller');
    expect(said(0.5)).toMatch(/; its file is 2\.00 times larger$/);
  });

  it('in words, variant by variant', () => {
    const variant = (title: string, werChange: Estimate): Measured => ({
      ...withChange(pair.variant, { werChange }),
      title,
    });
    const [more, fewer, same] = [
      variant('A', around(0.02, 0.01)),
      variant('B', around(-0.02, 0.01)),
      variant('C', around(0.02, 0.03)),
    ];
    expect(wordsFinding([pair.base, same])).toBe('No difference in word errors is shown');
    expect(wordsFinding([pair.base, more, same])).toBe('A makes more word errors than float32');
    expect(wordsFinding([more, { ...more, title: 'D' }, fewer])).toBe(
      'A and D make more word errors than float32; B makes fewer word errors than float32',
    );
    expect(wordsFinding([pair.base])).toBe('Word errors and time');
  });

  it('in memory', () => {
    const said = (...peaks: readonly number[]): string | null =>
      memoryFinding({ base: withPeaks(pair.base, [100, 101, 102]), variant: withPeaks(pair.variant, peaks) });
    expect(said(50, 50, 51)).toBe('CPU int8 dynamic takes 50 % less memory than CPU float32');
    expect(said(150, 151, 153)).toBe('CPU int8 dynamic takes 50 % more memory than CPU float32');
    expect(said(60, 100, 140)).toBe('No difference in memory is shown between CPU int8 dynamic and CPU float32');
    expect(memoryFinding(pair)).toBeNull();
  });

  it('in the price of sound, beside the first model', () => {
    const cost = (title: string, usdPer1000Hours: Estimate): TranscriptionCost =>
      ({ title, usdPer1000Hours }) as TranscriptionCost;
    const float = cost('float', around(0.5, 0.02));
    expect(costFinding([float, cost('float', around(0.4, 0.02)), cost('int8', around(0.2, 0.01))])).toBe(
      'int8 hears 1,000 hours for $0.20, float for $0.40',
    );
    expect(costFinding([float, cost('int8', around(0.6, 0.02))])).toBe('float hears 1,000 hours for the least, $0.50');
    expect(costFinding([float, cost('int8', around(0.49, 0.02))])).toBe(
      'No difference in price is shown between int8 and float',
    );
    const even = (speed: number): BreakEven => ({ audioSPerS: around(speed, 1) }) as BreakEven;
    expect(breakEvenFinding([even(500), even(2000)])).toBe(
      'A GPU must hear 500 to 2,000 times real time to be cheaper',
    );
  });

  it('of the parts of time and of the machine', () => {
    const row = (inferenceMs: number): Measured => ({
      ...pair.base,
      latency: { ...pair.base.latency, inferenceMs, meanMs: around(10, 1) },
    });
    expect(partsFinding([row(8), row(9)])).toBe('The network takes 80 to 90 % of the time');
    expect(partsFinding([row(8)])).toBe('The network takes 80 % of the time');
    const roof = (title: string, share: number) => ({ title, share });
    expect(rooflineFinding([roof('A', 0.8), roof('B', 0.9)])).toBe(
      'Models reach 80 to 90 % of what the machine could do',
    );
    expect(rooflineFinding([roof('A', 0.8), roof('B', 1.1)])).toBe(
      'The bound of B was exceeded: it was measured too low',
    );
  });

  it('of divisions of the cores', () => {
    const report = (model: string, best: string, ...equals: readonly string[]) => ({ model, best, equals });
    expect(throughputFinding([report('A', '2 × 1'), report('B', '2 × 1')])).toBe('2 × 1 hears the most');
    expect(throughputFinding([report('A', '2 × 1'), report('B', '1 × 2', '2 × 1')])).toBe(
      'A: 2 × 1 is shown to hear the most; B: no division is shown to hear the most',
    );
    expect(throughputFinding([report('A', '2 × 1', '1 × 2')])).toBe(
      'No division of the cores is shown to hear the most',
    );
  });

  it('under load', () => {
    const said = (ratio: Estimate): string =>
      loadFinding('B', 'A', { boundMs: 200, basePerS: 10, otherPerS: 20, ratio });
    expect(said(around(2, 0.1))).toBe('B carries 2.00 times the load of A within 200 ms');
    expect(said(around(0.5, 0.1))).toBe('B carries 0.50 times the load of A within 200 ms, which is less');
    expect(said(around(1, 0.1))).toBe('No difference in load is shown between B and A within 200 ms');
  });

  it('of what is kept', () => {
    type Caching = Parameters<typeof loadingFinding>[0];
    const caching = (...speedUps: readonly Estimate[]): Caching =>
      ({
        load: speedUps.map((speedUp, place) => ({ model: 'AB'[place], speedUp })),
        results: [{ points: [{ hitRate: 1, meanMs: around(0.08, 0.01) }] }],
      }) as unknown as Caching;
    expect(loadingFinding(caching(around(2, 0.1), around(1, 0.1)))).toBe(
      'A loads faster from a kept form; a kept transcript takes 0.08 ms',
    );
    expect(loadingFinding(caching(around(0.5, 0.1), around(1, 0.1)))).toMatch(
      /^A kept form is not shown to load faster;/,
    );
  });

  it('of techniques: the smallest within the margin, whether that is shown, and the goal', () => {
    const rows = measuredOf(readInventedLaboratory().summary);
    const variants = rows.filter(({ entry }) => entry.comparison !== null);
    const all = (werChange: Estimate): readonly Measured[] => [
      ...rows.filter((row) => !variants.includes(row)),
      ...variants.map((row) => withChange(row, { werChange })),
    ];
    const few = all(around(0, 0.005));
    const test = { withinMargin: 'shown' };
    const significance = { test } as unknown as NonNullable<Comparison['significance']>;
    const shown = few.map((row) => (row.entry.comparison === null ? row : withChange(row, { significance })));
    expect(variantsFinding(shown, 2)).toMatch(
      /^\S.* is \d\.\d\d times smaller within 1 point of word errors; 2 times is reached$/,
    );
    expect(variantsFinding(few, 2)).toMatch(/ as measured; 2 times is reached$/);
    expect(variantsFinding(all(around(0, 0.02)), 99)).toMatch(/ as measured; 99 times is not reached$/);
    expect(variantsFinding(all(around(0.05, 0.01)), 2)).toBe('No variant stays within 1 point of word errors');
  });

  it('of other programs', () => {
    const row = (title: string, isOurs: boolean, ratio: Estimate): PeerRow =>
      ({ condition: { title, isOurs }, timesAsFast: [ratio] }) as unknown as PeerRow;
    const theirs = row('theirs', false, around(9, 0.1));
    expect(
      peersFinding([theirs, row('slow', true, around(1.5, 0.1)), row('ours', true, around(2, 0.1))], 'theirs'),
    ).toBe('ours is 2.00 times as fast as theirs');
    expect(peersFinding([theirs, row('ours', true, around(0.5, 0.1))], 'theirs')).toMatch(
      /^ours is slower than theirs/,
    );
    expect(peersFinding([row('ours', true, around(1, 0.1))], 'theirs')).toMatch(/^No difference in speed is shown/);
  });
});
