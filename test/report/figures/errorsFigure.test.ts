import { describe, expect, it } from 'vitest';
import { errorsFigure } from '../../../src/report/figures/errorsFigure.js';

describe('the figure of errors', () => {
  const figure = errorsFigure([
    { id: 'cpu-float32', title: 'float32', wer: { value: 0.2, low: 0.15, high: 0.25 } },
    {
      id: 'cpu-int8-dynamic',
      title: 'int8',
      wer: { value: 0.21, low: 0.16, high: 0.26 },
      change: { wer: { value: 0.01, low: -0.002, high: 0.022 }, p: 0.0312 },
    },
  ]);

  it('draws rates, and beside them the change, in per cent', () => {
    expect(figure.spec.data.map(({ name, x, y, xaxis }) => [name, x, y, xaxis])).toEqual([
      ['float32', [20], ['float32'], 'x'],
      ['int8', [21], ['int8'], 'x'],
      ['int8', [1], ['int8'], 'x2'],
    ]);
    expect(figure.spec.data[2]?.['error_x']).toMatchObject({ array: [1.2], arrayminus: [1.2] });
    expect(figure.spec.layout['yaxis']).toMatchObject({ categoryarray: ['int8', 'float32'] });
  });

  it('says in words what it shows', () => {
    expect(figure.alt).toBe(
      'Points with intervals, a row for each model. float32: 20.00 (15.00 to 25.00) % word error rate; int8: 21.00 (16.00 to 26.00) % word error rate, change +1.00 (−0.20 to +2.20) points, p = 0.031.',
    );
  });
});
