import { describe, expect, it } from 'vitest';
import type { HitRatePoint, ResultCachingReport } from '../../src/measure/load/resultCaching.js';
import type { ServedRate, ServerReport } from '../../src/measure/load/server.js';
import type { ArrangementResult, OfflineReport } from '../../src/measure/throughput/offline.js';
import { cachingFigure } from '../../src/report/figures/cachingFigure.js';
import { serverFigure } from '../../src/report/figures/serverFigure.js';
import { throughputFigure } from '../../src/report/figures/throughputFigure.js';

const estimate = (value: number) => ({ value, low: value - 1, high: value + 2 });

describe('the figure of throughput', () => {
  const result = (batchSize: number, sorted: boolean, streams: number, rtfx: number): ArrangementResult => ({
    arrangement: { batchSize, sorted, streams, threads: 2 / streams },
    name: `${streams} × ${2 / streams} thread, batch ${batchSize}`,
    passes: 5,
    rtfx: estimate(rtfx),
    utterancesPerS: estimate(rtfx / 3),
    paddingShare: 0,
    accuracy: {
      utterances: 129,
      words: 820,
      substitutions: 1,
      deletions: 1,
      insertions: 1,
      wer: { value: 0.559, low: 0.5, high: 0.6 },
      cer: { value: 0.2, low: 0.1, high: 0.3 },
    } as ArrangementResult['accuracy'],
    unsteadyTexts: 0,
  });
  const report: OfflineReport = {
    model: 'float',
    utterances: 129,
    audioS: 362,
    results: [
      result(8, true, 2, 200),
      result(4, true, 2, 190),
      result(8, true, 1, 150),
      result(8, false, 1, 120),
      result(1, true, 2, 100),
    ],
    best: '2 × 1 thread, batch 8',
    equals: [],
  };

  it('draws the best division over batch sizes, and what is not sorted', () => {
    const { spec } = throughputFigure([report]);
    expect(spec.data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ['float, 2 × 1 thread', ['1', '4', '8'], [100, 190, 200]],
      ['float, unsorted', ['8'], [120]],
    ]);
    expect(spec.data[0]?.['error_y']).toMatchObject({ array: [2, 2, 2], arrayminus: [1, 1, 1] });
  });

  it('says in words what it shows', () => {
    const { alt, caption } = throughputFigure([report]);
    expect(alt).toContain('float: best with 2 × 1 thread, batch 8, 200 (199 to 202) times real time');
    expect(alt).toContain('word error rate of 55.90 %');
    expect(caption).toMatch(/129 utterances, 362 s of sound.*in 5 passes/);
    expect(throughputFigure([{ ...report, results: [] }]).alt).toContain('float: not measured.');
  });
});

describe('the figure of load', () => {
  const rate = (ratePerS: number, p95Ms: number, p95BoundMs: number | null, holds: boolean): ServedRate => ({
    model: 'int8',
    ratePerS,
    requests: 300,
    failed: 0,
    servedPerS: ratePerS,
    meanMs: 20,
    medianMs: estimate(18),
    p95Ms,
    p95BoundMs,
    maxMs: 900,
    meanWaiting: 1,
    mostWaiting: 4,
    latenessMs: 0.4,
    holds,
  });
  const report: ServerReport = {
    model: 'int8',
    boundMs: 500,
    streams: 2,
    threads: 1,
    maximumBatch: 1,
    capacityPerS: 60,
    highestPerS: 40,
    rates: [rate(40, 300, 450, true), rate(50, 700, 900, false), rate(20, 60, null, true)],
  };

  it('draws every rate, open where the bound broke, with the bound of the percentile above', () => {
    const { spec } = serverFigure([report]);
    const [points] = spec.data;
    expect([points?.['x'], points?.['y']]).toEqual([
      [20, 40, 50],
      [60, 300, 700],
    ]);
    expect(points?.['error_y']).toMatchObject({ array: [0, 150, 200] });
    expect(points?.['marker']).toMatchObject({ symbol: ['triangle-up', 'triangle-up', 'triangle-up-open'] });
    expect(spec.layout['shapes']).toMatchObject([{ y0: 500, y1: 500 }]);
  });

  it('says in words what it shows', () => {
    expect(serverFigure([report]).alt).toContain('int8: holds 500 ms up to 40.0 requests a second (there 300 ms).');
    expect(serverFigure([{ ...report, highestPerS: null }]).alt).toContain('no rate held 500 ms');
    expect(serverFigure([{ ...report, streams: null }]).caption).toContain('a service over HTTP');
  });
});

describe('the figure of caching', () => {
  const point = (place: 'memory' | 'disk', hitRate: number, meanMs: number): HitRatePoint => ({
    place,
    capacity: 10,
    hitRate,
    expectedHitRate: hitRate,
    requests: 300,
    meanMs: estimate(meanMs),
    medianMs: meanMs,
    p95Ms: null,
    hitMs: 0.1,
    missMs: 28,
  });
  const report: ResultCachingReport = {
    model: 'float',
    utterances: 129,
    exponent: 1,
    threads: 1,
    plainMs: estimate(28),
    points: [point('memory', 0.5, 14), point('memory', 0, 28), point('disk', 1, 0.4)],
    costs: [],
  };

  it('draws a line for each place, from no hits to all', () => {
    const { spec } = cachingFigure([report]);
    expect(spec.data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ['float, memory', [0, 50], [28, 14]],
      ['float, disk', [100], [0.4]],
    ]);
  });

  it('says in words what it shows', () => {
    const { alt, caption } = cachingFigure([report]);
    expect(alt).toContain('float: 28.0 (27.0 to 30.0) ms without a cache; in memory 14.0 ms at 50 %, 28.0 ms at 0 %.');
    expect(caption).toMatch(/300 requests at each point.*exponent 1.*129 recordings/);
  });
});
