import { describe, expect, it } from 'vitest';
import { LABORATORY_PARTS } from '../../src/study/laboratoryPlan.js';
import { quantlab } from './terminal.js';

describe('quantlab laboratory', () => {
  it('says which parts there are', async () => {
    const { exitCode, out } = await quantlab('laboratory', '--help');
    expect(exitCode).toBe(0);
    for (const part of LABORATORY_PARTS) expect(out).toContain(part);
  });

  it('refuses a part that there is not', async () => {
    const { exitCode, err } = await quantlab('laboratory', '--only', 'weather');
    expect(exitCode).toBe(2);
    expect(err).toContain('weather');
  });
});
