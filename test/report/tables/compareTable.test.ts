import { describe, expect, it } from 'vitest';
import type { ModelBench, ModelEvaluation } from '../../../src/measure/latency/bench.js';
import { compareTable } from '../../../src/report/tables/compareTable.js';

const estimate = (value: number, by: number): object => ({ value, low: value - by, high: value + by });
const benchOf = (path: string, ms: number, speedUp: number | null): ModelBench =>
  ({
    model: 'mine',
    path,
    sizeBytes: ms * 1e6,
    latency: { meanMs: estimate(ms, 1), trials: 12 },
    speedUp: speedUp === null ? null : estimate(speedUp, 0.1),
  }) as unknown as ModelBench;
const evaluationOf = (path: string, wer: number, change: number | null): ModelEvaluation =>
  ({
    model: 'mine',
    path,
    wer: estimate(wer, 0.01),
    heard: [1, 2, 3],
    comparison: change === null ? null : { werChange: estimate(change, 0.005) },
  }) as unknown as ModelEvaluation;

describe('a table of results of one’s own', () => {
  const benches = [benchOf('/a/float.onnx', 20, null), benchOf('/a/small.onnx', 8, 2.5)];
  const evaluations = [evaluationOf('/a/float.onnx', 0.2, null), evaluationOf('/a/small.onnx', 0.21, 0.01)];

  it('has a row for each model, with speed and errors of the same file', () => {
    expect(compareTable([...benches, ...evaluations])).toEqual({
      title: 'Models beside each other: 12 trials, 3 recordings each',
      columns: ['Model', 'File (MB)', 'Latency, mean (ms)', 'Times as fast', 'WER (%)', 'Change of WER (points)'],
      rows: [
        ['mine, float', '20.0', '20.0 (19.0 to 21.0)', '1', '20.00 (19.00 to 21.00)', '–'],
        [
          'mine, small',
          '8.00',
          '8.00 (7.00 to 9.00)',
          '2.50 (2.40 to 2.60)',
          '21.00 (20.00 to 22.00)',
          '+1.00 (+0.50 to +1.50)',
        ],
      ],
      notes: [],
    });
  });

  it('takes names, more cells and a title', () => {
    const more = [{ dB: '–' }, { dB: '40' }];
    const { title, columns, rows } = compareTable(benches, { title: 'Mine', names: ['as it came', 'small'], more });
    expect([title, columns.at(-1), rows.map(([name]) => name), rows.map((row) => row.at(-1))]).toEqual([
      'Mine',
      'dB',
      ['as it came', 'small'],
      ['–', '40'],
    ]);
  });

  it('needs results', () => {
    expect(() => compareTable([])).toThrow(/at least one model were required, got none/);
  });
});
