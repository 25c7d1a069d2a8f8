import { describe, expect, it } from 'vitest';
import { staleResults } from '../../src/report/freshness.js';
import { EMPTY_LABORATORY, readLaboratory } from '../../src/report/laboratory.js';
import { LABORATORY_FOLDER, readInventedRun } from './fixture.js';

const old = await readInventedRun();
const run = { ...old, folder: 'latest', summary: { ...old.summary, run: { ...old.summary.run, code: 'a' } } };
const nothing = { ...EMPTY_LABORATORY, folder: 'laboratory' };
const now = { run: 'a', laboratory: 'invented' };

describe('staleResults', () => {
  it('says nothing of results that today’s code made, or where it cannot be told', async () => {
    expect(await staleResults(run, nothing, now, [])).toEqual([]);
    expect(await staleResults(run, nothing, { run: null, laboratory: null }, [])).toEqual([]);
  });

  it('names a run by other code, and one that left no digest, with the remedy', async () => {
    const [changed] = await staleResults(run, nothing, { ...now, run: 'b' }, []);
    expect(changed).toMatch(/^latest: made by other code \(a, now b\); measure again: npm start; or, if no number/);
    const [silent] = await staleResults({ ...old, folder: 'latest' }, nothing, now, []);
    expect(silent).toBe('latest: made by code that left no digest; measure again: npm start');
  });

  it('tells topics apart: their files by the laboratory’s code, variants by that of a run', async () => {
    const laboratory = { ...(await readLaboratory(LABORATORY_FOLDER)), folder: 'laboratory' };
    const stale = await staleResults(run, laboratory, { ...now, laboratory: 'c' }, []);
    expect(stale.map((sentence) => sentence.split(':')[0])).toEqual([
      'laboratory/hardware.json',
      'laboratory/throughput.json',
      'laboratory/load.json',
      'laboratory/caching.json',
      'laboratory/sensitivity.json',
      'laboratory/variants/summary.json',
    ]);
    expect(stale[0]).toContain('npm run quantlab -- laboratory --only hardware');
    expect(stale[5]).toContain('left no digest');
  });

  it('believes who looked and said that the numbers are the same, step by step', async () => {
    const same = [
      { was: 'a', is: 'b', why: 'a message was reworded' },
      { was: 'b', is: 'c', why: 'another' },
    ];
    expect(await staleResults(run, nothing, { ...now, run: 'c' }, same)).toEqual([]);
    expect(await staleResults(run, nothing, { ...now, run: 'd' }, same)).toHaveLength(1);
  });
});
