import { describe, expect, it } from 'vitest';
import type { Cell } from '../notebook/cells.js';
import { findMissing, findMissingUntrusted, type SeenCell } from './reading.js';

const FIGURE = '<figure class="quantlab-0123456789ab"></figure>';
const source = 'await showFigures(all); await showTable(one); await showAudio(sound); await showProgress();';
const outputs = [{ output_type: 'display_data', data: { 'text/html': FIGURE } }];
const code: readonly Cell[] = [{ cell_type: 'code', source, outputs }];
const caption = 'What is seen, and in which units.';
const size = { width: 640, height: 300 };
const run: SeenCell = {
  number: '1',
  errors: [],
  sizes: [size],
  scripts: 1,
  progress: [{ done: 3, total: 3 }],
  tables: [{ ...size, headers: 2, rows: [2, 2] }],
  figures: [{ picture: null, chart: { ...size, shapes: 40 }, caption }],
  players: [{ durationS: 0.8 }],
};
const untrusted: SeenCell = {
  ...run,
  scripts: 0,
  figures: [{ picture: { ...size, isLoaded: true }, chart: null, caption }],
};

describe('what a reader misses in JupyterLab', () => {
  it('is nothing where all is there', () => {
    expect(findMissing(code, [run])).toEqual([]);
    expect(findMissingUntrusted(code, [untrusted])).toEqual([]);
  });

  it.each<[string, Partial<SeenCell>]>([
    ['no error was required, got Error: boom', { errors: ['Error: boom'] }],
    ['the number 1 was required, got [*]', { number: '*' }],
    ['a progress bar at its end was required, got 2 of 3', { progress: [{ done: 2, total: 3 }] }],
    ['a progress bar was required, got none', { progress: [] }],
    ['a table was required, got none', { tables: [] }],
    [
      'a table with a header was required, got 640 × 300, 0 header cells',
      { tables: [{ ...size, headers: 0, rows: [1] }] },
    ],
    ['rows of the same length was required, got 2, 1', { tables: [{ ...size, headers: 2, rows: [2, 1] }] }],
    ['rows of the same length was required, got none', { tables: [{ ...size, headers: 2, rows: [] }] }],
    ['a figure drawn by Plotly was required, got the picture only', { figures: untrusted.figures }],
    [
      'a figure drawn by Plotly was required, got 0 × 0, 40 shapes',
      { figures: [{ picture: null, chart: { width: 0, height: 0, shapes: 40 }, caption }] },
    ],
    ['1 figures as in the notebook file was required, got 0', { figures: [] }],
    ['a sound with a duration was required, got 0 s', { players: [{ durationS: 0 }] }],
    ['a player was required, got none', { players: [] }],
  ])('is told: %s', (message, change) => {
    expect(findMissing(code, [{ ...run, ...change }])).toContain(`cell 1: ${message}`);
  });

  it.each<[string, Partial<SeenCell>]>([
    ['no script was required, got 1', { scripts: 1 }],
    ['an output that is seen was required, got 0 × 0', { sizes: [{ width: 0, height: 0 }] }],
    ['its outputs was required, got none', { sizes: [] }],
    ['1 figures was required, got 0', { figures: [] }],
    ['a static picture was required, got none', { figures: [{ picture: null, chart: null, caption }] }],
    [
      'a static picture was required, got 640 × 300, not loaded',
      { figures: [{ picture: { ...size, isLoaded: false }, chart: null, caption }] },
    ],
  ])('is told of a notebook that is not trusted: %s', (message, change) => {
    expect(findMissingUntrusted(code, [{ ...untrusted, ...change }])).toEqual([`cell 1, untrusted: ${message}`]);
  });

  it('is told where cells are not there', () => {
    expect(findMissing(code, [])).toEqual(['notebook: 1 code cells were required, got 0']);
    expect(findMissingUntrusted(code, [])).toHaveLength(1);
  });
});
