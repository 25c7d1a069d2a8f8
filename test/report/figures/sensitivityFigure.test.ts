import { describe, expect, it } from 'vitest';
import { sensitivityFigure } from '../../../src/report/figures/sensitivityFigure.js';

describe('the figure of sensitivity', () => {
  const figure = sensitivityFigure([
    { layer: 'conv', choice: 'static', outputDb: 43.9 },
    { layer: 'lstm', choice: 'dynamic', outputDb: 57.8 },
    { layer: 'lstm', choice: 'nbits4', outputDb: 35.1 },
    { layer: 'fc', choice: 'dynamic', outputDb: null },
  ]);

  it('draws a trace for each choice, the most harmful layer first', () => {
    expect(figure.spec.data.map(({ name, x, y }) => [name, x, y])).toEqual([
      ['int8, ranges found at each run', [57.8], ['lstm']],
      ['4-bit blocks', [35.1], ['lstm']],
      ['int8, ranges by calibration', [43.9], ['conv']],
    ]);
    expect(figure.spec.layout['yaxis']).toMatchObject({ categoryarray: ['conv', 'lstm'] });
  });

  it('says in words what it shows', () => {
    expect(figure.alt).toBe('Points of signal to error for 2 layers. Most harmful: lstm as 4-bit blocks, 35.1 dB.');
    expect(figure.caption).toMatch(/since nothing was lost: 1/);
    expect(sensitivityFigure([]).alt).toMatch(/Nothing was lost/);
  });
});
