import { describe, expect, it } from 'vitest';
import type { ModelBench, ModelEvaluation } from '../../../src/measure/latency/bench.js';
import { compareFigure } from '../../../src/report/figures/compareFigure.js';

const benchOf = (path: string, value: number, model = 'mine'): ModelBench =>
  ({ model, path, latency: { meanMs: { value, low: value - 1, high: value + 2 } } }) as unknown as ModelBench;
const evaluationOf = (path: string, value: number): ModelEvaluation =>
  ({ model: 'mine', path, wer: { value, low: value - 0.01, high: value + 0.02 } }) as unknown as ModelEvaluation;

describe('a figure of results of one’s own', () => {
  it('draws speed and errors of the same file in one row, and tells files of one model apart', () => {
    const results = [benchOf('/a/float.onnx', 20), benchOf('/a/small.onnx', 8), evaluationOf('/a/small.onnx', 0.1)];
    const { spec, alt, caption } = compareFigure(results);
    expect(spec.data.map(({ name, x, xaxis }) => [name, x, xaxis])).toEqual([
      ['mine, float', [20], 'x'],
      ['mine, small', [8], 'x'],
      ['mine, small', [10], 'x2'],
    ]);
    expect(spec.data[0]?.['error_x']).toMatchObject({ array: [2], arrayminus: [1] });
    expect(spec.layout['yaxis']).toMatchObject({ categoryarray: ['mine, small', 'mine, float'] });
    expect(alt).toContain('mine, small: Latency, mean (ms) 8.00 (7.00 to 10.0), WER (%) 10.00 (9.00 to 12.00)');
    expect(caption).toContain('95 % intervals');
  });

  it('has one panel where one thing was measured', () => {
    const { spec } = compareFigure([benchOf('/a/a.onnx', 20, 'one'), benchOf('/a/b.onnx', 8, 'two')]);
    expect(Object.keys(spec.layout).filter((key) => key.startsWith('xaxis'))).toEqual(['xaxis']);
    expect(spec.layout['xaxis']).toMatchObject({ domain: [0, 1] });
  });

  it('needs results', () => {
    expect(() => compareFigure([])).toThrow(/at least one model were required, got none/);
  });
});
