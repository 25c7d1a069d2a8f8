import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recordsToCsv } from '../../../src/report/tables/csv.js';
import { toFrame } from '../../../src/report/tables/frame.js';
import { flattenRecords } from '../../../src/report/tables/records.js';

const records = [
  { model: 'a', latency: { meanMs: { value: 17.5, low: 17 } }, speedUp: null, turns: true, trials: [1, 2] },
  { model: 'b', latency: { meanMs: { value: -1, low: Number.NaN } }, speedUp: { value: 2 } },
];

describe('results as rows', () => {
  it('have names with dots, the same in each, and no lists', () => {
    expect(flattenRecords(records)).toEqual([
      {
        model: 'a',
        'latency.meanMs.value': 17.5,
        'latency.meanMs.low': 17,
        speedUp: null,
        turns: true,
        'speedUp.value': null,
      },
      {
        model: 'b',
        'latency.meanMs.value': -1,
        'latency.meanMs.low': Number.NaN,
        speedUp: null,
        turns: null,
        'speedUp.value': 2,
      },
    ]);
    expect(flattenRecords([])).toEqual([]);
  });

  it('keep names that every object knows', () => {
    expect(flattenRecords([JSON.parse('{ "constructor": 1, "__proto__": { "toString": 2 } }') as object])).toEqual([
      Object.fromEntries([
        ['constructor', 1],
        ['__proto__.toString', 2],
      ]),
    ]);
  });
});

describe('results as comma-separated values', () => {
  it('are quoted as RFC 4180 has it', () => {
    expect(recordsToCsv([{ a: 'x,1', b: 'say "so"', c: 'two\nlines', d: 'plain', e: null, f: 0.5 }])).toBe(
      'a,b,c,d,e,f\r\n"x,1","say ""so""","two\nlines",plain,,0.5\r\n',
    );
    expect(recordsToCsv([])).toBe('');
  });

  it('hold no formula: in names and in texts, but negative numbers stay numbers', () => {
    const texts = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', 'a=b'];
    const csv = recordsToCsv(texts.map((text) => ({ '=name': text, number: -1.5 })));
    const cells = csv.split('\r\n').map((line) => line.replace(/^"/, ''));
    expect(cells[0]).toBe("'=name,number");
    expect(cells.slice(1, 6).every((line) => line.startsWith("'"))).toBe(true);
    expect(csv).toContain("'＝1,-1.5");
    expect(csv).toContain('a=b,-1.5');
  });
});

describe('results as data frames of danfo.js', () => {
  it('are grouped and described, with what is missing left out', async () => {
    const observations = readFileSync('data/results/laboratory/observations.jsonl', 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { condition: string; phase: string; totalMs: number });
    const latencies = observations.filter(({ phase }) => phase === 'latency');
    const [first] = latencies;
    const frame = await toFrame(latencies);
    expect(frame.shape[0]).toBe(latencies.length);
    const means = frame.groupby(['condition']).col(['totalMs']).mean();
    const own = latencies.filter(({ condition }) => condition === first?.condition).map(({ totalMs }) => totalMs);
    const row = means.values.find(([condition]) => condition === first?.condition);
    expect(row?.[1]).toBeCloseTo(own.reduce((sum, ms) => sum + ms, 0) / own.length, 9);
  });

  it('describe numbers, though a number is missing in the first row and a column holds true and false', async () => {
    const frame = await toFrame([
      { model: 'a', wer: null, fast: true },
      { model: 'b', wer: 0.5, fast: null },
      { model: 'c', wer: 1.5, fast: false },
    ]);
    expect(frame.columns).toEqual(['model', 'wer', 'fast']);
    const described = frame.describe();
    expect(described.columns).toEqual(['wer']);
    expect(described.values[described.index.indexOf('count')]).toEqual([2]);
    expect(frame.groupby(['model']).col(['wer']).count().shape).toEqual([3, 2]);
  });
});
